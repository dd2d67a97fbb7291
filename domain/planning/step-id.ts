import type { Step } from './steps.ts';

/**
 * The identity of a step: its kind, and all that it changes. Two steps have one id only when they do the same. Sentences are for people and
 * may be reworded; ids stand in histories.
 */
export function stepId(step: Step): string {
  if (step.kind === 'record') return `${step.operation} ${JSON.stringify(sorted(step.data))}`;
  const { kind, disturbs: _disturbs, ...rest } = step;
  return `${kind} ${JSON.stringify(sorted(rest))}`;
}

/** The same value with the fields of each object in order, so that the order in which they were written does not matter. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return Object.fromEntries(
    fields.toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([name, field]) => [name, sorted(field)]),
  );
}
