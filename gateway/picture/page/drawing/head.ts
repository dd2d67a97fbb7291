import { shape } from '../dom.ts';
import type { DrawnVswitch } from '../host.ts';
import { line } from './drawing.ts';
import type { Bus, Layout } from './layout.ts';
import type { Look } from './looks.ts';

const HEIGHT = 136;
const BOX = { w: 84, h: 40, y: 90 };
const CLOUD = { y: 8, h: 26 };

/** The upper end of the drawing, which stays in sight: physical networks, uplinks, VSWITCHes. */
export function drawHead(svg: SVGSVGElement, { buses, width }: Layout, look: Look): void {
  svg.setAttribute('width', String(width));
  svg.setAttribute('height', String(HEIGHT));
  svg.replaceChildren(...physicalNetworks(buses), ...buses.map((bus) => drawVswitch(bus, look)));
}

/** VSWITCHes of one physical network stand side by side under it. */
function physicalNetworks(buses: readonly Bus[]): SVGElement[] {
  const runs: { name: string | null; missing: boolean; from: number; to: number }[] = [];
  for (const { vswitch, x } of buses) {
    const last = runs.at(-1);
    if (last !== undefined && vswitch.physicalNetwork !== null && last.name === vswitch.physicalNetwork) last.to = x;
    else runs.push({ name: vswitch.physicalNetwork, missing: vswitch.missing === true, from: x, to: x });
  }
  return runs
    .filter(({ missing }) => !missing)
    .map(({ name, from, to }) => {
      const x = from - BOX.w / 2;
      const width = to - from + BOX.w;
      const text = name === null ? 'not configured' : name.length > 14 ? `${name.slice(0, 13)}…` : name;
      return shape(
        'g',
        { class: `physical ${name === null ? 'unknown' : ''}` },
        shape(
          'title',
          {},
          name === null ? 'not in the configuration: shown, never changed' : `physical network ${name}`,
        ),
        shape('rect', { x, y: CLOUD.y, width, height: CLOUD.h, rx: CLOUD.h / 2 }),
        shape('text', { x: x + width / 2, y: CLOUD.y + 17, 'text-anchor': 'middle' }, text),
      );
    });
}

function drawVswitch({ vswitch, x }: Bus, { chosen, flashed, dimmed }: Look): SVGElement {
  const { name, missing, uplinks } = vswitch;
  const failed = uplinks.length > 0 && !uplinks.some(({ state }) => state === 'active');
  const classes = [
    'vswitch',
    missing && 'missing',
    failed && 'failed',
    chosen.vswitch === name && 'chosen',
    flashed.has(`vswitch ${name}`) && 'flash',
    dimmed.vswitch(name) && 'dim',
  ];
  return shape(
    'g',
    {
      class: classes.filter(Boolean).join(' '),
      role: 'button',
      tabindex: '0',
      'aria-label': vswitchSentence(vswitch),
      'aria-pressed': String(chosen.vswitch === name),
      'data-vswitch': name,
      'data-focus': `vswitch ${name}`,
    },
    shape('title', {}, vswitchSentence(vswitch)),
    ...uplinks.map((uplink, index) => drawUplink(uplink, x + (index - (uplinks.length - 1) / 2) * 36)),
    uplinks.length === 0 &&
      shape('text', { class: 'none', x, y: 66, 'text-anchor': 'middle' }, missing ? 'not defined' : 'no uplink'),
    shape('rect', { class: 'box', x: x - BOX.w / 2, y: BOX.y, width: BOX.w, height: BOX.h, rx: 4 }),
    shape('text', { class: 'name', x, y: BOX.y + 17, 'text-anchor': 'middle' }, name),
    shape('text', { class: 'soft', x, y: BOX.y + 32, 'text-anchor': 'middle' }, kindOf(vswitch)),
    shape('rect', { class: 'bus', x: x - 5, y: BOX.y + BOX.h, width: 10, height: HEIGHT - BOX.y - BOX.h }),
  );
}

/** An OSA: solid when it carries traffic, dashed when it waits, red and broken when it has failed. */
function drawUplink({ rdev, state, error }: DrawnVswitch['uplinks'][number], x: number): SVGElement {
  const top = CLOUD.y + CLOUD.h;
  const label = shape('text', { class: 'rdev', x, y: 65, 'text-anchor': 'middle' }, rdev);
  const word = { active: '', backup: 'backup', inactive: 'failed' }[state];
  return shape(
    'g',
    { class: `uplink ${state}`, 'data-rdev': rdev, 'data-state': state },
    shape('title', {}, `OSA ${rdev}: ${state}${error === undefined ? '' : `, ${error}`}`),
    line(x, top, x, BOX.y, {}),
    shape('rect', { class: 'osa', x: x - 16, y: 53, width: 32, height: 17, rx: 3 }),
    label,
    word !== '' && shape('text', { class: 'word', x, y: 81, 'text-anchor': 'middle' }, word),
  );
}

function kindOf({ missing, transport, portSelection }: DrawnVswitch): string {
  if (missing) return 'missing';
  return `${transport === 'IP' ? 'L3' : 'L2'} · ${portSelection === 'PORTBASED' ? 'by port' : 'by user'}`;
}

function vswitchSentence({ name, missing, physicalNetwork, uplinks, nics }: DrawnVswitch): string {
  if (missing) return `VSWITCH ${name}: ports are recorded on it, but z/VM has none of that name`;
  const to = physicalNetwork === null ? 'not configured' : `on ${physicalNetwork}`;
  const up = uplinks.map(({ rdev, state }) => `${rdev} ${state}`);
  return `VSWITCH ${name}, ${to}, ${up.length === 0 ? 'no uplink' : `uplinks ${up.join(', ')}`}, ${nics.length} NICs coupled`;
}
