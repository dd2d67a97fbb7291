import { expect, test } from 'vitest';
import {
  controlAfter,
  controlFrom,
  type HostControl,
  holdAt,
  holdOfWork,
  holdText,
  NO_CONTROL,
  type WorkFor,
} from '../../domain/host/host-control.ts';
import { reportsOnly } from '../../domain/host/repair-mode.ts';

const held = (input: unknown, at = 1_000) => controlAfter(NO_CONTROL, { name: 'hold', input, at });

test('a hold holds whatever can be read of it', () => {
  const nonsense = [undefined, null, 0, 'x', [], {}, { by: 7, reason: {}, until: 'never' }, { until: Number.NaN }];
  for (const input of nonsense)
    expect(holdAt(held(input), 5_000), JSON.stringify(input)).toMatchObject({ since: 1_000 });
});

test('a hold with an end ends by itself, one without lasts until the release', () => {
  const until = held({ by: 'anna', until: new Date(2_000).toISOString() });
  expect([1_999, 2_000].map((time) => holdAt(until, time)?.by)).toEqual(['anna', undefined]);
  const open = held({ by: 'anna' });
  expect(holdAt(open, 8.64e15)?.by).toBe('anna');
  expect(holdAt(controlAfter(open, { name: 'release', input: undefined, at: 3_000 }), 3_000)).toBeUndefined();
});

test('a worker is quiet for the hold that it has named, and for no later one', () => {
  const first = held({ by: 'anna' });
  const quiet = (hold: number) => ({ name: 'quiet' as const, input: { worker: 'w1', hold }, at: 2_000 });
  expect(controlAfter(first, quiet(1)).quiet).toEqual(['w1']);
  const second = controlAfter(first, { name: 'hold', input: { by: 'bert' }, at: 3_000 });
  expect(controlAfter(second, quiet(1)).quiet).toEqual([]);
});

test('the control that a run hands to its next is the same there', () => {
  const control = controlAfter(held({ by: 'anna', reason: 'CHG1', until: 9_000 }), {
    ...{ name: 'confirm', input: { by: 'bert' }, at: 2_000 },
  });
  expect(controlFrom(JSON.parse(JSON.stringify(control)))).toEqual(control);
});

test('a hold that is handed over half readable still holds', () => {
  expect(holdAt(controlFrom({ hold: 'x', holds: 'many' }), 1)).toMatchObject({ by: 'somebody at Temporal' });
});

test('a hold is told with its end and its reason', () => {
  const { hold } = held({ by: 'anna', reason: 'CHG1', until: '2026-11-29T18:00:00.5Z' });
  expect(hold && holdText('zvm1', hold)).toBe('zvm1 is held by anna until 2026-11-29T18:00:00Z: CHG1');
});

const repairs = (more: Partial<Parameters<typeof reportsOnly>[0]>) =>
  reportsOnly({ host: 'zvm1', control: NO_CONTROL, mode: undefined, isUnconfirmed: false, now: 0, ...more })?.why;

test('a host that is new here is observed, unless its configuration says that it is repaired', () => {
  expect(repairs({ isUnconfirmed: true })).toBe('unconfirmed');
  expect(repairs({ isUnconfirmed: true, mode: 'repair' })).toBeUndefined();
  expect(repairs({})).toBeUndefined();
});

test('a host that its configuration has observed is never repaired, nor is a held one', () => {
  expect(repairs({ mode: 'observe' })).toBe('observed');
  expect(repairs({ mode: 'repair', control: held({}) })).toBe('held');
});

test('a restored host is held until the restore is finished, but for operations that an operator lets go on', () => {
  const restored = controlAfter(NO_CONTROL, { name: 'restored', input: { by: 'w1', reason: 'lost' }, at: 1_000 });
  const allowed = controlAfter(restored, {
    ...{ name: 'goOn', input: { workflowId: 'create-port/zvm1/1', firstRunId: 'run-1' }, at: 2_000 },
  });
  const stops = (control: HostControl, work: WorkFor) => holdOfWork(control, 3_000, work) !== undefined;
  const [own, other, rollback] = [
    { workflowIds: ['create-port/zvm1/1', 'guest/zvm1/A'] },
    { workflowIds: ['create-port/zvm1/2', 'guest/zvm1/A'], requestId: 'run-2/0' },
    { workflowIds: ['guest/zvm1/A'], requestId: 'run-1/0' },
  ];
  expect([own, other, rollback].map((work) => stops(restored, work))).toEqual([true, true, true]);
  expect([own, other, rollback].map((work) => stops(allowed, work))).toEqual([false, true, false]);
  const both = controlAfter(allowed, { name: 'hold', input: { by: 'anna' }, at: 2_500 });
  expect(stops(both, own)).toBe(true);
  const finished = controlAfter(allowed, { name: 'finish', input: {}, at: 4_000 });
  expect(stops(finished, other)).toBe(false);
  expect(finished.settledAt).toBe(4_000);
  expect(controlFrom(JSON.parse(JSON.stringify(allowed)))).toEqual(allowed);
});

test('a release does not end what a restore holds', () => {
  const restored = controlAfter(NO_CONTROL, { name: 'restored', input: {}, at: 1_000 });
  expect(holdAt(controlAfter(restored, { name: 'release', input: {}, at: 2_000 }), 3_000)).toBeDefined();
});
