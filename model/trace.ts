/** The phases of the guest run, in the order of the model's numbers. */
const PHASES = [
  'closed',
  'ready',
  'looking',
  'deciding',
  'waiting',
  'begun',
  'writing',
  'paused',
  'checking',
  'closing',
] as const;
const OUTCOMES = ['none', 'done', 'cancelled', 'overtaken', 'lost', 'terminated'] as const;
const OF_AN_OPERATION = ['accept', 'arrive', 'cancel', 'terminate', 'repeat'] as const;
const OF_THE_GUEST = ['terminateRun', 'kill', 'refuse', 'write'] as const;
const OPERATIONS = 3;

type Phase = (typeof PHASES)[number];
type Outcome = (typeof OUTCOMES)[number];
/** The guest run at the time of a move; `current` is the operation whose request is in progress. */
type While = { phase: Phase; current?: number };

/** One action of the environment. */
export type Move =
  | { move: (typeof OF_AN_OPERATION)[number]; operation: number; while: While }
  | { move: (typeof OF_THE_GUEST)[number]; while: While };

/** One run of the model: the moves of the environment, and the result. */
export type Trace = {
  seed: number;
  /** The port of each operation, in the order of acceptance. */
  ports: number[];
  moves: Move[];
  /** The operations in the order in which they were carried out. */
  carriedOut: number[];
  /** The ending of each operation. */
  outcomes: Outcome[];
};

/** Parse the output of a simulation of the queue's model. Throws an Error when the simulation did not reach its end. */
export function parseTrace(seed: number, lines: readonly string[]): Trace {
  if (!lines.includes('seen: over')) throw new Error(`the simulation with seed ${seed} did not reach its end`);
  const ended = new Map(matches(lines, /^seen: ended (\d+) (\d+)$/).map(([operation, how]) => [operation, how]));
  return {
    seed,
    ports: matches(lines, /^ports: (\d+) (\d+) (\d+)$/)[0] ?? [],
    moves: lines.flatMap(moveOf),
    carriedOut: matches(lines, /^seen: done (\d+)$/).flat(),
    outcomes: Array.from({ length: OPERATIONS }, (_, operation) => OUTCOMES[ended.get(operation) ?? 0] ?? 'none'),
  };
}

function matches(lines: readonly string[], pattern: RegExp): number[][] {
  return lines.flatMap((line) => {
    const match = pattern.exec(line);
    return match === null ? [] : [match.slice(1).map(Number)];
  });
}

function moveOf(line: string): Move[] {
  const match = /^move: (\w+) (\d+) while (\d+) (\d+)$/.exec(line);
  if (match === null) return [];
  const [, name, operation, phase, current] = match;
  const found = PHASES[Number(phase)];
  if (found === undefined) throw new Error(`not a phase of the guest run: ${line}`);
  const at: While = Number(current) < OPERATIONS ? { phase: found, current: Number(current) } : { phase: found };
  const ofOperation = OF_AN_OPERATION.find((each) => each === name);
  if (ofOperation !== undefined) return [{ move: ofOperation, operation: Number(operation), while: at }];
  const ofGuest = OF_THE_GUEST.find((each) => each === name);
  if (ofGuest !== undefined) return [{ move: ofGuest, while: at }];
  throw new Error(`not a move of the environment: ${line}`);
}

/** Choose at most so many traces that cover as many kinds of moves and outcomes as possible. */
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

/** The kind of a move: the same action at another point of the guest run is another kind. */
function kindsOf({ moves, outcomes }: Trace): string[] {
  return [...new Set([...moves.map(({ move, while: { phase } }) => `${move} while ${phase}`), ...outcomes])];
}
