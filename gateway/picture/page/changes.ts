import type { HostChanges, HostView, ListChange, VswitchChange } from './api.ts';
import type { DrawnHost, DrawnVswitch } from './host.ts';

type Vswitch = HostView['vswitches'][number];

/** A host's view with what has changed of it; all else stays the same objects. */
export function changed(
  view: HostView,
  { iplTime, capabilities, behaviour, visitors, findings, guests, vswitches }: HostChanges,
): HostView {
  return {
    ...view,
    iplTime,
    ...(capabilities === undefined ? {} : { capabilities }),
    ...(behaviour === undefined ? {} : { behaviour }),
    ...(visitors === undefined ? {} : { visitors }),
    findings,
    guests: merged(
      view.guests,
      guests,
      ({ userid }) => userid,
      (_, guest) => guest,
    ),
    vswitches: merged(view.vswitches, vswitches, ({ name }) => name, changedVswitch),
  };
}

function merged<Item, Change>(
  items: readonly Item[],
  { now, gone }: ListChange<Change>,
  keyOf: (item: Item | Change) => string,
  merge: (old: Item | undefined, change: Change) => Item,
): Item[] {
  const all = new Map(items.map((item) => [keyOf(item), item]));
  for (const key of gone) all.delete(key);
  for (const item of now) all.set(keyOf(item), merge(all.get(keyOf(item)), item));
  return [...all].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, item]) => item);
}

/** Of a VSWITCH that was there before, long lists come as what is new in them and what is no longer. */
function changedVswitch(old: Vswitch | undefined, vswitch: VswitchChange): Vswitch {
  return {
    ...vswitch,
    authorisations: changedList(old?.authorisations ?? [], vswitch.authorisations),
    nics: changedList(old?.nics ?? [], vswitch.nics),
  };
}

function changedList<Item>(old: readonly Item[], { now, gone }: ListChange<Item>): Item[] {
  const without = new Set(gone);
  return [...old.filter((item) => !without.has(JSON.stringify(item))), ...now];
}

/** Differences between a host and the same a little later: keys of NICs, userids, and `vswitch` with a name. */
export function differences(before: DrawnHost, after: DrawnHost): string[] {
  const nics = new Map(before.guests.flatMap((guest) => guest.nics.map((nic) => [nic.key, JSON.stringify(nic)])));
  const stateOf = ({ uplinks, status }: DrawnVswitch) => JSON.stringify([uplinks, status]);
  const states = new Map(before.vswitches.map((vswitch) => [vswitch.name, stateOf(vswitch)]));
  const userids = new Set(before.guests.map(({ userid }) => userid));
  return [
    ...after.guests.filter(({ userid }) => !userids.has(userid)).map(({ userid }) => userid),
    ...after.guests.flatMap((guest) =>
      guest.nics.filter((nic) => nics.get(nic.key) !== JSON.stringify(nic)).flatMap((nic) => [nic.key, guest.userid]),
    ),
    ...after.vswitches
      .filter((vswitch) => states.get(vswitch.name) !== stateOf(vswitch))
      .map(({ name }) => `vswitch ${name}`),
  ];
}
