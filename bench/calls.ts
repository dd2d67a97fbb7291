import { z } from 'zod';

/** The time of a call, in milliseconds of one clock. */
export type Interval = { from: number; to: number };

const Event = z.object({ type: z.string(), time: z.string() });
const HttpEvent = z.object({ type: z.literal('http'), time: z.string(), ms: z.number() });

/** All calls to a simulated management node so far. */
export async function callsTo(simulatorUrl: string): Promise<Interval[]> {
  return (await eventsOf(simulatorUrl))
    .flatMap((event) => HttpEvent.safeParse(event).data ?? [])
    .map(({ time, ms }) => ({ from: Date.parse(time) - ms, to: Date.parse(time) }));
}

/** When something of this type happened for the first time since then, in milliseconds of Unix time; undefined when it did not. */
export async function firstOf(type: string, simulatorUrl: string, since: number): Promise<number | undefined> {
  return (await eventsOf(simulatorUrl))
    .flatMap((event) => Event.safeParse(event).data ?? [])
    .filter((event) => event.type === type)
    .map(({ time }) => Date.parse(time))
    .find((time) => time >= since);
}

async function eventsOf(simulatorUrl: string): Promise<unknown[]> {
  const answer = await fetch(new URL('/simulator/events?since=0', simulatorUrl));
  return z.array(z.unknown()).parse(await answer.json());
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
