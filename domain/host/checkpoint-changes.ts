import type { EntryNic } from '../guest/entry-nics.ts';
import type { PortId, Userid } from '../text/identifiers.ts';
import type { Checkpoint, GuestCheckpoint } from './checkpoint.ts';

/** The parts of a checkpoint that are handed on whole or not at all. */
export const CHECKPOINT_PARTS = ['iplTime', 'rdevs', 'neutron', 'toConfirm', 'answers'] as const;
export type CheckpointPart = (typeof CHECKPOINT_PARTS)[number];

/** The way from one checkpoint to a later one. */
export type CheckpointChanges = {
  /** Guests, entries and ports that are new or differ, and the place of the sweep. */
  changed: Checkpoint;
  /** The parts that differ: `changed` has them as they are now, but of Neutron's ports only the new ones. */
  parts: CheckpointPart[];
  gone: { guests: Userid[]; entries: Userid[]; ports: PortId[] };
};

/** The changes that make `base` to `now`. */
export function changesBetween(base: Checkpoint, now: Checkpoint): CheckpointChanges {
  const ports = new Set(base.neutron?.ports);
  const portsNow = new Set(now.neutron?.ports);
  const parts = CHECKPOINT_PARTS.filter((part) => partKey(base, part) !== partKey(now, part));
  return {
    changed: {
      ...partsOf(now, parts),
      ...(now.sweptUpTo !== undefined && { sweptUpTo: now.sweptUpTo }),
      guests: differing(base.guests, now.guests, guestKey),
      entries: differing(base.entries, now.entries, entryKey),
      ...(parts.includes('neutron') &&
        now.neutron && { neutron: { ...now.neutron, ports: [...portsNow].filter((id) => !ports.has(id)) } }),
    },
    parts,
    gone: {
      guests: missing(base.guests, now.guests),
      entries: missing(base.entries, now.entries),
      ports: [...ports].filter((id) => !portsNow.has(id)),
    },
  };
}

/** The checkpoint that `changes` make of `base`. */
export function withChanges(base: Checkpoint, { changed, parts, gone }: CheckpointChanges): Checkpoint {
  const left = new Set(gone.ports);
  const ports = (base.neutron?.ports ?? []).filter((id) => !left.has(id));
  const kept = CHECKPOINT_PARTS.filter((part) => !parts.includes(part));
  return {
    ...partsOf(base, kept),
    ...changed,
    guests: merged(base.guests, changed.guests, gone.guests),
    entries: merged(base.entries, changed.entries, gone.entries),
    ...(changed.neutron && { neutron: { ...changed.neutron, ports: [...ports, ...changed.neutron.ports] } }),
  };
}

/** True when nothing but the place of the sweep differs. */
export function isUnchanged({ changed, parts, gone }: CheckpointChanges): boolean {
  const sizes = [changed.guests.size, changed.entries.size, parts.length, gone.guests.length, gone.entries.length];
  return sizes.every((size) => size === 0);
}

function partsOf(checkpoint: Checkpoint, parts: readonly CheckpointPart[]): Pick<Checkpoint, CheckpointPart> {
  return Object.fromEntries(
    parts.flatMap((part) => (checkpoint[part] === undefined ? [] : [[part, checkpoint[part]]])),
  );
}

/** Equal for equal parts. */
function partKey({ rdevs, neutron, ...checkpoint }: Checkpoint, part: CheckpointPart): string | undefined {
  if (part === 'rdevs') return rdevs && JSON.stringify([...rdevs]);
  if (part === 'neutron') return neutron && JSON.stringify([neutron.ports.toSorted(), [...neutron.reported]]);
  return JSON.stringify(checkpoint[part]);
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
