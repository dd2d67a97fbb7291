import { INVARIANTS, type Invariant } from './configurations.ts';

/** One search by pan, the verifier that SPIN generates. */
export type PanResult = {
  /** `incomplete`: memory or depth did not suffice, so nothing is proved. */
  found: Invariant | 'none' | 'incomplete';
  states: number;
};

/** Parse pan's output. Throws an Error when it is not a report of a search, or names an error that is not an invariant. */
export function parsePanOutput(text: string): PanResult {
  const states = /^\s*(\d+(?:\.\d+)?(?:e[+-]?\d+)?) states, stored/m.exec(text)?.[1];
  const errors = /errors: (\d+)$/m.exec(text)?.[1];
  if (states === undefined || errors === undefined) throw new Error(`not a report of a search: ${text.slice(-500)}`);
  return { found: foundIn(text, Number(errors)), states: Number(states) };
}

function foundIn(text: string, errors: number): PanResult['found'] {
  const error = /^pan:\d+: (.+?)(?: \(at depth \d+\))?$/m.exec(text)?.[1];
  if (error === undefined) {
    if (errors > 0) throw new Error(`errors without a name: ${text.slice(0, 500)}`);
    return isIncomplete(text) ? 'incomplete' : 'none';
  }
  if (error === 'invalid end state') return 'eachOperationEnds';
  if (error.startsWith('non-progress cycle')) return 'noLoop';
  const name = /\|\|\s*(\w+)\)$/.exec(error)?.[1];
  const invariant = INVARIANTS.find((each) => each === name);
  if (invariant === undefined) throw new Error(`an error that is not an invariant: ${error}`);
  return invariant;
}

function isIncomplete(text: string): boolean {
  return /max search depth too small|reached -DMEMLIM bound|out of memory|^Warning: Search not completed/m.test(text);
}
