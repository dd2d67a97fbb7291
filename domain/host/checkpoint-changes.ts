import type { EntryNic } from '../guest/entry-nics.ts';
import type { PortId, Userid } from '../text/identifiers.ts';
import type { Checkpoint, GuestCheckpoint } from './checkpoint.ts';

/** The way from one checkpoint to a later one: `changed` has the guests, entries and ports that are new or differ, and all else in full. */
export type CheckpointChanges = {
  changed: Checkpoint;
  gone: { guests: Userid[]; entries: Userid[]; ports: PortId[] };
};

/** The changes that make `base` to `now`. */
export function changesBetween(base: Checkpoint, now: Checkpoint): CheckpointChanges {
  const ports = new Set(base.neutron?.ports);
  const portsNow = new Set(now.neutron?.ports);
  return {
    changed: {
      ...now,
      guests: differing(base.guests, now.guests, guestKey),
      entries: differing(base.entries, now.entries, entryKey),
      ...(now.neutron && { neutron: { ...now.neutron, ports: [...portsNow].filter((id) => !ports.has(id)) } }),
    },
    gone: {
      guests: missing(base.guests, now.guests),
      entries: missing(base.entries, now.entries),
      ports: [...ports].filter((id) => !portsNow.has(id)),
    },
  };
}

/** The checkpoint that `changes` make of `base`. */
export function withChanges(base: Checkpoint, { changed, gone }: CheckpointChanges): Checkpoint {
  const left = new Set(gone.ports);
  const ports = (base.neutron?.ports ?? []).filter((id) => !left.has(id));
  return {
    ...changed,
    guests: merged(base.guests, changed.guests, gone.guests),
    entries: merged(base.entries, changed.entries, gone.entries),
    ...(changed.neutron && { neutron: { ...changed.neutron, ports: [...ports, ...changed.neutron.ports] } }),
  };
}

function differing<Value>(
  base: ReadonlyMap<Userid, Value>,
  now: ReadonlyMap<Userid, Value>,
  keyOf: (value: Value) => string,
): Map<Userid, Value> {
  const isSame = (one: Value | undefined, other: Value) => one !== undefined && keyOf(one) === keyOf(other);
  return new Map([...now].filter(([userid, value]) => !isSame(base.get(userid), value)));
}

function guestKey({ verified, seen, nics }: GuestCheckpoint): string {
  return JSON.stringify([verified, seen, nics.map(({ vdev, vswitch }) => [vdev, vswitch])]);
}

function entryKey(nics: readonly EntryNic[]): string {
  return JSON.stringify(nics.map(({ vdev, macId, vswitch, portNumber }) => [vdev, macId, vswitch, portNumber]));
}

function missing(base: ReadonlyMap<Userid, unknown>, now: ReadonlyMap<Userid, unknown>): Userid[] {
  return [...base.keys()].filter((userid) => !now.has(userid));
}

function merged<Value>(
  base: ReadonlyMap<Userid, Value>,
  changed: ReadonlyMap<Userid, Value>,
  gone: readonly Userid[],
): Map<Userid, Value> {
  const all = new Map([...base, ...changed]);
  for (const userid of gone) all.delete(userid);
  return all;
}
