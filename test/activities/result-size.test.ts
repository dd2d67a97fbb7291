import { expect, test } from 'vitest';
import { fittingReport } from '../../activities/result-size.ts';
import type { RepairFailure } from '../../domain/operations/requests.ts';
import { PortId, Userid } from '../../domain/text/identifiers.ts';
import type { PortStatus } from '../../workflows/host-activities.ts';

const userid = (index: number) => Userid.parse(`LNX${String(index).padStart(5, '0')}`);
const portId = (index: number) => PortId.parse(`00000000-0000-4000-8000-${String(index).padStart(12, '0')}`);
const failureOf = (index: number): RepairFailure => ({
  about: { kind: 'guest', userid: userid(index) },
  reason: 'its directory entry cannot be read',
  attempts: 1,
  notBefore: 0,
});
const statusOf = (index: number): PortStatus => ({
  portId: portId(index),
  neutronHost: 'zvm1',
  userid: userid(index),
  up: true,
  status: 'DOWN',
});

test('a survey with few failures tells all of them, and each status as it is', () => {
  const failures = [failureOf(1)];
  const statuses = [statusOf(1), statusOf(2)];
  expect(fittingReport(failures, statuses)).toEqual({ failed: failures, failedLeft: 0, statuses, untold: [] });
});

test('a survey of fifty thousand failures says how many are left out, and no port of theirs is up', () => {
  const failures = Array.from({ length: 50_000 }, (_, index) => failureOf(index));
  const last = statusOf(49_999);
  const { failed, failedLeft, statuses } = fittingReport(failures, [statusOf(0), last, statusOf(99_999)]);
  expect(JSON.stringify(failed).length).toBeLessThan(500_000);
  expect(failed).toEqual(failures.slice(0, failed.length));
  expect(failed.length + failedLeft).toBe(50_000);
  // The first is known by its failure, and the other has none.
  expect(statuses).toEqual([statusOf(0), { ...last, up: false }, statusOf(99_999)]);
});

test('a survey of fifty thousand statuses tells some of them, and which ports are left to the next run', () => {
  const all = Array.from({ length: 50_000 }, (_, index) => statusOf(index));
  const { statuses, untold } = fittingReport([], all);
  expect(JSON.stringify(statuses).length).toBeLessThan(500_000);
  expect([...statuses.map((status) => status.portId), ...untold]).toEqual(all.map((status) => status.portId));
});
