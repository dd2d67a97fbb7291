import { type Desired, type DesiredPort, removedVdevs } from '../guest/desired.ts';
import type { GuestState, MacEntry } from '../guest/guest.ts';
import { Mac } from './mac.ts';
import { Vdev } from './vdev.ts';

const UNSET = '00:00:00:00:00:00';

/**
 * Parse the `mac` column of a node's row: xCAT's form for several, `<mac>!<node>-<vdev>|…`, or Nova's single address with the vdev in
 * the `interface` column (contract xcat.md 2.5). Entries that are neither are kept as text, and Nova's all-zero placeholder is dropped.
 */
export function parseMacColumn(column: string, node: string, interfaceColumn: string): MacEntry[] {
  return column
    .split('|')
    .filter((text) => text !== '' && text !== UNSET)
    .map((text) => {
      const [address = '', name] = text.split('!', 2);
      const mac = Mac.safeParse(address).data;
      const vdevText =
        name === undefined ? interfaceColumn : name.startsWith(`${node}-`) ? name.slice(node.length + 1) : '';
      const vdev = Vdev.safeParse(vdevText).data;
      return { text, ...(mac === undefined ? {} : { mac }), ...(vdev === undefined ? {} : { vdev }) };
    });
}

/** The entries while the plan runs: those there, those of the desired ports. */
export function macEntriesBefore(desired: Desired, guest: GuestState): string[] {
  return entries(desired, guest, () => true);
}

/** The entries at the end: those of removed ports are gone. */
export function macEntriesAfter(desired: Desired, guest: GuestState): string[] {
  const vdevs = goneVdevs(desired, guest);
  return entries(desired, guest, (entry) => entry.vdev === undefined || !vdevs.has(entry.vdev));
}

/** Of the entries of another node of the guest those that stay. */
export function entriesLeft(desired: Desired, guest: GuestState, macEntries: readonly MacEntry[]): string[] {
  const vdevs = goneVdevs(desired, guest);
  return macEntries.flatMap(({ text, vdev }) => (vdev !== undefined && vdevs.has(vdev) ? [] : [text]));
}

function goneVdevs(desired: Desired, guest: GuestState): Set<Vdev> {
  const removed = new Set<string>(desired.removed.filter((port) => !port.keepRow).map((port) => port.portId));
  const rows = guest.recorded.filter((row) => removed.has(row.portId)).flatMap((row) => row.vdev ?? []);
  const unrecorded = removedVdevs({ ...desired, removed: [] }, guest);
  return new Set([...rows, ...unrecorded]);
}

/** True when the node's row has exactly these entries. */
export function sameEntries(guest: GuestState, wanted: readonly string[]): boolean {
  return guest.macEntries.map((entry) => entry.text).join('|') === wanted.join('|');
}

function entries(desired: Desired, guest: GuestState, keep: (entry: MacEntry) => boolean): string[] {
  const wanted = new Map(
    desired.ports.flatMap((port): [Vdev, Mac][] =>
      port.mac === undefined || standsElsewhere(port, guest) ? [] : [[port.vdev, port.mac]],
    ),
  );
  const kept = guest.macEntries.flatMap((entry) => {
    const mac = entry.vdev === undefined ? undefined : wanted.get(entry.vdev);
    if (mac === undefined || entry.vdev === undefined) return keep(entry) ? [entry.text] : [];
    wanted.delete(entry.vdev);
    return [`${mac}!${guest.node}-${entry.vdev}`];
  });
  return [...kept, ...[...wanted].map(([vdev, mac]) => `${mac}!${guest.node}-${vdev}`)];
}

/** True for a port whose address stands in the row of another node of the guest. */
function standsElsewhere({ node, portId, mac }: DesiredPort, guest: GuestState): boolean {
  return node !== guest.node && guest.recorded.some((row) => row.portId === portId && row.mac === mac);
}
