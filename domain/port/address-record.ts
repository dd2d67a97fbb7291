import type { Desired } from '../guest/desired.ts';
import type { GuestState } from '../guest/guest.ts';
import type { NicAddress } from './address.ts';
import { vdevNumber } from './vdev.ts';

/** The addresses of the node's row, where it is ours. */
export function recordedAddresses({ addresses }: GuestState): readonly NicAddress[] {
  return addresses.row === 'ours' ? addresses.entries : [];
}

/** While the plan runs: those of the desired ports, and of removed ones as long as they are there. */
export function addressesBefore(desired: Desired, guest: GuestState): NicAddress[] {
  const wanted = addressesAfter(desired, guest);
  const removed = new Set<string>(desired.removed.map((port) => port.portId));
  const vdevs = new Set(guest.recorded.filter((row) => removed.has(row.portId)).flatMap((row) => row.vdev ?? []));
  const leaving = recordedAddresses(guest).filter((entry) => vdevs.has(entry.vdev));
  return byVdev([...wanted, ...leaving.filter((entry) => !wanted.some((other) => other.vdev === entry.vdev))]);
}

/**
 * At the end: those of the desired ports. Of NICs that no port stands for any more, none is left: the row is ours. Ports that are recorded
 * and not named keep theirs.
 */
export function addressesAfter(desired: Desired, guest: GuestState): NicAddress[] {
  const named = new Set<string>([...desired.ports, ...desired.removed].map((port) => port.portId));
  const untouched = new Set(guest.recorded.filter((row) => !named.has(row.portId)).flatMap((row) => row.vdev ?? []));
  const ofPorts = desired.ports.flatMap(({ vdev, address, hostname }): NicAddress[] =>
    address === undefined ? [] : [{ vdev, address, ...(hostname === undefined ? {} : { hostname }) }],
  );
  return byVdev([...ofPorts, ...recordedAddresses(guest).filter((entry) => untouched.has(entry.vdev))]);
}

/** True when the row holds exactly these addresses, or is somebody else's about none of them and so not ours to change. */
export function sameAddresses({ addresses }: GuestState, wanted: readonly NicAddress[]): boolean {
  switch (addresses.row) {
    case 'none':
      return wanted.length === 0;
    case 'ours':
      return JSON.stringify(addresses.entries.map(asWritten)) === JSON.stringify(wanted.map(asWritten));
    case 'foreign':
      return !wanted.some((entry) => entry.address === addresses.address);
  }
}

/** True when a name or address that is there now is none of these. */
export function leavesBehind(guest: GuestState, wanted: readonly NicAddress[]): boolean {
  const kept = new Set(wanted.map((entry) => asWritten(entry).join()));
  return recordedAddresses(guest).some((entry) => !kept.has(asWritten(entry).join()));
}

function asWritten({ vdev, address, hostname }: NicAddress): string[] {
  return [vdev, address, hostname ?? ''];
}

function byVdev(entries: readonly NicAddress[]): NicAddress[] {
  return entries.toSorted((one, other) => vdevNumber(one.vdev) - vdevNumber(other.vdev));
}
