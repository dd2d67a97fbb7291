/** The guest run, in the order of the numbers that the model prints. */
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
/** The guest run as a move finds it: `current` is the operation whose request it is at. */
type While = { phase: Phase; current?: number };

/** One thing that the environment does. */
export type Move =
  | { move: (typeof OF_AN_OPERATION)[number]; operation: number; while: While }
  | { move: (typeof OF_THE_GUEST)[number]; while: While };

/** One run of the model: what the environment did, and what came of it. */
export type Trace = {
  seed: number;
  /** For each operation, in the order of acceptance, the port that it is a word on. */
  ports: number[];
  moves: Move[];
  /** Operations in the order in which they were carried out. */
  carriedOut: number[];
  /** How each operation ended. */
  outcomes: Outcome[];
};

/** Read what a simulation of the queue's model printed. Throws when it did not come to its end. */
export function parseTrace(seed: number, lines: readonly string[]): Trace {
  if (!lines.includes('seen: over')) throw new Error(`the simulation with seed ${seed} did not come to its end`);
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
  if (found === undefined) throw new Error(`no phase of the guest run: ${line}`);
  const at: While = Number(current) < OPERATIONS ? { phase: found, current: Number(current) } : { phase: found };
  const ofOperation = OF_AN_OPERATION.find((each) => each === name);
  if (ofOperation !== undefined) return [{ move: ofOperation, operation: Number(operation), while: at }];
  const ofGuest = OF_THE_GUEST.find((each) => each === name);
  if (ofGuest !== undefined) return [{ move: ofGuest, while: at }];
  throw new Error(`no move of the environment: ${line}`);
}
