/** When a call was under way; milliseconds of one clock. */
export type Interval = { from: number; to: number };

/** How many of the calls waited for each other: the most that can be picked with none of them overlapping another. */
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

/** Milliseconds in which at least one call was under way. */
export function coveredMs(intervals: readonly Interval[]): number {
  let covered = 0;
  let end = Number.NEGATIVE_INFINITY;
  for (const { from, to } of [...intervals].sort((one, other) => one.from - other.from)) {
    covered += Math.max(0, to - Math.max(from, end));
    end = Math.max(end, to);
  }
  return covered;
}
