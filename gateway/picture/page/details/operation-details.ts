import { operationChanges, verbOf } from '../actions/change.ts';
import type { FullOperation } from '../api.ts';
import { type Child, make } from '../dom.ts';
import { dayAndTimeText } from '../freshness.ts';
import { type Actions, button, changeButtons, type Details, facts, heading, may } from './detail-parts.ts';
import { courseOf, stateSentence } from './operation-parts.ts';
import { nameOf } from './operations.ts';

/** An operation: who asked and why, how it stands, its steps, and what can be done with it. */
export function operationDetails(state: Details, actions: Actions): Child[] {
  const { operation, operationProblem } = state;
  if (operation === undefined)
    return [
      heading('Operation', actions),
      make('p', { class: operationProblem === undefined ? 'soft' : 'bad' }, operationProblem ?? 'looking …'),
    ];
  const { userid, run } = operation;
  return [
    heading(nameOf(operation), actions),
    make('p', {}, operation.summary ?? ''),
    make('p', { class: `state ${operation.outcome ?? operation.state}` }, stateSentence(operation)),
    facts(factsOf(operation)),
    make('h3', {}, operation.state === 'running' ? 'Progress' : 'Steps'),
    ...courseParts(operation),
    may(state, verbOf(operation)) && changeButtons(operationChanges(operation), actions),
    make(
      'p',
      { class: 'changes' },
      userid !== undefined && button('guest', `Show ${userid}`, () => actions.choose({ guest: userid })),
      run !== undefined &&
        make('a', { href: run, target: '_blank', rel: 'noreferrer', 'data-focus': 'run' }, 'Temporal UI'),
    ),
  ];
}

function courseParts(operation: FullOperation): Child[] {
  const parts = courseOf(operation).filter((part) => part !== false && part !== undefined);
  return parts.length === 0 ? [make('p', { class: 'soft' }, 'none')] : parts;
}

function factsOf({ origin, startedAt, closedAt, portIds, host }: FullOperation): [name: string, value: string][] {
  const took = closedAt === undefined ? undefined : (Date.parse(closedAt) - Date.parse(startedAt)) / 1_000;
  return [
    ['Asked by', origin === undefined ? 'somebody at Temporal itself' : `${origin.by} (${origin.via})`],
    ['Why', origin?.reason ?? 'no reason was given'],
    ['Started', dayAndTimeText(startedAt)],
    ...(closedAt === undefined || took === undefined
      ? []
      : [['Ended', `${dayAndTimeText(closedAt)}, after ${took.toFixed(1)} s`] satisfies [string, string]]),
    ['Host', host],
    ...portIds.slice(0, 8).map((portId): [string, string] => ['Port', portId]),
  ];
}
