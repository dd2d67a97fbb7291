import type { HostReading } from '../backend/reading.ts';
import type { SurveyedGuest } from '../domain/drift/drift.ts';
import type { EntryNic, EntryNics } from '../domain/guest/entry-nics.ts';
import type { DownPorts, GuestCheckpoint, OwnNic } from '../domain/host/checkpoint.ts';
import type { PortId, Userid, VswitchName } from '../domain/text/identifiers.ts';
import type { HostRuntime } from './host-runtime.ts';
import type { Found } from './survey-guests.ts';

/** The known directory entries, and the guests without ports of ours that the sweep has still to come to. */
export function entriesToRemember(
  host: HostRuntime,
  reading: HostReading,
  guests: readonly SurveyedGuest[],
): EntryNics {
  const ours = new Set(guests.map(({ userid }) => userid));
  const others = [...reading.guests].filter((userid) => !ours.has(userid)).map((userid) => [userid, []] as const);
  const known = [...host.backend.entries.known].filter(([userid, nics]) => nics.length > 0 || !ours.has(userid));
  return new Map<Userid, readonly EntryNic[]>([...others, ...known]);
}

/** The part of a guest in the checkpoint, from what this run found of it. */
export function remember(
  guest: SurveyedGuest,
  { verified, seen }: Found,
  coupled: ReadonlySet<Userid>,
): GuestCheckpoint {
  const wired = wiredNics(guest);
  const isReadable = !guest.hidesPorts && guest.recorded.every((row) => row.unreadable === undefined);
  // A vanished NIC is kept in mind until a reading of the guest finds nothing of it.
  const vanished =
    verified.has(guest.userid) && isReadable
      ? []
      : (guest.remembered?.nics ?? []).filter((nic) => !wired.some((other) => other.vdev === nic.vdev));
  return {
    nics: [...wired, ...vanished],
    // A guest with a NIC that is coupled has been logged on: one that is not coupled, then, is no more as it should be.
    verified: verified.has(guest.userid) || (guest.remembered?.verified === true && !coupled.has(guest.userid)),
    seen: seen.has(guest.userid) || coupled.has(guest.userid) || guest.remembered?.seen === true,
  };
}

/** Ports that are recorded as down; undefined when there are none. */
export function downPorts(guests: readonly SurveyedGuest[]): DownPorts | undefined {
  const down = guests.flatMap(({ recorded }) =>
    recorded.flatMap(({ portId, vswitch, adminStateUp }): [PortId, VswitchName][] =>
      adminStateUp || vswitch === undefined ? [] : [[portId, vswitch]],
    ),
  );
  return down.length === 0 ? undefined : new Map(down);
}

/** NICs of a guest's ports, now and in the checkpoint before. */
export function nicsOf(guest: SurveyedGuest): OwnNic[] {
  return [...wiredNics(guest), ...(guest.remembered?.nics ?? [])];
}

/** The NICs of ports that are wired, as they are recorded. */
export function wiredNics({ recorded }: Pick<SurveyedGuest, 'recorded'>): OwnNic[] {
  return recorded.flatMap(({ vdev, vswitch }) =>
    vdev === undefined || vswitch === undefined ? [] : [{ vdev, vswitch }],
  );
}
