import { element, focusOn, keepingFocus, shape } from '../dom.ts';
import { drawCell, drawGroup, drawGuest, drawLabel, type Shapes } from './drawing.ts';
import { drawHead } from './head.ts';
import type { Bus, CellItem, GuestItem, Item, Layout } from './layout.ts';
import type { Look } from './looks.ts';

/** So much above and below what is in sight is drawn too. */
const AROUND = 400;
/** Nothing is drawn while this much of it is left. */
const LEFT = 120;

function draw(item: Item, look: Look): Shapes {
  if (item.kind === 'guest') return drawGuest(item, look);
  if (item.kind === 'cell') return drawCell(item, look);
  return item.kind === 'group' ? drawGroup(item, look) : drawLabel(item);
}

/** Items that are drawn now: the shapes of each, and the values that they were made from. */
const drawn = new Map<string, Shapes & { of: unknown[] }>();
const layers = { under: shape('g'), buses: shape('g'), over: shape('g') };
let shown: { layout: Layout; look: Look } | undefined;
let painted = { top: 0, bottom: 0 };

export function startStage(): void {
  for (const id of ['head', 'wires'] as const) element(id).setAttribute('role', 'group');
  element('wires').append(layers.under, layers.buses, layers.over);
  let waiting = false;
  const soon = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      paint(false);
    });
  };
  element('stage').addEventListener('scroll', soon, { passive: true });
  element('wires').addEventListener('pointerover', ({ target }) => {
    if (target instanceof Element) explain(target.closest('.cell'));
  });
}

/** A cell gets its title when the mouse rests on it: cells are too many to have one from the start. */
function explain(cell: Element | null): void {
  if (cell === null || cell.querySelector('title') !== null) return;
  cell.prepend(shape('title', {}, cell.getAttribute('aria-label') ?? ''));
}

/** Draw a layout. Items out of sight are drawn when they come into sight, and shapes that have not changed stay. */
export function showLayout(layout: Layout, look: Look): void {
  shown = { layout, look };
  const svg = element('wires');
  svg.setAttribute('width', String(layout.width));
  svg.setAttribute('height', String(layout.height));
  svg.classList.toggle('picked', look.chosen.guest !== '');
  keepingFocus(element('head'), () => drawHead(element('head'), layout, look));
  layers.buses.replaceChildren(...layout.buses.map((bus) => drawBus(bus, layout, look)));
  keepingFocus(svg, () => paint(true));
}

function drawBus({ vswitch, x }: Bus, { busEnd }: Layout, { chosen, dimmed }: Look): SVGElement {
  const classes = [
    'bus',
    vswitch.missing && 'missing',
    chosen.vswitch === vswitch.name && 'chosen',
    dimmed.vswitch(vswitch.name) && 'dim',
  ];
  return shape('rect', {
    class: classes.filter(Boolean).join(' '),
    x: x - 5,
    y: -2,
    width: 10,
    height: busEnd + 2,
    rx: 2,
  });
}

/** `anew`: the shapes may be of an older layout or look. */
function paint(anew: boolean): void {
  if (shown === undefined) return;
  const { layout, look } = shown;
  const stage = element('stage');
  const from = stage.scrollTop;
  const to = from + stage.clientHeight;
  if (!anew && from - LEFT >= painted.top && to + LEFT <= painted.bottom) return;
  const top = from - AROUND;
  const bottom = to + AROUND;
  painted = { top: from <= AROUND ? Number.NEGATIVE_INFINITY : top, bottom };
  const inSight = new Set<string>();
  const added: Record<'under' | 'over', SVGElement[]> = { under: [], over: [] };
  for (const item of layout.items) {
    if (item.y > bottom || item.y + item.h < top) continue;
    inSight.add(item.key);
    const before = drawn.get(item.key);
    if (before !== undefined && !anew) continue;
    const of = signature(item, layout, look);
    if (before !== undefined && sameList(before.of, of)) {
      place(item, before);
      continue;
    }
    const parts = draw(item, look);
    place(item, parts);
    drawn.set(item.key, { of, ...parts });
    for (const layer of ['under', 'over'] as const) {
      const [old, made] = [before?.[layer], parts[layer]];
      if (old !== undefined && made !== undefined) old.replaceWith(made);
      else {
        old?.remove();
        if (made !== undefined) added[layer].push(made);
      }
    }
  }
  for (const [key, parts] of drawn) {
    if (inSight.has(key)) continue;
    parts.under?.remove();
    parts.over.remove();
    drawn.delete(key);
  }
  layers.under.append(...added.under);
  layers.over.append(...added.over);
}

/** Cells are drawn at the origin. */
function place({ kind, x, y }: Item, { over }: Shapes): void {
  if (kind !== 'cell') return;
  const transform = `translate(${x} ${y})`;
  if (over.getAttribute('transform') !== transform) over.setAttribute('transform', transform);
}

/** The values that an item's shapes are made from. */
function signature(item: Item, { form, buses }: Layout, look: Look): unknown[] {
  const { kind, w, h } = item;
  const { x, y } = kind === 'cell' ? { x: 0, y: 0 } : item;
  const wired = kind === 'guest' ? buses.map((bus) => `${bus.vswitch.name}:${bus.x}`) : '';
  const at = `${kind} ${form} ${x} ${y} ${w} ${h} ${kind === 'label' ? item.text : ''} ${wired}`;
  if (item.kind === 'label') return [at];
  if (item.kind === 'group') return [at, look.dimKey, ...item.members];
  const { guest } = item;
  const { chosen, flashed, current } = look;
  const flash = flashed.has(guest.userid) || guest.nics.some((nic) => flashed.has(nic.key)) ? look.flashKey : '';
  const own = chosen.guest === guest.userid ? `chosen ${chosen.nic}` : '';
  const matching = item.kind === 'guest' ? item.wires.map(({ matches }) => matches).join('') : undefined;
  return [guest, at, matching, look.dimKey, flash, own, current === guest.userid];
}

function sameList(one: readonly unknown[], other: readonly unknown[]): boolean {
  return one.length === other.length && one.every((each, index) => each === other[index]);
}

/** Bring a guest into sight, and its shapes with it; as little as needed, or to the middle. */
export function reveal(userid: string, middle = false): boolean {
  const item = shown?.layout.items.find(({ key }) => key === userid);
  if (item === undefined) return false;
  const stage = element('stage');
  const head = element('head').clientHeight;
  const above = item.y < stage.scrollTop;
  const below = item.y + item.h > stage.scrollTop + stage.clientHeight - head;
  if (middle && (above || below)) stage.scrollTop = item.y + item.h / 2 - (stage.clientHeight - head) / 2;
  else if (above) stage.scrollTop = Math.max(0, item.y - 20);
  else if (below) stage.scrollTop = item.y + item.h - (stage.clientHeight - head) + 20;
  paint(false);
  return true;
}

export function focusGuest(userid: string): void {
  focusOn(element('wires'), userid);
}

function hasGuest(item: Item): item is GuestItem | CellItem {
  return item.kind === 'guest' || item.kind === 'cell';
}

/** The guest that lies next in a direction, as the arrow keys go. */
export function neighbour(userid: string, key: string): string | undefined {
  const items = shown?.layout.items.filter(hasGuest) ?? [];
  const here = items.find(({ guest }) => guest.userid === userid) ?? items[0];
  if (here === undefined) return undefined;
  if (key === 'Home') return items[0]?.guest.userid;
  if (key === 'End') return items.at(-1)?.guest.userid;
  const across = key === 'ArrowLeft' || key === 'ArrowRight';
  const sign = key === 'ArrowRight' || key === 'ArrowDown' ? 1 : -1;
  let best: { distance: number; userid: string } | undefined;
  for (const item of items) {
    const along = (across ? item.x - here.x : item.y - here.y) * sign;
    if (along <= 0) continue;
    const aside = Math.abs(across ? item.y - here.y : item.x - here.x);
    const distance = along + aside * 4;
    if (best === undefined || distance < best.distance) best = { distance, userid: item.guest.userid };
  }
  return best?.userid ?? here.guest.userid;
}
