import type { Trace } from './trace.ts';

/** Choose at most so many traces, such that as many kinds of moves and outcomes as possible are in them. */
export function chooseTraces(traces: readonly Trace[], most: number): Trace[] {
  const left = new Set(traces);
  const seen = new Set<string>();
  const chosen: Trace[] = [];
  while (chosen.length < most && left.size > 0) {
    const [first, ...others] = left;
    if (first === undefined) break;
    const best = others.reduce((one, other) => (newIn(other, seen) > newIn(one, seen) ? other : one), first);
    left.delete(best);
    chosen.push(best);
    for (const kind of kindsOf(best)) seen.add(kind);
  }
  return chosen;
}

function newIn(trace: Trace, seen: ReadonlySet<string>): number {
  return kindsOf(trace).filter((kind) => !seen.has(kind)).length;
}

/** A kind of move: the same thing done at another point of the guest run is another one. */
function kindsOf({ moves, outcomes }: Trace): string[] {
  return [...new Set([...moves.map(({ move, while: { phase } }) => `${move} while ${phase}`), ...outcomes])];
}
