import { expect, test } from 'vitest';
import { coveredMs, sequentialCalls } from '../../bench/calls.ts';

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
