import { defined } from '../../../domain/defined.ts';
import { type Desired, type DesiredPort, removedVdevs } from '../../../domain/guest/desired.ts';
import type { GuestState } from '../../../domain/guest/guest.ts';
import type { RecordStep } from '../../../domain/planning/steps.ts';
import type { NicAddress } from '../../../domain/port/address.ts';
import type { Mac } from '../../../domain/port/mac.ts';
import { sameNetwork } from '../../../domain/port/port.ts';
import { type Vdev, vdevNumber } from '../../../domain/port/vdev.ts';
import type { NodeName, PortId } from '../../../domain/text/identifiers.ts';
import type { HostsRow } from './address-rows.ts';
import type { PortRows } from './guest-standing.ts';
import type { MacEntry } from './port-rows.ts';
import type { RecordChange } from './record-steps.ts';

/** The rows of xCAT's tables that the record of a guest is planned from. */
type XcatRows = {
  ports: ReadonlyMap<PortId, PortRows>;
  macEntries: readonly MacEntry[];
  /** True when the node has a row in the `mac` table, be it with Nova's placeholder. */
  macRow: boolean;
  hostsRow: HostsRow;
  /** Other nodes of the guest, with the addresses in their rows of the `mac` table. */
  otherNodes: readonly { node: NodeName; macEntries: readonly MacEntry[] }[];
};

declare module '../../../domain/guest/guest.ts' {
  interface GuestState {
    xcat?: XcatRows;
  }
}

/**
 * The steps on xCAT's tables: rows of the `switch`, `mac` and `hosts` tables that are made or changed before z/VM is touched, and those that go
 * after it.
 */
export function planRecord(desired: Desired, guest: GuestState): RecordStep[] {
  return [...planRows(desired, guest), ...planForget(desired, guest)];
}

const NO_ROWS: XcatRows = { ports: new Map(), macEntries: [], macRow: false, hostsRow: 'none', otherNodes: [] };

function rowsOf({ xcat = NO_ROWS }: GuestState): XcatRows {
  return xcat;
}

/** The rows of a port; of one that has none, the place of its row. */
function portRowsOf(portId: PortId, guest: GuestState): PortRows {
  const rows = guest.recorded.some((port) => port.portId === portId) ? 1 : 0;
  return rowsOf(guest).ports.get(portId) ?? { rows, nodes: [guest.names[0]] };
}

function planRows(desired: Desired, guest: GuestState): RecordStep[] {
  const steps: RecordStep[] = [];
  for (const port of desired.ports) {
    const row = guest.recorded.find((recorded) => recorded.portId === port.portId);
    const right =
      row !== undefined &&
      row.doubled === undefined &&
      row.recordedFor === undefined &&
      row.vdev === port.vdev &&
      row.vswitch === port.vswitch &&
      sameNetwork(row.network, port.network) &&
      row.adminStateUp === port.adminStateUp;
    if (right) continue;
    const { portId, vdev, vswitch, network, adminStateUp } = port;
    const data = { portId, vdev, vswitch, network, adminStateUp, ...portRowsOf(portId, guest) };
    const sentence = `record port ${portId} of ${guest.userid}: vdev ${vdev} on ${vswitch}`;
    steps.push(recordStep('record', { operation: 'port', data }, sentence, { portId }));
  }
  const entries = macEntriesBefore(desired, guest);
  if (!sameEntries(guest, entries)) {
    steps.push(recordMacs('record', guest.names, entries, rowsOf(guest).macRow));
  }
  const addresses = addressesBefore(desired, guest);
  if (!sameAddresses(guest, addresses))
    steps.push(...recordAddresses('record', guest, addresses, rowsOf(guest).hostsRow !== 'none'));
  return steps;
}

type Stage = RecordStep['stage'];

function recordStep(stage: Stage, change: RecordChange, sentence: string, more: Partial<RecordStep> = {}): RecordStep {
  return { kind: 'record', stage, ...change, sentence, ...more, disturbs: false };
}

function recordMacs(stage: Stage, nodes: GuestState['names'], entries: readonly string[], row: boolean): RecordStep {
  const sentence = `record ${entries.length} MAC address${entries.length === 1 ? '' : 'es'} of ${nodes[0]}`;
  return recordStep(stage, { operation: 'macs', data: { nodes, entries, row } }, sentence);
}

/** The addresses, and the names that follow from them. */
function recordAddresses(stage: Stage, guest: GuestState, entries: readonly NicAddress[], row: boolean): RecordStep[] {
  const [node] = guest.names;
  const data = { node, entries, row, stale: leavesBehind(guest, entries) };
  const sentence = `record ${entries.length} address${entries.length === 1 ? '' : 'es'} of ${node}`;
  const names = 'update the name service of the management node';
  return [
    recordStep(stage, { operation: 'addresses', data }, sentence, { needs: 'addresses' }),
    recordStep(stage, { operation: 'names', data: {} }, names, { needs: 'addresses', isUnseen: true }),
  ];
}

function planForget(desired: Desired, guest: GuestState): RecordStep[] {
  const steps: RecordStep[] = [];
  for (const { portId, unwired } of desired.removed) {
    const row = guest.recorded.find((recorded) => recorded.portId === portId);
    if (row === undefined || (unwired && row.vswitch === undefined && row.adminStateUp)) continue;
    for (const node of portRowsOf(portId, guest).nodes) {
      const data = { node, portId, keepRow: unwired };
      const sentence = `${unwired ? 'unwire' : 'remove the record of'} port ${portId} of ${node}`;
      steps.push(recordStep('forget', { operation: 'remove', data }, sentence, { portId }));
    }
  }
  const before = macEntriesBefore(desired, guest);
  const entries = macEntriesAfter(desired, guest);
  if (!sameEntries(guest, entries) && entries.length < before.length) {
    const row = rowsOf(guest).macRow || before.length > 0;
    steps.push(recordMacs('forget', guest.names, entries, row));
  }
  for (const { node, macEntries } of rowsOf(guest).otherNodes) {
    const kept = entriesLeft(desired, guest, macEntries);
    if (kept.length < macEntries.length) steps.push(recordMacs('forget', [node], kept, true));
  }
  const addressesThen = addressesBefore(desired, guest);
  const addresses = addressesAfter(desired, guest);
  if (addresses.length < addressesThen.length) {
    const written = rowsOf(guest).hostsRow !== 'none' || !sameAddresses(guest, addressesThen);
    steps.push(...recordAddresses('forget', guest, addresses, written));
  }
  return steps;
}

/** The entries while the plan runs: those there, those of the desired ports. */
function macEntriesBefore(desired: Desired, guest: GuestState): string[] {
  return entries(desired, guest, () => true);
}

/** The entries at the end: those of removed ports are gone. */
function macEntriesAfter(desired: Desired, guest: GuestState): string[] {
  const vdevs = goneVdevs(desired, guest);
  return entries(desired, guest, (entry) => entry.vdev === undefined || !vdevs.has(entry.vdev));
}

/** Of the entries of another node of the guest those that stay. */
function entriesLeft(desired: Desired, guest: GuestState, macEntries: readonly MacEntry[]): string[] {
  const vdevs = goneVdevs(desired, guest);
  return macEntries.flatMap(({ text, vdev }) => (vdev !== undefined && vdevs.has(vdev) ? [] : [text]));
}

function goneVdevs(desired: Desired, guest: GuestState): Set<Vdev> {
  const removed = new Set<string>(desired.removed.filter((port) => !port.unwired).map((port) => port.portId));
  const rows = guest.recorded.filter((row) => removed.has(row.portId)).flatMap((row) => row.vdev ?? []);
  const unrecorded = removedVdevs({ ...desired, removed: [] }, guest);
  return new Set([...rows, ...unrecorded]);
}

/** True when the node's row has exactly these entries. */
function sameEntries(guest: GuestState, wanted: readonly string[]): boolean {
  return (
    rowsOf(guest)
      .macEntries.map((entry) => entry.text)
      .join('|') === wanted.join('|')
  );
}

function entries(desired: Desired, guest: GuestState, keep: (entry: MacEntry) => boolean): string[] {
  const [node] = guest.names;
  const wanted = new Map(
    desired.ports.flatMap((port): [Vdev, Mac][] =>
      port.mac === undefined || standsElsewhere(port, guest) ? [] : [[port.vdev, port.mac]],
    ),
  );
  const kept = rowsOf(guest).macEntries.flatMap((entry) => {
    const mac = entry.vdev === undefined ? undefined : wanted.get(entry.vdev);
    if (mac === undefined || entry.vdev === undefined) return keep(entry) ? [entry.text] : [];
    wanted.delete(entry.vdev);
    return [`${mac}!${node}-${entry.vdev}`];
  });
  return [...kept, ...[...wanted].map(([vdev, mac]) => `${mac}!${node}-${vdev}`)];
}

/** True for a port whose address stands in the row of another node of the guest. */
function standsElsewhere({ portId, mac }: DesiredPort, guest: GuestState): boolean {
  return (
    portRowsOf(portId, guest).nodes[0] !== guest.names[0] &&
    guest.recorded.some((row) => row.portId === portId && row.mac === mac)
  );
}

/** While the plan runs: those of the desired ports, and of removed ones as long as they are there. */
function addressesBefore(desired: Desired, guest: GuestState): NicAddress[] {
  const wanted = addressesAfter(desired, guest);
  const removed = new Set<string>(desired.removed.map((port) => port.portId));
  const vdevs = new Set(guest.recorded.filter((row) => removed.has(row.portId)).flatMap((row) => row.vdev ?? []));
  const leaving = (guest.addresses ?? []).filter((entry) => vdevs.has(entry.vdev));
  return byVdev([...wanted, ...leaving.filter((entry) => !wanted.some((other) => other.vdev === entry.vdev))]);
}

/**
 * At the end: those of the desired ports. Of NICs that no port stands for any more, none is left: the row is ours. Ports that are recorded
 * and not named keep theirs.
 */
function addressesAfter(desired: Desired, guest: GuestState): NicAddress[] {
  const named = new Set<string>([...desired.ports, ...desired.removed].map((port) => port.portId));
  const untouched = new Set(guest.recorded.filter((row) => !named.has(row.portId)).flatMap((row) => row.vdev ?? []));
  const ofPorts = desired.ports.flatMap(({ vdev, address, hostname }): NicAddress[] =>
    address === undefined ? [] : [{ vdev, address, ...defined({ hostname }) }],
  );
  return byVdev([...ofPorts, ...(guest.addresses ?? []).filter((entry) => untouched.has(entry.vdev))]);
}

/** True when the row holds exactly these addresses, or is somebody else's about none of them and so not ours to change. */
function sameAddresses(guest: GuestState, wanted: readonly NicAddress[]): boolean {
  const { hostsRow } = rowsOf(guest);
  if (typeof hostsRow === 'object') return !wanted.some((entry) => entry.address === hostsRow.foreign);
  return JSON.stringify((guest.addresses ?? []).map(asWritten)) === JSON.stringify(wanted.map(asWritten));
}

/** True when a name or address that is there now is none of these. */
function leavesBehind(guest: GuestState, wanted: readonly NicAddress[]): boolean {
  const kept = new Set(wanted.map((entry) => asWritten(entry).join()));
  return (guest.addresses ?? []).some((entry) => !kept.has(asWritten(entry).join()));
}

function asWritten({ vdev, address, hostname }: NicAddress): string[] {
  return [vdev, address, hostname ?? ''];
}

function byVdev(entries: readonly NicAddress[]): NicAddress[] {
  return entries.toSorted((one, other) => vdevNumber(one.vdev) - vdevNumber(other.vdev));
}
