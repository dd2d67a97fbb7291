import { element, keepingFocus, shape } from './dom.js';
import { drawCell, drawGroup, drawGuest, drawLabel } from './drawing.js';
import { drawHead } from './head.js';

/** So much above and below what is in sight is drawn too. */
const AROUND = 500;
const DRAW = { guest: drawGuest, cell: drawCell, group: drawGroup, label: drawLabel };

/** What is drawn now, by item: its shapes, and what they were made from. */
const drawn = new Map();
const layers = { under: shape('g'), buses: shape('g'), over: shape('g') };
let shown = { layout: undefined, look: undefined, generation: 0 };

export function startStage() {
  for (const id of ['head', 'wires']) element(id).setAttribute('role', 'group');
  element('wires').append(layers.under, layers.buses, layers.over);
  let waiting = false;
  const soon = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      if (shown.layout !== undefined) paint();
    });
  };
  element('stage').addEventListener('scroll', soon, { passive: true });
}

/** Draw a layout. What is not in sight is drawn when it comes there, and what has not changed stays. */
export function showLayout(layout, look) {
  shown = { layout, look };
  const svg = element('wires');
  svg.setAttribute('width', layout.width);
  svg.setAttribute('height', layout.height);
  svg.dataset.form = layout.form;
  keepingFocus(element('head'), () => drawHead(element('head'), layout, look));
  layers.buses.replaceChildren(...layout.buses.map((bus) => drawBus(bus, layout, look)));
  keepingFocus(svg, paint);
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

function paint() {
  const { layout, look } = shown;
  const stage = element('stage');
  const top = stage.scrollTop - AROUND;
  const bottom = stage.scrollTop + stage.clientHeight + AROUND;
  const inSight = new Set();
  const added = { under: [], over: [] };
  for (const item of layout.items) {
    if (item.y > bottom || item.y + item.h < top) continue;
    inSight.add(item.key);
    const made = drawn.get(item.key);
    const of = signature(item, layout, look);
    if (made !== undefined && sameList(made.of, of)) continue;
    const parts = DRAW[item.kind](item, look);
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

/** All that an item's shapes are made from. */
function signature(item, { form, buses }, look) {
  const { kind, guest, members, x, y, w, h, text } = item;
  const place = `${kind} ${form} ${x} ${y} ${w} ${h} ${text ?? ''} ${buses.map((bus) => `${bus.vswitch.name}:${bus.x}`)}`;
  if (kind === 'label') return [place];
  if (kind === 'group') return [place, look.dimKey, ...members];
  const { chosen, flashed, current } = look;
  const flash = flashed.has(guest.userid) || guest.nics.some((nic) => flashed.has(nic.key)) ? look.flashKey : '';
  const own = chosen.guest === guest.userid ? `chosen ${chosen.nic}` : '';
  return [guest, place, look.dimKey, flash, own, current === guest.userid];
}

function sameList(one, other) {
  return one.length === other.length && one.every((each, index) => each === other[index]);
}

/** Bring a guest into sight, and its shapes with it. */
export function reveal(userid) {
  const item = shown.layout?.items.find(({ key }) => key === userid);
  if (item === undefined) return false;
  const stage = element('stage');
  const head = element('head').clientHeight;
  const above = item.y < stage.scrollTop;
  const below = item.y + item.h > stage.scrollTop + stage.clientHeight - head;
  if (above) stage.scrollTop = Math.max(0, item.y - 20);
  else if (below) stage.scrollTop = item.y + item.h - (stage.clientHeight - head) + 20;
  paint();
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
