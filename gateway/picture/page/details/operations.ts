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

/** An operation, linked to its run in the Temporal UI. */
export function operationLine({
  id,
  runId,
  type,
  userid,
  state,
  outcome,
  startedAt,
  run,
}: ListedOperation): HTMLElement {
  const [, vswitch] = /^vswitch~[^~]+~([^~]+)$/.exec(id) ?? [];
  const name = [type, userid ?? vswitch].filter((word) => word !== undefined).join(' ');
  // The outcome of an operation in the queue of its guest is `waiting`.
  const word = outcome ?? state;
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
      make('small', {}, dayAndTimeText(startedAt)),
    ),
    make('span', { class: `state ${state === 'running' ? state : word}` }, word),
  );
}
