import { defined } from '../../../domain/defined.ts';
import type { Finding, Report } from '../../../domain/drift/finding.ts';
import { type Absence, absenceRefusal } from '../../../domain/guest/absence.ts';
import type { PortsInEntries } from '../../../domain/guest/entry-nics.ts';
import type { LiveNic, Nicdef, RecordedPort } from '../../../domain/guest/guest.ts';
import type { ConfiguredRules } from '../../../domain/host/host.ts';
import { directoryAuthorizes, type HostCapabilities } from '../../../domain/host/host-capabilities.ts';
import type { PlanningContext } from '../../../domain/planning/planning-context.ts';
import { type MacPrefix, macId } from '../../../domain/port/mac.ts';
import type { Vdev } from '../../../domain/port/vdev.ts';
import type { Userid } from '../../../domain/text/identifiers.ts';
import type { Vswitch } from '../../../domain/vswitch/vswitch.ts';
import { notDefined } from '../../backend-error.ts';
import type { Reading, RecordedAbsence } from '../../reading.ts';
import { judge } from '../../zvm/return-codes.ts';
import { recordedAddressesOf } from '../rows/address-rows.ts';
import {
  macEntriesAt,
  recordedPortsOf,
  rowsWithoutPortOf,
  standingOf,
  type TableView,
} from '../rows/guest-standing.ts';
import type { Row } from '../tables/tables.ts';
import type { CommandOutcome } from '../zhcp/channel.ts';
import { answered, completeAnswer, failureOf } from '../zhcp/smapi-outcome.ts';
import {
  isWholeDirectory,
  isWholeNicAnswer,
  parseDirectory,
  parseLiveNics,
  parseNicVlans,
} from '../zhcp/smcli-parsers.ts';
import type { Profile } from './directory-profiles.ts';
import { type DeviceOutcomes, devicesOf, profileNics } from './guest-devices.ts';

/** The result of one reading for all guests of a host. */
export type HostView = {
  rules: ConfiguredRules;
  /** Throws a BackendError when z/VM has not said it: only who works on a guest needs it. */
  macPrefix: () => MacPrefix;
  tables: TableView;
  hostsRows: ReadonlyMap<string, readonly Row[]>;
  addressesInUse: PlanningContext['addressesInUse'];
  vswitches: readonly Vswitch[];
  macsInUse: PlanningContext['macsInUse'];
  profiles: ReadonlyMap<string, Profile>;
  portsInEntries: PortsInEntries;
  capabilities: HostCapabilities;
};

/** The part of one guest in a reading. Throws BackendError 'not-defined' for a guest that is not known. */
export function readingOf(view: HostView, userid: Userid, outcomes: DeviceOutcomes | undefined): Reading {
  const { tables } = view;
  const rules = { ...view.rules, macPrefix: view.macPrefix() };
  const standing = standingOf(tables, userid);
  if (standing === undefined) throw notDefined(`read ${userid}`, [absenceRefusal(userid, rules.host, NOWHERE)]);
  const { node, otherNodes } = standing;
  const findings: Finding[] = [];
  const report: Report = ({ of, reason }) => findings.push({ of: `guest ${userid}, ${of}`, reason });
  const recorded = recordedPortsOf(tables, standing);
  const zhcps = [rules.zhcpNode, ...tables.otherZhcps];
  const { hostsRow, addresses } = recordedAddressesOf(view.hostsRows.get(node) ?? [], node, zhcps);
  const running = liveNics(outcomes, view, userid, report);
  const entry = directoryEntry(standing.absence, outcomes, recorded, userid, report);
  const absence = absenceOf(standing.absence, running !== undefined, entry !== undefined);
  const inherited = entry === undefined || outcomes === undefined ? [] : profileNics(outcomes, entry, view.profiles);
  return {
    guest: {
      userid,
      node,
      loggedOn: running !== undefined,
      recorded,
      addresses,
      ...defined({ otherNodes: otherNodes.length === 0 ? undefined : otherNodes }),
      xcat: {
        macEntries: macEntriesAt(tables, node),
        macRow: tables.macRows.has(node),
        hostsRow,
        otherNodes: otherNodes.map((each) => ({ node: each, macEntries: macEntriesAt(tables, each) })),
      },
      directory: [...(entry ?? []), ...(absence?.kind === 'elsewhere' ? [] : inherited)],
      live: running ?? [],
      devices: outcomes === undefined ? [] : devicesOf(outcomes, view.profiles),
      ...defined({ absence }),
    },
    vswitches: view.vswitches,
    rules,
    macsInUse: view.macsInUse,
    portsInEntries: view.portsInEntries,
    addressesInUse: view.addressesInUse,
    findings,
    recordFindings: rowsWithoutPortOf(tables, standing),
  };
}

const NOWHERE: Absence = { kind: 'unknown', remains: false };

/** Undefined when the directory has none. That of a guest on another system may be the same directory, and is not this host's to change. */
function directoryEntry(
  absence: RecordedAbsence | undefined,
  outcomes: DeviceOutcomes | undefined,
  recorded: readonly RecordedPort[],
  userid: Userid,
  report: Report,
): Nicdef[] | undefined {
  if (absence?.kind === 'elsewhere') return [];
  if (outcomes !== undefined && !('directory' in outcomes)) return directoryAsRecorded(recorded);
  const outcome = outcomes?.directory;
  if (codeOf(outcome) === '400/4') return undefined;
  const { output, warnings } = completeAnswer(`read the directory entry of ${userid}`, outcome, isWholeDirectory);
  for (const warning of warnings) report(warning);
  return parseDirectory(output, report);
}

function absenceOf(absence: RecordedAbsence | undefined, loggedOn: boolean, defined: boolean): Absence | undefined {
  if (absence?.kind === 'elsewhere') return absence;
  if (absence?.kind === 'unknown') return { kind: 'unknown', remains: loggedOn || defined };
  return defined ? undefined : { kind: 'undefined', remains: loggedOn };
}

/** The directory entry when it is as recorded; port numbers are in the directory alone. */
function directoryAsRecorded(recorded: readonly RecordedPort[]): Nicdef[] {
  return recorded.flatMap(({ vdev, vswitch, mac, adminStateUp }): Nicdef[] =>
    vdev === undefined || vswitch === undefined || mac === undefined
      ? []
      : [{ vdev, macId: macId(mac), ...(adminStateUp ? { vswitch } : {}) }],
  );
}

// Not logged on is 200/12 or 8/45, which of them is not known (docs/reference/zvm.md 2.2); 200/4 is of a guest that z/VM does not have.
const NOT_RUNNING = ['200/12', '8/45', '200/4'];

/** Undefined when the guest is not logged on. */
function liveNics(
  outcomes: DeviceOutcomes | undefined,
  { vswitches, capabilities }: HostView,
  userid: Userid,
  report: Report,
): LiveNic[] | undefined {
  const operation = `read the NICs of ${userid}`;
  const outcome = outcomes?.nics;
  if (outcome?.ran !== true) throw failureOf(operation, outcome);
  const code = codeOf(outcome) ?? '';
  if (NOT_RUNNING.includes(code)) return undefined;
  // Adapter_Query of a running guest without NICs (docs/reference/smcli.md 5.1).
  if (code === '212/8') return [];
  const { output, warnings } = completeAnswer(operation, outcome, isWholeNicAnswer);
  for (const warning of warnings) report(warning);
  const nics = withMacs(parseLiveNics(output, report), vswitches, userid);
  const vlans = directoryAuthorizes(capabilities) ? effectiveVlans(outcomes?.vlans, report) : undefined;
  return nics.map((nic) => ({ ...nic, ...defined({ vlans: nic.vswitch && vlans?.get(nic.vdev) }) }));
}

/** The VLANs of NICs as z/VM tells them. It hides nothing else where it does not. */
function effectiveVlans(outcome: CommandOutcome | undefined, report: Report): ReadonlyMap<Vdev, readonly number[]> {
  if (outcome === undefined || NOT_RUNNING.includes(codeOf(outcome) ?? '')) return new Map();
  try {
    return parseNicVlans(answered(VLANS, outcome), report);
  } catch (error) {
    report({ of: 'VLANs of its NICs', reason: error instanceof Error ? error.message : String(error) });
    return new Map();
  }
}

const VLANS = 'read the VLANs of live NICs';

/** Return and reason code of what failed. */
function codeOf(outcome: CommandOutcome | undefined): string | undefined {
  if (outcome?.ran !== true) return undefined;
  const verdict = judge('', outcome.exitStatus, outcome.output);
  return verdict.ok ? undefined : `${verdict.rc}/${verdict.rs}`;
}

function withMacs(nics: readonly LiveNic[], vswitches: readonly Vswitch[], userid: Userid): LiveNic[] {
  return nics.map((nic) => {
    const connected = vswitches
      .flatMap((vswitch) => vswitch.nics)
      .find((other) => other.userid === userid && other.vdev === nic.vdev);
    return connected?.mac === undefined ? nic : { ...nic, mac: connected.mac };
  });
}
