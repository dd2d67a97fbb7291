import { make } from '../dom.ts';
import type { Change, Network, Values } from './change.ts';

/** The fields of another network for a port. */
export type NetworkFields = {
  node: HTMLFieldSetElement;
  /** The values that are filled in; undefined, and said beside the field, when they are none. */
  values: () => Values | undefined;
};

const MOST_VLAN = 4094;
const KINDS = [
  ['vlan', 'one VLAN'],
  ['trunk', 'a trunk of VLANs'],
  ['flat', 'flat, without VLAN'],
] as const satisfies [Network['type'], string][];

/** Fields for a port's network and VSWITCH, filled with the present ones. */
export function networkFields({ now, vswitch, vswitches }: NonNullable<Change['network']>): NetworkFields {
  const kind = select('kind', KINDS, now.type);
  const vlans = document.createElement('input');
  Object.assign(vlans, { id: 'change-vlans', required: true, autocomplete: 'off', inputMode: 'numeric' });
  vlans.value = textOf(now);
  const others = [...new Set([vswitch, ...vswitches])].filter((name) => name !== '');
  const on = select(
    'vswitch',
    others.map((name) => [name, name] as const),
    vswitch,
  );
  const hint = make('small', { id: 'change-hint', class: 'hint' });
  vlans.setAttribute('aria-describedby', hint.id);
  const line = field('VLAN', vlans, hint);
  const showKind = () => {
    line.hidden = kind.value === 'flat';
    vlans.disabled = kind.value === 'flat';
    hint.textContent = kind.value === 'trunk' ? 'for example 300-302, 310' : `1 to ${MOST_VLAN}`;
    vlans.setCustomValidity('');
  };
  kind.addEventListener('change', showKind);
  vlans.addEventListener('input', () => vlans.setCustomValidity(''));
  showKind();
  const node = document.createElement('fieldset');
  node.className = 'fields';
  node.append(make('legend', {}, 'The port becomes'), field('Network', kind), line, field('VSWITCH', on));
  return {
    node,
    values: () => {
      const network = networkOf(kind.value, vlans.value);
      vlans.setCustomValidity(network === undefined ? `A VLAN is a number of 1 to ${MOST_VLAN}.` : '');
      if (network === undefined) vlans.reportValidity();
      return network && { network, ...(on.value === vswitch ? {} : { vswitch: on.value }) };
    },
  };
}

/** A control under its label; the hint is none of its name. */
export function field(label: string, control: HTMLElement, ...hint: HTMLElement[]): HTMLElement {
  return make('div', { class: 'field' }, make('label', { for: control.id }, label), control, ...hint);
}

function select(name: string, choices: readonly (readonly [string, string])[], chosen: string): HTMLSelectElement {
  const node = document.createElement('select');
  node.id = `change-${name}`;
  node.append(...choices.map(([value, text]) => new Option(text, value, false, value === chosen)));
  return node;
}

function textOf(network: Network): string {
  if (network.type === 'vlan') return String(network.segmentationId);
  return network.type === 'trunk' ? network.segmentationIds.join(', ') : '';
}

/** The network that is typed; undefined when it is none. */
export function networkOf(kind: string, text: string): Network | undefined {
  if (kind === 'flat') return { type: 'flat' };
  const segmentationIds = text
    .split(/[\s,]+/)
    .filter((word) => word !== '')
    .map(rangeOf);
  const all = segmentationIds.flatMap((range) => range ?? []);
  const [first] = all;
  if (first === undefined || segmentationIds.includes(undefined)) return undefined;
  if (kind === 'trunk') return { type: 'trunk', segmentationIds: [...new Set(all)] };
  return all.length === 1 ? { type: 'vlan', segmentationId: first } : undefined;
}

function rangeOf(word: string): number[] | undefined {
  const [, from, to = from] = /^(\d{1,4})(?:[-–](\d{1,4}))?$/.exec(word) ?? [];
  const [first, last] = [Number(from), Number(to)];
  if (!(first >= 1 && last >= first && last <= MOST_VLAN)) return undefined;
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
