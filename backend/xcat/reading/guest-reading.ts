import { defined } from '../../../domain/defined.ts';
import type { Finding, Report } from '../../../domain/drift/finding.ts';
import { type Absence, absenceRefusal } from '../../../domain/guest/absence.ts';
import type { PortsInEntries } from '../../../domain/guest/entry-nics.ts';
import type { LiveNic, Nicdef, RecordedPort } from '../../../domain/guest/guest.ts';
import type { ConfiguredRules } from '../../../domain/host/host.ts';
import { directoryAuthorizes, type HostCapabilities } from '../../../domain/host/host-capabilities.ts';
import type { PlanningContext } from '../../../domain/planning/planning-context.ts';
import { type MacPrefix, macId } from '../../../domain/port/mac.ts';
import type { PortNumber } from '../../../domain/port/port-number.ts';
import type { Vdev } from '../../../domain/port/vdev.ts';
import { messageOf } from '../../../domain/text/error-message.ts';
import type { Userid } from '../../../domain/text/identifiers.ts';
import type { ConnectedNic, Vswitch } from '../../../domain/vswitch/vswitch.ts';
import { notDefined } from '../../backend-error.ts';
import type { Reading, RecordedAbsence } from '../../reading.ts';
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
  parseNicNumbers,
  parseNicVlans,
} from '../zhcp/smcli-parsers.ts';
import type { ClusterReading } from './cluster-reading.ts';
import type { Profile } from './directory-profiles.ts';
import { buildsOf, codeOf, type DeviceOutcomes, devicesOf, isRunning, profileNics } from './guest-devices.ts';
import { partsOf, type SubconfigOutcomes } from './identity-reading.ts';

/** The result of one reading for all guests of a host. */
export type HostView = {
  rules: ConfiguredRules;
  /** Throws a BackendError when z/VM has not said it: only who works on a guest needs it. */
  macPrefix: () => MacPrefix;
  tables: TableView;
  hostsRows: ReadonlyMap<string, readonly Row[]>;
  addressesInUse: PlanningContext['addressesInUse'];
  vswitches: readonly Vswitch[];
  cluster: ClusterReading;
  macsInUse: PlanningContext['macsInUse'];
  profiles: ReadonlyMap<string, Profile>;
  subconfigs: SubconfigOutcomes;
  /** The z/VM systems of zHCPs that are known. */
  systems: ReadonlyMap<string, string>;
  portsInEntries: PortsInEntries;
  capabilities: HostCapabilities;
};

/**
 * The part of one guest in a reading, and the NICs that its IDENTITY has on other members. Throws BackendError 'not-defined' for a guest that is
 * not known.
 */
export function readingOf(
  view: HostView,
  userid: Userid,
  answers: DeviceOutcomes | undefined,
): Reading & { nicsElsewhere: readonly Nicdef[] } {
  const { tables } = view;
  const rules = { ...view.rules, macPrefix: view.macPrefix() };
  const standing = standingOf(tables, userid);
  if (standing === undefined) throw notDefined(`read ${userid}`, [absenceRefusal(userid, rules, NOWHERE)]);
  const [node, ...otherNodes] = standing.nodes;
  const findings: Finding[] = [];
  const report: Report = ({ of, reason }) => findings.push({ of: `guest ${userid}, ${of}`, reason });
  const ports = recordedPortsOf(tables, standing);
  const recorded = ports.map(({ port }) => port);
  const zhcps = [rules.zhcpNode, ...tables.otherZhcps];
  const { hostsRow, addresses } = recordedAddressesOf(view.hostsRows.get(node) ?? [], node, zhcps);
  const { on, ...place } = view.cluster.placeOf(userid, view.vswitches);
  const { vswitches } = on ?? view;
  const outcomes =
    answers === undefined || on === undefined ? answers : { ...answers, nics: on.nics, active: on.active };
  const running = liveNics(outcomes, { vswitches, capabilities: view.capabilities }, userid, report);
  const recordedAbsence = inClusterOf(view.cluster, standing.absence);
  const entry = directoryEntry(recordedAbsence, outcomes, recorded, userid, report);
  const absence = absenceOf(recordedAbsence, running !== undefined, entry !== undefined);
  const isOurs = entry !== undefined && !hasOtherDirectory(absence);
  const system = view.systems.get(place.runsOn ?? rules.zhcpNode);
  const builds = isOurs ? buildsOf(outcomes ?? {}) : [];
  const { nics, elsewhere, devices } = partsOf(builds, system, view.subconfigs, report);
  for (const { vdev, unclear } of nics)
    if (unclear !== undefined && recorded.some((port) => port.vdev === vdev))
      report({ of: `NIC ${vdev}`, reason: unclear });
  const own = [...nics, ...(entry ?? [])];
  const inherited = !isOurs || outcomes === undefined ? [] : profileNics(outcomes, own, view.profiles);
  return {
    nicsElsewhere: elsewhere,
    guest: {
      userid,
      names: standing.nodes,
      loggedOn: running !== undefined,
      recorded,
      addresses,
      xcat: {
        ports: new Map(ports.map(({ port, at }) => [port.portId, at])),
        macEntries: macEntriesAt(tables, node),
        macRow: tables.macRows.has(node),
        hostsRow,
        otherNodes: otherNodes.map((each) => ({ node: each, macEntries: macEntriesAt(tables, each) })),
      },
      directory: [...own, ...inherited],
      live: running ?? [],
      devices: outcomes === undefined ? [] : [...devicesOf(outcomes, view.profiles), ...devices],
      ...defined({ absence, cluster: view.cluster.cluster === undefined ? undefined : place }),
    },
    vswitches,
    rules,
    macsInUse: view.macsInUse,
    portsInEntries: view.portsInEntries,
    addressesInUse: view.addressesInUse,
    findings,
    recordFindings: rowsWithoutPortOf(tables, standing),
  };
}

const NOWHERE: Absence = { kind: 'unknown', remains: false };

/** Members of a cluster have one directory: what is left of a guest that has moved within it is not this host's to remove. */
function inClusterOf({ zhcps }: ClusterReading, absence: RecordedAbsence | undefined): RecordedAbsence | undefined {
  return absence?.kind === 'elsewhere' && zhcps.has(absence.zhcp) ? { ...absence, inCluster: true } : absence;
}

function hasOtherDirectory(absence: Absence | RecordedAbsence | undefined): boolean {
  return absence?.kind === 'elsewhere' && absence.inCluster !== true;
}

/** Undefined when the directory has none. That of a guest on another system may be the same directory, and is not this host's to change. */
function directoryEntry(
  absence: RecordedAbsence | undefined,
  outcomes: DeviceOutcomes | undefined,
  recorded: readonly RecordedPort[],
  userid: Userid,
  report: Report,
): Nicdef[] | undefined {
  if (hasOtherDirectory(absence)) return [];
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

/** Undefined when the guest is not logged on. */
function liveNics(
  outcomes: DeviceOutcomes | undefined,
  { vswitches, capabilities }: Pick<HostView, 'vswitches' | 'capabilities'>,
  userid: Userid,
  report: Report,
): LiveNic[] | undefined {
  const operation = `read the NICs of ${userid}`;
  const outcome = outcomes?.nics;
  if (outcome?.ran !== true) throw failureOf(operation, outcome);
  if (!isRunning(outcome)) return undefined;
  // Adapter_Query of a running guest without NICs (docs/reference/smcli.md 5.1).
  if (codeOf(outcome) === '212/8') return [];
  const { output, warnings } = completeAnswer(operation, outcome, isWholeNicAnswer);
  for (const warning of warnings) report(warning);
  const answer = withMacs(parseLiveNics(output, report), vswitches, userid);
  const nics = outcomes?.coupledSince === true ? asCoupled(answer, vswitches, userid) : answer;
  const told = directoryAuthorizes(capabilities) ? countedNics(outcomes?.vlans, report) : undefined;
  return nics.map((nic) => {
    if (nic.vswitch === undefined) return nic;
    const { vswitch, vdev } = nic;
    const port = told?.numbers.get(vdev);
    const isItsPort = vswitches.some(({ name, authorisations }) => {
      return name === vswitch && authorisations.some((each) => each.userid === userid && each.portNumber === port);
    });
    return { ...nic, ...defined({ vlans: told?.vlans.get(vdev), portNumber: isItsPort ? port : undefined }) };
  });
}

/** The VLANs of NICs as z/VM tells them, and their numbers. It hides nothing else where it does not. */
function countedNics(
  outcome: CommandOutcome | undefined,
  report: Report,
): { vlans: ReadonlyMap<Vdev, readonly number[]>; numbers: ReadonlyMap<Vdev, PortNumber> } | undefined {
  if (outcome === undefined || !isRunning(outcome)) return undefined;
  try {
    const output = answered(VLANS, outcome);
    return { vlans: parseNicVlans(output, report), numbers: parseNicNumbers(output) };
  } catch (error) {
    report({ of: 'VLANs of its NICs', reason: messageOf(error) });
    return undefined;
  }
}

const VLANS = 'read the VLANs of live NICs';

/** The NICs, coupled where the VSWITCHes have them. One that no VSWITCH has is left as it was: it may not be shown. */
function asCoupled(nics: readonly LiveNic[], vswitches: readonly Vswitch[], userid: Userid): LiveNic[] {
  const has = (vdev: Vdev) => (other: ConnectedNic) => other.userid === userid && other.vdev === vdev;
  return nics.map((nic) => {
    const vswitch = vswitches.find((each) => each.nics.some(has(nic.vdev)))?.name;
    return vswitch === undefined ? nic : { ...nic, vswitch };
  });
}

function withMacs(nics: readonly LiveNic[], vswitches: readonly Vswitch[], userid: Userid): LiveNic[] {
  return nics.map((nic) => {
    const { mac } = firstOf(vswitches, (other) => other.userid === userid && other.vdev === nic.vdev) ?? {};
    return mac === undefined ? nic : { ...nic, mac };
  });
}

/** The first connected NIC that is so, without a list of all NICs of the host for each NIC of a guest. */
function firstOf(vswitches: readonly Vswitch[], isSo: (nic: ConnectedNic) => boolean): ConnectedNic | undefined {
  for (const { nics } of vswitches) {
    const found = nics.find(isSo);
    if (found !== undefined) return found;
  }
  return undefined;
}
