import { type MacInUse, type MacPrefix, macFromId } from '../port/mac.ts';
import type { PortNumber, VswitchPort } from '../port/port-number.ts';
import type { Vdev } from '../port/vdev.ts';
import type { Userid, VswitchName } from '../text/identifiers.ts';

/** A NIC of a directory entry that no port of ours is recorded for: what its guest has at the next logon, though nothing live shows it. */
export type EntryNic = { vdev: Vdev; macId?: string; vswitch?: VswitchName; portNumber?: PortNumber };

/** Entries as they were read last, by userid. */
export type EntryNics = ReadonlyMap<Userid, readonly EntryNic[]>;

/** Guests with a port of a port-based VSWITCH in their directory entry, by the port. */
export type PortsInEntries = ReadonlyMap<string, ReadonlySet<Userid>>;

/** The port as text, to look it up by. */
export function portKey({ vswitch, portNumber }: VswitchPort): string {
  return `${vswitch} ${portNumber}`;
}

/** The addresses that entries give away. */
export function macsInEntries(entries: EntryNics, prefix: MacPrefix): MacInUse[] {
  return [...entries].flatMap(([owner, nics]) =>
    nics.flatMap(({ vdev, macId }) => {
      return macId === undefined ? [] : [{ mac: macFromId(prefix, macId), owner, vdev, inEntry: true as const }];
    }),
  );
}

/** The ports that entries give away. */
export function portsInEntries(entries: EntryNics): PortsInEntries {
  const owners = new Map<string, Set<Userid>>();
  for (const [userid, nics] of entries)
    for (const { vswitch, portNumber } of nics) {
      if (vswitch === undefined || portNumber === undefined) continue;
      const key = portKey({ vswitch, portNumber });
      owners.set(key, (owners.get(key) ?? new Set()).add(userid));
    }
  return owners;
}
