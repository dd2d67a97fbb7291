import type { DrawnGuest, DrawnVswitch, Nic } from '../host.ts';
import { nicMatches, type Term } from '../search.ts';

export type Form = 'drawing' | 'cells' | 'dots';
export type Bus = { vswitch: DrawnVswitch; x: number };
type Side = 'left' | 'right';
/** A NIC's line from its guest's edge to its bus. */
export type Wire = {
  nic: Nic;
  y: number;
  from: number;
  /** Undefined when its VSWITCH is not known. */
  to: number | undefined;
  /** The bus that it should be coupled to, when it is coupled to another. */
  should: number | undefined;
  matches: boolean;
};
/** NICs of a group that lead to one VSWITCH. */
export type Bundle = {
  vswitch: string;
  x: number;
  count: number;
  vlans: [vlan: number | undefined, count: number][];
  drifted: boolean;
};
type Box = { key: string; x: number; y: number; w: number; h: number };
export type GuestItem = Box & { kind: 'guest'; guest: DrawnGuest; side: Side; wires: Wire[] };
export type CellItem = Box & { kind: 'cell'; guest: DrawnGuest };
export type GroupItem = Box & { kind: 'group'; title: string; members: DrawnGuest[]; bundles: Bundle[] };
export type LabelItem = Box & { kind: 'label'; text: string };
export type Item = GuestItem | CellItem | GroupItem | LabelItem;
export type Layout = { form: Form; width: number; height: number; busEnd: number; buses: Bus[]; items: Item[] };
type Size = { w: number; h: number; gap: number };

/** From so many guests on, wires are too many to be followed: guests become cells. */
const MOST_DRAWN = 60;
/** Boxes with what is between them are whole NICs high: wires from the left and from the right, half a NIC lower, never lie on each other. */
const BOX = { narrow: 206, wide: 264, head: 24, nic: 20, foot: 6, between: 10 };
const GAP = 72;
const STEP = { least: 88, most: 132 };
const MARGIN = 12;
const TOP = 22;
const CELLS = { cells: { w: 60, h: 24, gap: 4 }, dots: { w: 12, h: 12, gap: 3 } };
/** Above its cells a group has its name, and above that the buses are to be seen. */
const GROUP = { head: 42, inside: 12, above: 40 };

/** The form that was asked for, or else the one that fits so many guests. */
export function formFor(asked: string, guests: readonly DrawnGuest[]): Form {
  if (asked === 'drawing' || asked === 'cells' || asked === 'dots') return asked;
  const wired = guests.filter(({ nics }) => nics.length > 0).length;
  return wired <= MOST_DRAWN ? 'drawing' : 'cells';
}

/**
 * Where everything is: buses from left to right, and items by their key, each with its box. In a drawing guests stand on both sides of the buses
 * where there is room, else on their left; as cells they lie in groups across them.
 */
export function layOut({
  vswitches,
  guests,
  query,
  form,
  by,
  width,
}: {
  vswitches: readonly DrawnVswitch[];
  guests: readonly DrawnGuest[];
  query: readonly Term[];
  form: Form;
  by: string;
  width: number;
}): Layout {
  return form === 'drawing'
    ? layDrawing(vswitches, guests, query, width)
    : layGroups(vswitches, guests, form, by, width);
}

function layDrawing(
  vswitches: readonly DrawnVswitch[],
  guests: readonly DrawnGuest[],
  query: readonly Term[],
  width: number,
): Layout {
  const wired = guests.filter(({ nics }) => nics.length > 0);
  const bare = guests.filter(({ nics }) => nics.length === 0);
  const spine = (step: number) => Math.max(0, vswitches.length - 1) * step;
  const needed = 2 * (MARGIN + BOX.narrow + GAP) + spine(STEP.least);
  const sides = needed <= width && wired.length > 1 ? 2 : 1;
  const spare =
    width - (sides === 2 ? needed : MARGIN + STEP.least / 2 + GAP + BOX.narrow + MARGIN + spine(STEP.least));
  const step = clamp(STEP.least + (spare * 0.5) / Math.max(1, vswitches.length - 1), STEP.least, STEP.most);
  const boxWidth = clamp(BOX.narrow + (spare * 0.4) / sides, BOX.narrow, BOX.wide);
  const own = sides * (boxWidth + GAP) + spine(step) + (sides === 1 ? step / 2 : 0);
  const left = Math.max(MARGIN, (width - own) / 2);
  const first = left + boxWidth + GAP;
  const buses = vswitches.map((vswitch, index) => ({ vswitch, x: first + index * step }));
  const columns: Column[] = [{ side: 'left', x: left, y: TOP }];
  if (sides === 2) columns.push({ side: 'right', x: first + spine(step) + GAP, y: TOP + BOX.nic / 2 });
  const items = wired.map((guest) => {
    const column = columns.reduce((best, each) => (each.y < best.y ? each : best));
    const item = guestItem(guest, column, boxWidth, buses, query);
    column.y = item.y + item.h + BOX.between;
    return item;
  });
  const bottom = Math.max(...columns.map(({ y }) => y), TOP + 60);
  const busEnd = bottom;
  if (bare.length === 0)
    return { form: 'drawing', width: Math.max(width, own + MARGIN), height: bottom + 10, busEnd, buses, items };
  const x = MARGIN;
  const across = Math.max(width, own + 2 * MARGIN) - 2 * MARGIN;
  const label: LabelItem = {
    kind: 'label',
    key: '·bare',
    x,
    y: bottom + 14,
    w: across,
    h: 20,
    text: bare.length === 1 ? 'a guest without NICs' : `${bare.length} guests without NICs`,
  };
  const cells = layCells(bare, x, bottom + 40, across, CELLS.cells);
  return {
    form: 'drawing',
    width: Math.max(width, own + 2 * MARGIN),
    height: cells.bottom + 16,
    busEnd,
    buses,
    items: [...items, label, ...cells.items],
  };
}

type Column = { side: Side; x: number; y: number };

function guestItem(
  guest: DrawnGuest,
  { side, x, y }: Column,
  w: number,
  buses: readonly Bus[],
  query: readonly Term[],
): GuestItem {
  const h = BOX.head + guest.nics.length * BOX.nic + BOX.foot;
  const edge = side === 'left' ? x + w : x;
  const wires = guest.nics.map((nic, index) => {
    const bus = busOf(buses, nic.coupledTo ?? nic.vswitch);
    const recorded = nic.vswitch === undefined || nic.vswitch === nic.coupledTo ? undefined : busOf(buses, nic.vswitch);
    return {
      nic,
      y: y + BOX.head + index * BOX.nic + BOX.nic / 2,
      from: edge,
      to: bus?.x,
      // Where it should be coupled, when it is elsewhere.
      should: nic.coupledTo === undefined ? undefined : recorded?.x,
      matches: nicMatches(nic, query),
    };
  });
  return { kind: 'guest', key: guest.userid, guest, side, x, y, w, h, wires };
}

function busOf(buses: readonly Bus[], name: string | undefined): Bus | undefined {
  return buses.find(({ vswitch }) => vswitch.name === name);
}

/** Groups lie across the whole width, one below the other: buses pass behind those that are not wired to them. */
function layGroups(
  vswitches: readonly DrawnVswitch[],
  guests: readonly DrawnGuest[],
  form: 'cells' | 'dots',
  by: string,
  width: number,
): Layout {
  const size = CELLS[form];
  const steps = Math.max(1, vswitches.length - 1);
  const step = clamp((width - 2 * MARGIN - STEP.least) / steps, STEP.least, STEP.most);
  const first = MARGIN + STEP.least / 2;
  const buses = vswitches.map((vswitch, index) => ({ vswitch, x: first + index * step }));
  const whole = Math.max(width, first + steps * step + STEP.least / 2 + MARGIN);
  const across = whole - 2 * MARGIN;
  let y = GROUP.above;
  let busEnd = GROUP.above;
  const items = groupsOf(guests, by).flatMap(({ key, title, members }): Item[] => {
    const bundles = bundlesOf(members, buses);
    const inside = layCells(members, MARGIN + GROUP.inside, y + GROUP.head, across - 2 * GROUP.inside, size);
    const h = inside.bottom - y + GROUP.inside - size.gap;
    const group: GroupItem = { kind: 'group', key: `·${key}`, x: MARGIN, y, w: across, h, title, members, bundles };
    if (bundles.length > 0) busEnd = y + 20;
    y += h + GROUP.above;
    return [group, ...inside.items];
  });
  return { form, width: whole, height: y, busEnd, buses, items };
}

function layCells(
  guests: readonly DrawnGuest[],
  x: number,
  y: number,
  across: number,
  { w, h, gap }: Size,
): { items: CellItem[]; bottom: number } {
  const columns = Math.max(1, Math.floor((across + gap) / (w + gap)));
  const items = guests.map(
    (guest, index): CellItem => ({
      kind: 'cell',
      key: guest.userid,
      guest,
      x: x + (index % columns) * (w + gap),
      y: y + Math.floor(index / columns) * (h + gap),
      w,
      h,
    }),
  );
  return { items, bottom: y + Math.ceil(guests.length / columns) * (h + gap) };
}

/** Guests that are wired alike, the most first; those without NICs are the last. */
type Group = { key: string; title: string; members: DrawnGuest[] };

function groupsOf(guests: readonly DrawnGuest[], by: string): Group[] {
  const groups = Map.groupBy(guests, (guest) => (by === 'vlan' ? vlansKey(guest) : vswitchesKey(guest)));
  return [...groups]
    .map(([key, members]) => ({ key, members, title: key === '' ? 'No NICs' : key }))
    .toSorted((one, other) => {
      if (rankOf(one) !== rankOf(other)) return rankOf(one) - rankOf(other);
      return by === 'vlan'
        ? one.key.localeCompare(other.key, 'en', { numeric: true })
        : other.members.length - one.members.length;
    });
}

function rankOf({ key }: Group): number {
  return ['Untagged', ''].indexOf(key);
}

function vswitchesKey({ nics }: DrawnGuest): string {
  return [...new Set(nics.map(({ vswitch }) => vswitch ?? 'not wired'))].toSorted().join(' + ');
}

/** By the VLAN of the first NIC that is on one. */
function vlansKey({ nics }: DrawnGuest): string {
  if (nics.length === 0) return '';
  const [vlan] = nics.flatMap(({ vlans }) => vlans);
  return vlan === undefined ? 'Untagged' : `VLAN ${vlan}`;
}

/** NICs of a group by the VSWITCH that they lead to, with their VLANs, the most first. */
function bundlesOf(members: readonly DrawnGuest[], buses: readonly Bus[]): Bundle[] {
  const nics = Map.groupBy(
    members.flatMap((guest) => guest.nics),
    (nic) => nic.coupledTo ?? nic.vswitch,
  );
  return buses
    .filter(({ vswitch }) => nics.has(vswitch.name))
    .map(({ vswitch, x }) => {
      const ofBus = nics.get(vswitch.name) ?? [];
      const counts = new Map<number | undefined, number>();
      const used = ofBus.flatMap((nic): readonly (number | undefined)[] =>
        nic.vlans.length === 0 ? [undefined] : nic.vlans,
      );
      for (const vlan of used) counts.set(vlan, (counts.get(vlan) ?? 0) + 1);
      const vlans = [...counts].toSorted(([one], [other]) => (one ?? 0) - (other ?? 0));
      return {
        vswitch: vswitch.name,
        x,
        count: ofBus.length,
        vlans,
        drifted: ofBus.some(({ drift }) => drift.length > 0),
      };
    });
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}
