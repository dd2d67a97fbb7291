import { defined } from '../defined.ts';
import type { BehaviourName, ProbedBehaviour, ProbeRecord } from '../host/probed-behaviour.ts';
import type { ProbeAnswer } from './course.ts';

/** The record of answers that were given at one time. */
export function recordOf(level: string, answers: readonly Pick<ProbeAnswer, 'finds'>[], at: string): ProbeRecord {
  const found = foundBy(answers);
  return { level, found, at: Object.fromEntries(Object.keys(found).map((name) => [name, at])) };
}

/** All that the answers say together. */
export function foundBy(answers: readonly Pick<ProbeAnswer, 'finds'>[]): ProbedBehaviour {
  return Object.assign({}, ...answers.map(({ finds }) => finds));
}

/** Both records, of each answer the later one; those of the later level alone when z/VM has changed between them. */
export function mergedRecords(one: ProbeRecord, other: ProbeRecord): ProbeRecord {
  const [earlier, later] = latest(one) <= latest(other) ? [one, other] : [other, one];
  if (earlier.level !== later.level) return later;
  const kept = Object.entries(earlier.found).filter(([name]) => isLater(earlier, later, name as BehaviourName));
  const found: ProbedBehaviour = { ...later.found, ...Object.fromEntries(kept) };
  const at = Object.fromEntries(kept.map(([name]) => [name, earlier.at[name as BehaviourName]]));
  return { level: later.level, found, at: { ...later.at, ...defined(at) } };
}

function isLater(one: ProbeRecord, other: ProbeRecord, name: BehaviourName): boolean {
  return other.found[name] === undefined || (one.at[name] ?? '') > (other.at[name] ?? '');
}

function latest({ at }: ProbeRecord): string {
  return Object.values(at).toSorted().at(-1) ?? '';
}
