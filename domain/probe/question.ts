import type { ProbedBehaviour } from '../host/probed-behaviour.ts';
import type { ProbeScene } from './scene.ts';

/**
 * Facts that were seen while a question was asked, by name: return codes as `done` or `212/44`, other words, milliseconds. Nothing of a
 * directory entry is among them.
 */
export type Facts = Readonly<Record<string, string | number>>;

/** An answer that the facts explain. */
export type Finding = {
  finds: ProbedBehaviour;
  /** One sentence for operators, without its full stop. */
  says: string;
};

/** An answer with the facts that it is recognised by: a word, or one of several. Facts that it does not name may be anything. */
export type Variant = Finding & { when: Readonly<Record<string, string | readonly string[]>> };

/** The circumstances that a question needs. */
export type Need =
  /** The guest runs, or is logged off. */
  | 'running'
  | 'off'
  /** z/VM has directory network authorization, and it is enabled. */
  | 'directoryAuthorization'
  /** NICDEF can be made to count: by COUPLE where it reads the directory, else by a new logon. */
  | 'nicdefCounts'
  /** z/VM tells the VLAN of a NIC, in one way or another. */
  | 'vlanTold'
  /** The VSWITCH is one that the probe has made. */
  | 'ownVswitch';

/** One question to z/VM. */
export type Question = {
  /** The question itself, for people. */
  asks: string;
  /** All that is done to z/VM for it, as one sentence without its full stop. */
  does(scene: Pick<ProbeScene, 'userid' | 'vswitch'>): string;
  needs: readonly Need[];
  /** The answers that are explained, or a reading of the facts where they are too many to list. Anything else is a surprise. */
  answers: readonly Variant[] | ((facts: Facts) => Finding | undefined);
};

/** The answer that the facts give; undefined when nothing explains them: a surprise. */
export function findingOf({ answers }: Pick<Question, 'answers'>, facts: Facts): Finding | undefined {
  if (typeof answers === 'function') return answers(facts);
  const fitting = answers.filter(({ when }) =>
    Object.entries(when).every(([name, wanted]) => fits(facts[name], wanted)),
  );
  const [only] = fitting;
  // Two answers explain nothing.
  if (only === undefined || fitting.length > 1) return undefined;
  return { finds: only.finds, says: only.says };
}

function fits(fact: string | number | undefined, wanted: string | readonly string[]): boolean {
  return typeof wanted === 'string' ? fact === wanted : typeof fact === 'string' && wanted.includes(fact);
}

/** Facts as a line: `again 212/44, coupled yes`. */
export function factsText(facts: Facts): string {
  return Object.entries(facts)
    .map(([name, value]) => `${name} ${typeof value === 'number' ? `${value} ms` : value}`)
    .join(', ');
}
