import { element, keepingFocus, shape } from '../dom.js';
import { drawCell, drawGroup, drawGuest, drawLabel } from './drawing.js';
import { drawHead } from './head.js';

/** So much above and below what is in sight is drawn too. */
const AROUND = 400;
/** Nothing is drawn while this much of it is left. */
const LEFT = 120;
const DRAW = { guest: drawGuest, cell: drawCell, group: drawGroup, label: drawLabel };

/** What is drawn now, by item: its shapes, and what they were made from. */
const drawn = new Map();
const layers = { under: shape('g'), buses: shape('g'), over: shape('g') };
let shown = { layout: undefined, look: undefined };
let painted = { top: 0, bottom: 0 };

export function startStage() {
  for (const id of ['head', 'wires']) element(id).setAttribute('role', 'group');
  element('wires').append(layers.under, layers.buses, layers.over);
  let waiting = false;
  const soon = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      if (shown.layout !== undefined) paint(false);
    });
  };
  element('stage').addEventListener('scroll', soon, { passive: true });
  element('wires').addEventListener('pointerover', ({ target }) => explain(target.closest('.cell')));
}

/** What the mouse rests on says what it is. Cells are too many to have that from the start. */
function explain(cell) {
  if (cell === null || cell.querySelector('title') !== null) return;
  cell.prepend(shape('title', {}, cell.getAttribute('aria-label')));
}

/** Draw a layout. What is not in sight is drawn when it comes there, and what has not changed stays. */
export function showLayout(layout, look) {
  shown = { layout, look };
  const svg = element('wires');
  svg.setAttribute('width', layout.width);
  svg.setAttribute('height', layout.height);
  svg.classList.toggle('picked', look.chosen.guest !== '');
  keepingFocus(element('head'), () => drawHead(element('head'), layout, look));
  layers.buses.replaceChildren(...layout.buses.map((bus) => drawBus(bus, layout, look)));
  keepingFocus(svg, () => paint(true));
}

function drawBus({ vswitch, x }, { busEnd }, { chosen, dimmed }) {
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

/** `anew`: what is drawn may be of an older layout or look. */
function paint(anew) {
  const { layout, look } = shown;
  const stage = element('stage');
  const from = stage.scrollTop;
  const to = from + stage.clientHeight;
  if (!anew && from - LEFT >= painted.top && to + LEFT <= painted.bottom) return;
  const top = from - AROUND;
  const bottom = to + AROUND;
  painted = { top: from <= AROUND ? Number.NEGATIVE_INFINITY : top, bottom };
  const inSight = new Set();
  const added = { under: [], over: [] };
  for (const item of layout.items) {
    if (item.y > bottom || item.y + item.h < top) continue;
    inSight.add(item.key);
    const made = drawn.get(item.key);
    if (made !== undefined && !anew) continue;
    const of = signature(item, layout, look);
    if (made !== undefined && sameList(made.of, of)) {
      place(item, made);
      continue;
    }
    const parts = DRAW[item.kind](item, look);
    place(item, parts);
    drawn.set(item.key, { of, ...parts });
    for (const layer of ['under', 'over']) {
      if (made?.[layer] !== undefined && parts[layer] !== undefined) made[layer].replaceWith(parts[layer]);
      else {
        made?.[layer]?.remove();
        if (parts[layer] !== undefined) added[layer].push(parts[layer]);
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
function place({ kind, x, y }, { over }) {
  if (kind !== 'cell') return;
  const transform = `translate(${x} ${y})`;
  if (over.getAttribute('transform') !== transform) over.setAttribute('transform', transform);
}

/** All that an item's shapes are made from. */
function signature(item, { form, buses }, look) {
  const { kind, guest, members, w, h, text } = item;
  const { x, y } = kind === 'cell' ? { x: 0, y: 0 } : item;
  const wired = kind === 'guest' ? buses.map((bus) => `${bus.vswitch.name}:${bus.x}`) : '';
  const at = `${kind} ${form} ${x} ${y} ${w} ${h} ${text ?? ''} ${wired}`;
  if (kind === 'label') return [at];
  if (kind === 'group') return [at, look.dimKey, ...members];
  const { chosen, flashed, current } = look;
  const flash = flashed.has(guest.userid) || guest.nics.some((nic) => flashed.has(nic.key)) ? look.flashKey : '';
  const own = chosen.guest === guest.userid ? `chosen ${chosen.nic}` : '';
  const matching = item.wires?.map(({ matches }) => matches).join('');
  return [guest, at, matching, look.dimKey, flash, own, current === guest.userid];
}

function sameList(one, other) {
  return one.length === other.length && one.every((each, index) => each === other[index]);
}

/** Bring a guest into sight, and its shapes with it; as little as needed, or to the middle. */
export function reveal(userid, middle = false) {
  const item = shown.layout?.items.find(({ key }) => key === userid);
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

export function focusGuest(userid) {
  element('wires')
    .querySelector(`[data-focus="${CSS.escape(userid)}"]`)
    ?.focus({ preventScroll: true });
}

/** The guest that lies next in a direction, as the arrow keys go. */
export function neighbour(userid, key) {
  const items = shown.layout?.items.filter(({ guest }) => guest !== undefined) ?? [];
  const here = items.find(({ guest }) => guest.userid === userid) ?? items[0];
  if (here === undefined) return undefined;
  if (key === 'Home') return items[0].guest.userid;
  if (key === 'End') return items.at(-1).guest.userid;
  const across = key === 'ArrowLeft' || key === 'ArrowRight';
  const sign = key === 'ArrowRight' || key === 'ArrowDown' ? 1 : -1;
  let best;
  for (const item of items) {
    const along = (across ? item.x - here.x : item.y - here.y) * sign;
    if (along <= 0) continue;
    const aside = Math.abs(across ? item.y - here.y : item.x - here.x);
    const distance = along + aside * 4;
    if (best === undefined || distance < best.distance) best = { distance, userid: item.guest.userid };
  }
  return best?.userid ?? here.guest.userid;
}
