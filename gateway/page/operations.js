import { element, keepingFocus, make } from './dom.js';

/** The host's newest operations. */
export function showOperations(operations) {
  const list = element('operations');
  keepingFocus(list, () =>
    list.replaceChildren(
      ...(operations.length === 0 ? [make('li', { class: 'soft' }, 'none yet')] : operations.map(operationLine)),
    ),
  );
}

/** An operation, linked to its run in the Temporal UI. */
export function operationLine({ id, runId, type, userid, state, outcome, startedAt, run }) {
  const name = `${type}${userid === undefined ? '' : ` ${userid}`}`;
  const word = state === 'running' ? 'running' : (outcome ?? state);
  return make(
    'li',
    { 'data-operation': id },
    make(
      'span',
      {},
      run === undefined
        ? name
        : make('a', { href: run, target: '_blank', rel: 'noreferrer', 'data-focus': `run ${runId}` }, name),
      make('br'),
      make('small', {}, new Date(startedAt).toLocaleString()),
    ),
    make('span', { class: `state ${word}` }, word),
  );
}
