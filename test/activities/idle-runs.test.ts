import { expect, test } from 'vitest';
import { createIdleRuns, isIdle } from '../../activities/idle-runs.ts';
import type { RepairFailure } from '../../domain/operations/requests.ts';
import { Userid } from '../../domain/text/identifiers.ts';

const run = (number: number) => ({ workflowId: `reconcile/zvm1-${number}`, runId: `run-${number}` });
const none = async () => [];

test('of the idle runs of a day, the latest ten are kept', async () => {
  const runs = createIdleRuns();
  const deleted: string[] = [];
  for (let number = 0; number < 2_880; number += 1)
    for (const { runId } of await runs.dueAfter(run(number), true, none)) deleted.push(runId);
  expect(deleted).toEqual(Array.from({ length: 2_870 }, (_, number) => run(number).runId));
});

test('a run whose first survey found nothing, and whose second did, is kept', async () => {
  const runs = createIdleRuns();
  await runs.dueAfter(run(0), true, none);
  await runs.dueAfter(run(0), false, none);
  const deleted = [];
  for (let number = 1; number < 50; number += 1) deleted.push(...(await runs.dueAfter(run(number), true, none)));
  expect(deleted).toContainEqual(run(1));
  expect(deleted).not.toContainEqual(run(0));
});

test('idle runs that a worker before has left are deleted by the next one, and asked for once', async () => {
  const runs = createIdleRuns();
  let asked = 0;
  const left = async () => {
    asked += 1;
    return Array.from({ length: 30 }, (_, number) => run(number));
  };
  expect(await runs.dueAfter(run(30), true, left)).toEqual(Array.from({ length: 21 }, (_, number) => run(number)));
  expect(await runs.dueAfter(run(31), false, left)).toEqual([]);
  expect(asked).toBe(1);
});

const failure = (userid: string): RepairFailure => {
  return { about: { kind: 'guest', userid: Userid.parse(userid) }, reason: 'locked', attempts: 1, notBefore: 0 };
};
const input = {
  ...{ host: 'zvm1', intervalSeconds: 30, sweepSeconds: 600, now: 0 },
  isContinued: false,
  unreported: [],
};
const found = {
  ...{ examined: 1, candidates: [], more: false, skipped: 0, failed: [failure('LNX1')], waiting: 0, foreign: 0 },
  ...{ foreignLines: [], vswitches: [], managementNetwork: false, dhcp: false, reIpled: false, statuses: [] },
};

test('a run is idle when all that it finds was known before', () => {
  expect(isIdle(run(1), { ...input, failed: [failure('LNX1')] }, found)).toBe(true);
  expect(isIdle(run(1), { ...input, failed: [failure('LNX2')] }, found)).toBe(false);
  expect(isIdle(run(1), { ...input, failed: [failure('LNX1')] }, { ...found, dhcp: true })).toBe(false);
});

test('a run that a person asked for is never idle', () => {
  const asked = { workflowId: 'reconcile/zvm1/asked', runId: 'run' };
  expect(isIdle(asked, { ...input, failed: [failure('LNX1')] }, found)).toBe(false);
});
