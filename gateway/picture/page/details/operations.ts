import type { ListedOperation } from '../api.ts';
import { element, keepingFocus, make } from '../dom.ts';
import { dayAndTimeText } from '../freshness.ts';

/** The host's newest operations. */
export function showOperations(operations: readonly ListedOperation[]): void {
  const list = element('operations');
  keepingFocus(list, () =>
    list.replaceChildren(
      ...(operations.length === 0 ? [make('li', { class: 'soft' }, 'none yet')] : operations.map(operationLine)),
    ),
  );
}

/** An operation in a list; a click on its name opens it in the details. */
export function operationLine(operation: ListedOperation): HTMLElement {
  const { id, runId, host, state, outcome, startedAt, origin } = operation;
  // The outcome of an operation in the queue of its guest is `waiting`.
  const word = outcome ?? state;
  return make(
    'li',
    { 'data-operation': id },
    make(
      'span',
      {},
      make(
        'button',
        { class: 'link', 'data-open': `${id}/${runId}`, 'data-at': host, 'data-focus': `run ${runId}` },
        nameOf(operation),
      ),
      make('br'),
      make('small', {}, dayAndTimeText(startedAt), origin === undefined ? '' : ` · ${origin.by}`),
    ),
    make('span', { class: `state ${state === 'running' ? state : word}` }, word),
  );
}

/** An operation by its type and what it is about. */
export function nameOf({ id, type, userid }: Pick<ListedOperation, 'id' | 'type' | 'userid'>): string {
  const [, vswitch] = /^vswitch~[^~]+~([^~]+)$/.exec(id) ?? [];
  return [type, userid ?? vswitch].filter((word) => word !== undefined).join(' ');
}
