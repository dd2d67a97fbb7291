import type { Address } from '../address.ts';
import { element, keepingFocus, make } from '../dom.ts';
import type { DrawnHost } from '../host.ts';
import { colourOf } from './colours.ts';

type Vlans = Pick<DrawnHost, 'vlans' | 'flat'>;
type Choose = (vlan: string) => void;

/** More VLANs than that are in a list that opens. */
const MOST_SHOWN = 18;
let whole = false;

/** VLANs with their colours, the most used first where there are too many. A click picks one out. */
export function showLegend({ vlans, flat }: Vlans, chosen: Address, choose: Choose): void {
  const ranked = [...vlans].toSorted(([, one], [, other]) => other - one);
  const kept = whole ? ranked : ranked.slice(0, MOST_SHOWN);
  const chips = kept
    .toSorted(([one], [other]) => one - other)
    .map(([vlan, count]) => chip(String(vlan), count, colourOf(vlan), chosen, choose));
  const more = ranked.length - MOST_SHOWN;
  const rest =
    more > 0 &&
    make(
      'button',
      { class: 'more', 'data-focus': 'more', onclick: () => toggle({ vlans, flat }, chosen, choose) },
      whole ? 'fewer' : `${more} more`,
    );
  const untagged = flat > 0 && chip('flat', flat, colourOf(undefined), chosen, choose);
  const legend = element('legend');
  legend.classList.toggle('many', kept.length > 12);
  keepingFocus(legend, () =>
    legend.replaceChildren(
      ...[make('span', { class: 'soft' }, 'VLANs'), ...chips, untagged, rest].filter((part) => part !== false),
    ),
  );
}

function toggle(...given: Parameters<typeof showLegend>): void {
  whole = !whole;
  showLegend(...given);
}

function chip(name: string, count: number, colour: string, chosen: Address, choose: Choose): HTMLElement {
  return make(
    'button',
    {
      class: 'chip',
      'aria-pressed': String(chosen.vlan === name),
      title: `${count} NICs`,
      'aria-label': `${name === 'flat' ? 'flat' : `VLAN ${name}`}, ${count} NICs`,
      'data-vlan': name,
      'data-focus': `vlan ${name}`,
      onclick: () => choose(name),
    },
    make('i', { style: `background: ${colour}` }),
    name,
    make('small', {}, `×${count}`),
  );
}

/** "How to read it" lies over the details: it closes when something else is clicked. */
export function closeKeyElsewhere(): void {
  document.addEventListener('click', ({ target }) => {
    if (target instanceof Node && !element('key').contains(target)) element('key').open = false;
  });
}

/** True when it was open. */
export function closeKey(): boolean {
  const { open } = element('key');
  element('key').open = false;
  return open;
}
