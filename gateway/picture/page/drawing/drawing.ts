import { type Attributes, shape } from '../dom.ts';
import { type DrawnGuest, type Nic, nicSentence, stateText, vlanText } from '../host.ts';
import { colourOf } from './colours.ts';
import type { Bundle, CellItem, GroupItem, GuestItem, LabelItem, Wire } from './layout.ts';
import type { Look } from './looks.ts';

/** Shapes of an item that layout.ts has placed: wires lie below the buses, everything else above them. */
export type Shapes = { under?: SVGElement; over: SVGElement };

const STRANDS = 4;

/** A guest as a box: its NICs are ports on the edge that faces the buses, each with its wire. */
export function drawGuest(item: GuestItem, look: Look): Shapes {
  const { guest, side, x, y, w, h, wires } = item;
  const outward = side === 'left' ? 1 : -1;
  const rows = wires.map((wire) => drawPort(wire, item, look));
  const start = x + 10;
  const box = shape(
    'g',
    guestAttributes(guest, look, 'guest'),
    shape('title', {}, sentenceOf(guest)),
    shape('rect', { class: 'box', x, y, width: w, height: h, rx: 5 }),
    shape('text', { class: 'userid', x: start, y: y + 16 }, guest.userid),
    shape('text', { class: 'node', x: start + guest.userid.length * 8.6 + 8, y: y + 16 }, nodeText(guest)),
    guest.drift.length > 0 &&
      shape('text', { class: 'badge', x: x + w - 10, y: y + 16, 'text-anchor': 'end' }, 'DRIFT'),
    guest.changing &&
      shape('text', { class: 'badge changing', x: x + w - 10, y: y + 16, 'text-anchor': 'end' }, 'CHANGING'),
    ...rows,
  );
  return {
    under: shape('g', {}, ...wires.map((wire) => drawWire(wire, outward, look))),
    over: shape('g', {}, ...wires.map((wire) => drawEnd(wire, outward, look)), box),
  };
}

function guestAttributes(guest: DrawnGuest, { chosen, flashed, dimmed, current }: Look, kind: string): Attributes {
  const classes = [
    kind,
    guest.drift.length > 0 && 'drift',
    guest.changing && 'changing',
    guest.outside && 'outside',
    chosen.guest === guest.userid && 'chosen',
    flashed.has(guest.userid) && 'flash',
    dimmed.guest(guest) && 'dim',
  ];
  return {
    class: classes.filter(Boolean).join(' '),
    role: 'button',
    tabindex: current === guest.userid ? '0' : '-1',
    'aria-label': sentenceOf(guest),
    'aria-pressed': String(chosen.guest === guest.userid),
    'data-userid': guest.userid,
    'data-focus': guest.userid,
  };
}

function nodeText({ node, userid, outside, drift, changing }: DrawnGuest): string {
  if (outside) return 'not in xCAT';
  const text = node === userid.toLowerCase() ? '' : node;
  const most = drift.length > 0 || changing ? 8 : 14;
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

const sentences = new WeakMap<DrawnGuest, string>();

/** A guest as a sentence, for screen readers and where the mouse rests. */
function sentenceOf(guest: DrawnGuest): string {
  const known = sentences.get(guest) ?? newSentence(guest);
  sentences.set(guest, known);
  return known;
}

function newSentence(guest: DrawnGuest): string {
  const nics = guest.nics.map(nicSentence);
  const drift = guest.drift.length === 0 ? [] : [`Drift: ${guest.drift.join('; ')}`];
  const changing = guest.changing ? ['An operation is changing it'] : [];
  return [`Guest ${guest.userid}`, ...changing, ...(nics.length === 0 ? ['no NICs'] : nics), ...drift].join('. ');
}

function nicClasses(nic: Nic, { chosen, flashed, dimmed }: Look, matches: boolean, more = ''): string {
  const classes = [
    more,
    nic.state,
    nic.kind,
    nic.drift.length > 0 && 'drift',
    chosen.guest === nic.userid && 'own',
    chosen.nic === nic.key && 'chosen',
    flashed.has(nic.key) && 'flash',
    (!matches || dimmed.nic(nic)) && 'dim',
  ];
  return classes.filter(Boolean).join(' ');
}

function nicData(nic: Nic): Attributes {
  return {
    'data-nic': nic.key,
    'data-owner': nic.userid,
    'data-vdev': nic.vdev ?? '',
    'data-vswitch-of': nic.vswitch ?? '',
    style: `--vlan: ${colourOf(nic.vlans[0])}`,
  };
}

/** A NIC inside its guest's box: the port on the edge, vdev, and MAC or what is wrong. */
function drawPort({ nic, y, matches }: Wire, { side, x, w }: GuestItem, look: Look): SVGElement {
  const left = side === 'left';
  const edge = left ? x + w : x;
  const anchor = left ? 'end' : 'start';
  const word = stateText(nic).replace(', or logged off', '');
  const text = word === '' ? (nic.mac ?? 'no MAC') : word;
  return shape(
    'g',
    { class: nicClasses(nic, look, matches, 'port'), ...nicData(nic) },
    shape('title', {}, `${nicSentence(nic)}\n${nic.mac ?? 'no MAC'}\n${nic.drift.join('\n')}`),
    shape('rect', { class: 'row', x: x + 3, y: y - 10, width: w - 6, height: 20, rx: 3 }),
    shape('rect', { class: 'socket', x: edge - 5, y: y - 5, width: 10, height: 10, rx: 1.5 }),
    shape(
      'text',
      { class: 'vdev', x: edge + (left ? -11 : 11), y: y + 4, 'text-anchor': anchor },
      nic.vdev ?? 'no vdev',
    ),
    shape(
      'text',
      {
        class: word === '' ? 'mac' : 'word',
        x: left ? x + 10 : x + w - 10,
        y: y + 4,
        'text-anchor': left ? 'start' : 'end',
      },
      text,
    ),
  );
}

/** The wire from a port to its bus; a trunk has a strand for each of its VLANs, as far as there is room. */
function drawWire({ nic, y, from, to, should, matches }: Wire, outward: number, look: Look): SVGElement {
  const classes = nicClasses(nic, look, matches, 'wire');
  if (to === undefined) {
    const end = from + outward * 24;
    return shape('g', { class: classes, ...nicData(nic) }, line(from, y, end, y, {}));
  }
  const open = nic.state === 'open' || nic.state === 'down';
  const end = open ? to - outward * 14 : to;
  const strands = strandsOf(nic);
  return shape(
    'g',
    { class: classes, ...nicData(nic) },
    should !== undefined && line(from, y + 4, should, y + 4, { class: 'should' }),
    line(from, y, end, y, { class: 'hit' }),
    ...strands.map((vlan, index) => {
      const at = y + (index - (strands.length - 1) / 2) * 3;
      return line(from, at, end, at, {
        class: 'strand',
        'data-vlan': vlan ?? '',
        style: `stroke: ${strokeOf(nic, vlan)}`,
      });
    }),
  );
}

function strandsOf({ vlans }: Nic): readonly (number | undefined)[] {
  return vlans.length === 0 ? [undefined] : vlans.slice(0, STRANDS);
}

function strokeOf(nic: Nic, vlan: number | undefined): string {
  return nic.drift.length > 0 ? 'var(--bad)' : nic.kind === 'foreign' ? 'var(--foreign)' : colourOf(vlan);
}

/** How the wire ends at its bus, and the VLAN that is written on it. */
function drawEnd({ nic, y, from, to, matches }: Wire, outward: number, look: Look): SVGElement {
  const refused = nic.port?.actual.vlans === null && nic.vswitch !== undefined && nic.drift.length > 0;
  const text = shape(
    'text',
    {
      class: 'vlan',
      x: from + outward * 10,
      y: y - (nic.kind === 'trunk' ? 7 : 4),
      'text-anchor': outward > 0 ? 'start' : 'end',
    },
    vlanText(nic),
  );
  const end =
    to === undefined
      ? undefined
      : refused
        ? cross(to - outward * 14, y)
        : nic.coupledTo === undefined
          ? shape('circle', { class: 'open-end', cx: to - outward * 17, cy: y, r: 3.5 })
          : shape('circle', { class: 'tap', cx: to, cy: y, r: 4.5 });
  return shape('g', { class: nicClasses(nic, look, matches, 'end'), ...nicData(nic) }, text, end);
}

function cross(x: number, y: number): SVGElement {
  return shape(
    'g',
    { class: 'cross' },
    shape('circle', { cx: x, cy: y, r: 7 }),
    line(x - 3.5, y - 3.5, x + 3.5, y + 3.5, {}),
    line(x - 3.5, y + 3.5, x + 3.5, y - 3.5, {}),
  );
}

export function line(x1: number, y1: number, x2: number, y2: number, attributes: Attributes): SVGElement {
  return shape('line', { x1, y1, x2, y2, ...attributes });
}

/** A guest among hundreds: its userid, and a bar for each NIC. It is drawn once and moved (stage.ts), since search moves all of them. */
export function drawCell({ guest, w, h }: CellItem, look: Look): Shapes {
  const named = w > 30;
  const bars = named ? nicBars(guest, 4, 16, w - 8, 5, look) : nicBars(guest, 1.5, 1.5, w - 3, h - 3, look);
  const over = shape(
    'g',
    guestAttributes(guest, look, named ? 'cell' : 'cell dot'),
    shape('rect', { class: 'box', width: w, height: h, rx: named ? 3 : 2 }),
    named && shape('text', { class: 'userid', x: w / 2, y: 12, 'text-anchor': 'middle' }, guest.userid),
    ...bars,
  );
  return { over };
}

function nicBars({ nics }: DrawnGuest, x: number, y: number, w: number, h: number, { dimmed }: Look): SVGElement[] {
  const each = nics.length === 0 ? w : w / nics.length;
  return nics.flatMap((nic, index) => {
    const strands = strandsOf(nic);
    const width = (each - 1) / strands.length;
    const dim = dimmed.nic(nic) ? ' dim' : '';
    return strands.map((vlan, strand) =>
      shape('rect', {
        class: `bar ${nic.state} ${nic.drift.length > 0 ? 'drift' : ''}${dim}`,
        x: x + index * each + strand * width,
        y,
        width,
        height: h,
        style: `--vlan: ${strokeOf(nic, vlan)}`,
      }),
    );
  });
}

/** Guests that are wired alike, on a panel: a plug for each of their VSWITCHes, the other buses pass behind. */
export function drawGroup(item: GroupItem, look: Look): Shapes {
  const { x, y, w, h, title, members, bundles } = item;
  const drifted = members.filter(({ drift }) => drift.length > 0).length;
  const changing = members.filter((member) => member.changing).length;
  const count = `${members.length} ${members.length === 1 ? 'guest' : 'guests'}`;
  const over = shape(
    'g',
    { class: 'group', 'data-group': title },
    shape('rect', { class: 'panel', x, y, width: w, height: h, rx: 6 }),
    shape(
      'text',
      { class: 'title', x: x + 12, y: y + 32 },
      title,
      shape('tspan', { class: 'soft', dx: 10 }, count),
      drifted > 0 && shape('tspan', { class: 'bad', dx: 10 }, `${drifted} drifted`),
      changing > 0 && shape('tspan', { class: 'changing', dx: 10 }, `${changing} changing`),
    ),
    ...bundles.map((bundle) => drawPlug(bundle, y, look)),
  );
  return { over };
}

const PLUG = { w: 72, h: 18, strip: 5 };

/** How many NICs of a group lead to a VSWITCH, over a strip of their VLANs' colours, each as wide as it is common. */
function drawPlug({ vswitch, x, count, vlans, drifted }: Bundle, y: number, { dimmed }: Look): SVGElement {
  const left = x - PLUG.w / 2;
  const top = y - PLUG.h / 2;
  const all = vlans.reduce((sum, [, of]) => sum + of, 0);
  let at = left;
  const strip = vlans.map(([vlan, of]) => {
    const width = (of / all) * PLUG.w;
    at += width;
    const style = `fill: ${colourOf(vlan)}`;
    const dim = dimmed.bundle(vswitch, vlan) ? 'dim' : '';
    return shape('rect', { class: dim, x: at - width, y: top + PLUG.h, width, height: PLUG.strip, style });
  });
  const text = `${count} ${count === 1 ? 'NIC' : 'NICs'}`;
  return shape(
    'g',
    { class: `plug ${drifted ? 'drift' : ''}`, 'data-plug': vswitch },
    shape('title', {}, `${text} on ${vswitch}, VLANs ${vlans.map(([vlan]) => vlan ?? 'flat').join(', ')}`),
    shape('rect', { class: 'body', x: left, y: top, width: PLUG.w, height: PLUG.h, rx: 3 }),
    ...strip,
    shape('text', { x, y: y + 4, 'text-anchor': 'middle' }, text),
  );
}

export function drawLabel({ x, y, text }: LabelItem): Shapes {
  return { over: shape('text', { class: 'section', x, y: y + 14 }, text) };
}
