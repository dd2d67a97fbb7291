import { z } from 'zod';

/** The time of a call, in milliseconds of one clock. */
export type Interval = { from: number; to: number };

const HttpEvent = z.object({ type: z.literal('http'), time: z.string(), ms: z.number() });
const SmcliEvent = z.object({
  type: z.literal('smcli'),
  time: z.string(),
  system: z.string(),
  argv: z.array(z.string()),
});

/** All calls to a simulated management node so far. */
export async function callsTo(simulatorUrl: string): Promise<Interval[]> {
  return (await eventsOf(simulatorUrl, HttpEvent)).map(({ time, ms }) => ({
    from: Date.parse(time) - ms,
    to: Date.parse(time),
  }));
}

/** The times at which changes of the directory of a z/VM system have ended so far, in milliseconds of Unix time. */
export async function directoryChanges(simulatorUrl: string, zhcp: string): Promise<number[]> {
  const events = await eventsOf(simulatorUrl, SmcliEvent);
  return events
    .filter(({ system, argv }) => system === zhcp && argv.some((word) => CHANGES_DIRECTORY.test(word)))
    .map(({ time }) => Date.parse(time));
}

// SMAPI's functions for the directory, but the one that only reads it.
const CHANGES_DIRECTORY = /^(?!.*_Query_DM).*_DM$/;

/** When something of this type happened for the first time since then, in milliseconds of Unix time; undefined when it did not. */
export async function firstOf(type: string, simulatorUrl: string, since: number): Promise<number | undefined> {
  const events = await eventsOf(simulatorUrl, z.object({ type: z.literal(type), time: z.string() }));
  return events.map(({ time }) => Date.parse(time)).find((time) => time >= since);
}

async function eventsOf<Event>(simulatorUrl: string, schema: z.ZodType<Event>): Promise<Event[]> {
  // A simulator of this process cannot close an idle connection in time while it is busy.
  const headers = { connection: 'close' };
  const answer = await fetch(new URL('/simulator/events?since=0', simulatorUrl), { headers });
  const events = z.array(z.unknown()).parse(await answer.json());
  return events.flatMap((event) => schema.safeParse(event).data ?? []);
}

/** The time of DirMaint, which carries out one change after another, in milliseconds. */
export type DirectoryLane = {
  changes: number;
  /** From the beginning to its first change. */
  beforeMs: number;
  /** Without work between two changes. */
  idleMs: number;
  /** From its last change to the end. */
  afterMs: number;
};

/** The lane of changes that took `serviceMs` each and ended at these times, in some time of work. */
export function laneOf(ends: readonly number[], serviceMs: number, { from, to }: Interval): DirectoryLane {
  const sorted = ends.toSorted((one, other) => one - other);
  const [first = to, last = to] = [sorted[0], sorted.at(-1)];
  const gaps = sorted.slice(1).map((end, index) => end - (sorted[index] ?? end) - serviceMs);
  return {
    changes: sorted.length,
    beforeMs: Math.round(first - serviceMs - from),
    idleMs: Math.round(gaps.reduce((sum, gap) => sum + Math.max(0, gap), 0)),
    afterMs: Math.round(to - last),
  };
}

/** The number of calls in sequence: the largest set of calls without overlap. */
export function sequentialCalls(intervals: readonly Interval[]): number {
  let count = 0;
  let end = Number.NEGATIVE_INFINITY;
  for (const { from, to } of [...intervals].sort((one, other) => one.to - other.to)) {
    if (from < end) continue;
    count += 1;
    end = to;
  }
  return count;
}

/** The time in milliseconds with at least one call in progress. */
export function coveredMs(intervals: readonly Interval[]): number {
  let covered = 0;
  let end = Number.NEGATIVE_INFINITY;
  for (const { from, to } of [...intervals].sort((one, other) => one.from - other.from)) {
    covered += Math.max(0, to - Math.max(from, end));
    end = Math.max(end, to);
  }
  return covered;
}
