import type { Address } from '../address.ts';
import type { FullGuest, ListedOperation } from '../api.ts';
import { make } from '../dom.ts';
import type { DrawnHost } from '../host.ts';

/** The state that the details show. */
export type Details = {
  host: DrawnHost;
  chosen: Address;
  fullGuest: FullGuest | undefined;
  fullProblem: string | undefined;
  operations: { guest: string; nic: string; list: readonly ListedOperation[] } | undefined;
  operationsProblem: string | undefined;
};
/** The actions of buttons in the details. */
export type Actions = {
  choose: (choice: Partial<Address>) => void;
  clear: () => void;
  find: (text: string) => void;
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
