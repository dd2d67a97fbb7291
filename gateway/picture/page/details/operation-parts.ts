import { shownResult } from '../actions/operation-result.ts';
import type { FullOperation, Problem } from '../api.ts';
import { type Child, make } from '../dom.ts';
import { dayAndTimeText } from '../freshness.ts';

/** Steps of an operation or of its plan. */
export function stepList(steps: readonly string[]): HTMLElement {
  return make('ol', { class: 'steps' }, ...steps.map((step) => make('li', {}, step)));
}

/** The progress of an operation that runs, and of one that has ended its steps and failures. */
export function courseOf(operation: FullOperation): Child[] {
  const { steps, failures, warnings } = shownResult(operation);
  return [
    ...progressOf(operation),
    steps.length > 0 && stepList(steps),
    ...warningParts(warnings),
    ...failures.map((text) => make('p', { class: 'bad' }, text)),
    ...failureParts(operation.failure),
  ];
}

/** Things that an operation leaves to an administrator. */
export function warningParts(warnings: readonly string[]): HTMLElement[] {
  return warnings.map((text) => make('p', { class: 'warn' }, text));
}

function progressOf({ state, standing, awaits, details = '' }: FullOperation): Child[] {
  if (state !== 'running') return [];
  if (awaits !== undefined) return [stepList(awaits.steps), make('p', { class: 'soft' }, rulesOf(awaits))];
  if (standing?.kind === 'waits') return [make('p', {}, `It waits for ${standing.behind}.`)];
  if (standing?.kind !== 'works') return [make('p', { class: 'progress' }, plainText(details))];
  const { subject, state: word, reason, lists } = standing.progress;
  const listed = (title: string, lines: readonly string[] = []) =>
    lines.length === 0 ? [] : [make('p', { class: 'soft' }, title), stepList(lines)];
  return [
    make('p', {}, `${subject} ${word}.`),
    reason !== undefined && make('p', { class: 'bad' }, reason),
    ...listed('Now', lists.now),
    ...listed('Done', lists.done),
  ];
}

function rulesOf({ kind, rules, until, moreSteps }: NonNullable<FullOperation['awaits']>): string {
  const more = moreSteps === 0 ? '' : `and ${moreSteps} more; `;
  const end = kind === 'approval' ? 'it ends without an approval at' : 'it goes on at';
  return `${more}the policy says so: ${rules.join(', ')}; ${end} ${dayAndTimeText(until)}`;
}

function failureParts(failure: FullOperation['failure']): Child[] {
  if (failure === undefined) return [];
  const { message, step, reason = message, advice, undone, refusals, page } = failure;
  if (refusals.length > 0) return refusalParts(refusals);
  return [
    make('p', { class: 'bad' }, reason),
    step !== undefined && make('p', {}, `Step: ${step}`),
    advice !== undefined && make('p', {}, make('b', {}, 'The way out: '), advice),
    undone !== undefined && make('p', { class: 'soft' }, undone ? 'It was rolled back.' : 'It was not rolled back.'),
    page !== undefined && make('p', {}, linkTo(page, `More about ${page}`)),
  ];
}

/** Fields at fault, each with the way out. */
function refusalParts(errors: NonNullable<Problem['errors']>): Child[] {
  return errors.map(({ field, reason, advice = '', page }) =>
    make(
      'p',
      {},
      make('b', { class: 'bad' }, field),
      ` ${reason}`,
      make('br'),
      make('span', { class: 'soft' }, `${advice} `),
      page !== undefined && linkTo(page, 'More about it'),
    ),
  );
}

/** The page about an error. */
function linkTo(page: string, text: string): HTMLElement {
  return make('a', { href: `/errors/${encodeURIComponent(page)}`, target: '_blank' }, text);
}

/** A problem that the gateway has answered. */
export function problemParts({ type, detail, errors = [], advice }: Problem): Child[] {
  if (errors.length > 0) return refusalParts(errors);
  const [, page] = /\/errors\/([^/]+)$/.exec(type) ?? [];
  return [
    make('p', { class: 'bad' }, detail),
    advice !== undefined && make('p', {}, advice),
    page !== undefined && make('p', {}, linkTo(page, `More about ${page}`)),
  ];
}

/** Markdown of the Temporal UI without its marks. */
function plainText(markdown: string): string {
  return markdown
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(/\*\*|^#+ |(?<=\s)_|_(?=\s)/gm, '')
    .replaceAll(/\\([\\`*_{}[\]()#+.!|<>-])/g, '$1');
}

const ENDINGS: Readonly<Record<string, string>> = {
  changed: 'Done.',
  unchanged: 'Nothing had to be changed.',
  planned: 'Planned.',
  refused: 'Refused: nothing was touched.',
  failed: 'Failed.',
  cancelled: 'Cancelled.',
  terminated: 'Terminated at Temporal.',
  timedOut: 'It ran out of time.',
};

/** The state of an operation in a sentence. */
export function stateSentence({ state, outcome, userid }: FullOperation): string {
  if (state !== 'running') return ENDINGS[outcome ?? state] ?? `Ended as ${outcome ?? state}.`;
  if (outcome === 'waiting') return `Waits until earlier operations on ${userid ?? 'the guests'} have ended …`;
  if (outcome === 'awaiting-approval') return 'Waits for an approval …';
  if (outcome === 'awaiting-window') return 'Waits for its window …';
  if (outcome === 'retrying') return 'A step has failed for the moment, and is tried again …';
  return 'In progress …';
}
