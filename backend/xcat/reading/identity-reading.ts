import type { Report } from '../../../domain/drift/finding.ts';
import type { Nicdef } from '../../../domain/guest/guest.ts';
import { type DeviceRange, nicDevices } from '../../../domain/port/vdev.ts';
import { Userid } from '../../../domain/text/identifiers.ts';
import type { Build } from '../../zvm/device-parser.ts';
import type { XcatHost } from '../xcat-host.ts';
import type { CommandOutcome } from '../zhcp/channel.ts';
import { parseSystem } from '../zhcp/level-parsers.ts';
import { answered, completeAnswer } from '../zhcp/smapi-outcome.ts';
import { queryDirectory, querySystem } from '../zhcp/smcli.ts';
import { isWholeDirectory, parseDirectory, parseDirectoryDevices } from '../zhcp/smcli-parsers.ts';
import { codeOf } from './guest-devices.ts';

/** Answers about SUBCONFIGs, by their names. */
export type SubconfigOutcomes = ReadonlyMap<string, CommandOutcome | undefined>;

/** The part of an IDENTITY that stands in its SUBCONFIGs. */
export type MemberParts = {
  /** NICs of the member that the guest is on; of each member where that is not known. */
  nics: Nicdef[];
  /** NICs of the other members. */
  elsewhere: Nicdef[];
  /** The devices of all members: a NIC of the IDENTITY itself comes beside each of them. */
  devices: DeviceRange[];
};

/**
 * Read the SUBCONFIGs of IDENTITYs anew, as entries are, and the name of the host's own system where it decides and is not known yet. No call
 * without one.
 */
export async function readSubconfigs(host: XcatHost, builds: readonly Build[]): Promise<SubconfigOutcomes> {
  const { systems } = host.members;
  const { zhcpNode } = host.rules;
  const names = [...new Set(builds.map(({ subconfig }) => subconfig))].flatMap(
    (name) => Userid.safeParse(name).data ?? [],
  );
  const asksSystem = !systems.has(zhcpNode) && builds.some(({ member }) => member !== '*');
  const questions = [...names.map(queryDirectory), ...(asksSystem ? [querySystem()] : [])];
  if (questions.length === 0) return new Map();
  const outcomes = await host.xcat.channel(zhcpNode).run(questions.map((question) => [question]));
  if (asksSystem) noteSystem(systems, zhcpNode, outcomes[names.length]);
  return new Map(names.map((name, index) => [name, outcomes[index]]));
}

function noteSystem(systems: Map<string, string>, zhcp: string, outcome: CommandOutcome | undefined): void {
  try {
    systems.set(zhcp, parseSystem(answered('read the name of the z/VM system', outcome)));
  } catch {
    // It is said of each guest that needs it, and another reading asks again.
  }
}

/**
 * The parts of an IDENTITY by its SUBCONFIGs. Their NICs are `unclear`, so that the ports of these stay unchanged. Throws a BackendError when one
 * that the directory has cannot be read: nobody knows then which NICs the guest has.
 */
export function partsOf(
  builds: readonly Build[],
  system: string | undefined,
  outcomes: SubconfigOutcomes,
  report: Report,
): MemberParts {
  const here = countingOn(system, builds, report);
  const parts: MemberParts = { nics: [], elsewhere: [], devices: [] };
  for (const build of builds) {
    const { subconfig } = build;
    const outcome = outcomes.get(subconfig);
    if (codeOf(outcome) === '400/4') {
      report({ of: `SUBCONFIG ${subconfig}`, reason: 'the directory does not have it' });
      continue;
    }
    const operation = `read SUBCONFIG ${subconfig}`;
    const { output, warnings } = completeAnswer(operation, outcome, isWholeDirectory);
    for (const warning of warnings) report(warning);
    const nics = parseDirectory(output, ({ of, reason }) => report({ of: `SUBCONFIG ${subconfig}, ${of}`, reason }));
    const place = here.includes(build) ? parts.nics : parts.elsewhere;
    const unclear = `its NICDEF stands in SUBCONFIG ${subconfig}, which is never changed`;
    place.push(...nics.map((nic): Nicdef => ({ ...nic, subconfig, unclear })));
    const ranges = [...parseDirectoryDevices(output).devices, ...nics.map(({ vdev }) => nicDevices(vdev))];
    parts.devices.push(
      ...ranges.map(({ nic: _nic, ...range }) => ({ ...range, what: `${range.what} of SUBCONFIG ${subconfig}` })),
    );
  }
  return parts;
}

/** The SUBCONFIG that counts on a system; all of them where nobody knows the system. */
function countingOn(system: string | undefined, builds: readonly Build[], report: Report): readonly Build[] {
  if (system === undefined && builds.some(({ member }) => member !== '*')) {
    const reason = 'the name of the z/VM system that the guest is on is not known: all of them count';
    report({ of: 'the SUBCONFIGs of its IDENTITY', reason });
    return builds;
  }
  return builds.filter(({ member }) => member === '*' || member === system).slice(0, 1);
}
