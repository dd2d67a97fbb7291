import type { Change, Verb } from '../actions/change.ts';
import type { Address } from '../address.ts';
import type { KnownHost } from '../api.ts';
import type { Chosen } from '../chosen.ts';
import { make } from '../dom.ts';
import type { DrawnHost } from '../host.ts';

/** The state that the details show. */
export type Details = Chosen & {
  host: DrawnHost;
  chosen: Address;
  /** The host as Temporal knows it, with what the reader may do there. */
  known: KnownHost | undefined;
};
/** The actions of buttons in the details. */
export type Actions = {
  choose: (choice: Partial<Address>) => void;
  clear: () => void;
  find: (text: string) => void;
  change: (change: Change) => void;
};
/** A line of a list of facts; a bad one is red. */
type Fact = readonly [name: string, value: string, bad?: boolean];

export function heading(text: string, { clear }: Pick<Actions, 'clear'>): HTMLElement {
  return make(
    'h2',
    {},
    text,
    make('button', { class: 'close', 'aria-label': 'Close', 'data-focus': 'close', onclick: clear }, '×'),
  );
}

export function facts(rows: readonly Fact[]): HTMLElement {
  return make(
    'dl',
    {},
    ...rows.flatMap(([name, value, bad]) => [make('dt', {}, name), make('dd', { class: bad ? 'bad' : '' }, value)]),
  );
}

export function button(key: string, text: string, onclick: () => void): HTMLElement {
  return make('button', { 'data-focus': key, onclick }, text);
}

/** True when the reader's token has the verb on the host. */
export function may({ known }: Pick<Details, 'known'>, verb: Verb): boolean {
  return known?.verbs.includes(verb) === true;
}

/** A button for each change; each opens a dialog, which the dots announce. */
export function changeButtons(
  changes: readonly Change[],
  { change }: Pick<Actions, 'change'>,
): HTMLElement | undefined {
  if (changes.length === 0) return undefined;
  const buttons = changes.map((each) => button(`change ${each.title}`, `${each.title} …`, () => change(each)));
  return make('p', { class: 'changes' }, ...buttons);
}
