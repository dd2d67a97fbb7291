import { expect, test } from 'vitest';
import { coveredMs, laneOf, sequentialCalls } from '../../bench/calls.ts';
import { latencyOf } from '../../bench/latency.ts';

test('calls side by side count once, calls after each other each', () => {
  const calls = [
    { from: 0, to: 10 },
    { from: 1, to: 9 },
    { from: 10, to: 20 },
    { from: 30, to: 40 },
    { from: 35, to: 50 },
  ];
  expect(sequentialCalls(calls)).toBe(3);
});

test('time in which calls overlap is counted once, time without a call not at all', () => {
  expect(
    coveredMs([
      { from: 0, to: 10 },
      { from: 5, to: 15 },
      { from: 20, to: 25 },
      { from: 21, to: 22 },
    ]),
  ).toBe(20);
});

test('no call covers nothing', () => {
  expect(sequentialCalls([])).toBe(0);
  expect(coveredMs([])).toBe(0);
});

test('DirMaint is idle between two changes as long as nobody waits for it', () => {
  // Changes of 10 ms each: the third began 25 ms after the second had ended.
  const lane = laneOf([130, 140, 175], 10, { from: 100, to: 200 });
  expect(lane).toEqual({ changes: 3, beforeMs: 20, idleMs: 25, afterMs: 25 });
});

test('the 99th percentile of a hundred times is the second longest', () => {
  const times = Array.from({ length: 100 }, (_, index) => index + 1);
  expect(latencyOf(times)).toEqual({ samples: 100, p50: 50, p99: 99 });
});
