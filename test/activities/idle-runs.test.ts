import { expect, test } from 'vitest';
import { createIdleRuns, isIdle } from '../../activities/idle-runs.ts';
import type { RepairFailure } from '../../domain/operations/requests.ts';
import { Userid } from '../../domain/text/identifiers.ts';

const run = (number: number) => ({ workflowId: `reconcile/zvm1-${number}`, runId: `run-${number}` });
const MINUTE = 60_000;

test('of the idle runs of a day, two an hour are kept, and the latest twenty', () => {
  const runs = createIdleRuns();
  const deleted = new Set<string>();
  for (let number = 0; number < 2_880; number += 1) {
    runs.note(run(number), number * (MINUTE / 2), true);
    for (const { runId } of runs.due()) deleted.add(runId);
  }
  expect(2_880 - deleted.size).toBe(48 + 20);
  for (let number = 2_860; number < 2_880; number += 1) expect(deleted).not.toContain(`run-${number}`);
});

test('a run whose first survey found nothing, and whose second did, is kept', () => {
  const runs = createIdleRuns();
  runs.note(run(0), 0, true);
  runs.note(run(0), 1, false);
  for (let number = 1; number < 50; number += 1) runs.note(run(number), number, true);
  expect(runs.due().map(({ runId }) => runId)).not.toContain('run-0');
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
