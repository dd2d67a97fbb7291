import { make } from '../dom.js';

export function heading(text, { clear }) {
  return make(
    'h2',
    {},
    text,
    make('button', { class: 'close', 'aria-label': 'Close', 'data-focus': 'close', onclick: clear }, '×'),
  );
}

export function facts(rows) {
  return make(
    'dl',
    {},
    ...rows.flatMap(([name, value, bad]) => [make('dt', {}, name), make('dd', { class: bad ? 'bad' : '' }, value)]),
  );
}

export function button(key, text, onclick) {
  return make('button', { 'data-focus': key, onclick }, text);
}
