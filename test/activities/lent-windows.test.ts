import { asyncLocalStorage, type Context } from '@temporalio/activity';
import { expect, test } from 'vitest';
import { type ChangeLent, createLentWindows } from '../../activities/lent-windows.ts';
import { Userid } from '../../domain/text/identifiers.ts';
import type { GuestRequest } from '../../workflows/guest-request.ts';
import type { PlannedChange } from '../../workflows/host-activities.ts';
import { isGivenBack, isLoan } from '../../workflows/loan.ts';

const REQUEST: GuestRequest = {
  ...{ id: 'wiring/0', runId: 'run', operation: { workflowId: 'wiring', firstRunId: 'run' }, acceptedAt: 1 },
  ...{ summary: 'wire', change: { kind: 'wirePorts', ports: [], live: false }, giveUpAfterMinutes: 1 },
  ...{ keepOnFailure: false, dryRun: false, reports: false, onlyIfFree: false, batch: { window: 'w', size: 2 } },
};
const BORROWER = { workflowId: 'wiring', runId: 'run', activityId: '1' };
const FOUND = { portIds: [], vswitches: [], vlans: [] };
const RESULT = { changed: false, steps: [], found: FOUND, ports: [], refused: [], liveVdevs: [] };
/** A guest on which nothing is to be done. */
const UNCHANGED = {
  ...{ kind: 'planned', steps: [], liveVdevs: [], affected: [], refused: [], plan: '0', readAt: 0 },
  ...{ desired: { ports: [], removed: [] }, before: { ports: [], removed: [] } },
} as unknown as PlannedChange & { kind: 'planned' };
const ANSWER = { id: 'wiring/0', runId: 'run', outcome: { kind: 'done' as const, result: RESULT } };

const NEVER = new AbortController().signal;
type Attempt = {
  attempt?: number;
  kept?: object;
  keep?: () => Promise<void>;
  stop?: AbortSignal;
  leave?: AbortSignal;
  isCancelled?: boolean;
};

/** Carry out a window of one guest; answers what its run was told, with how the word came, and the result or failure of the activity. */
async function carryOut(
  change: ChangeLent,
  { attempt = 1, kept, keep, stop = NEVER, leave = NEVER, isCancelled = false }: Attempt = {},
) {
  const told: unknown[] = [];
  const runs = {
    start: async () => ({ firstExecutionRunId: 'guest-run' }),
    signalWithStart: async (_type: string, { signal, signalArgs }: { signal: string; signalArgs: unknown[] }) =>
      void told.push({ by: 'start', signal, ...(signal === 'giveBack' ? { how: signalArgs[0] } : {}) }),
    getHandle: () => ({
      signal: async (signal: string, how: unknown) => void told.push({ by: 'signal', signal, how }),
      describe: async () => ({ raw: { workflowExtendedInfo: { cancelRequested: isCancelled } } }),
    }),
    list: async function* () {},
  };
  const client = { options: { namespace: 'default' }, workflow: runs };
  const { workflowId, runId, activityId } = BORROWER;
  const info = { attempt, activityId, workflowExecution: { workflowId, runId }, heartbeatDetails: kept };
  const context = { info, client } as unknown as Context;
  const windows = createLentWindows('zvm1', change);
  const requests = [{ userid: Userid.parse('LNX1'), request: REQUEST }];
  const [ended] = await Promise.allSettled([
    asyncLocalStorage.run(context, () =>
      windows.change({ host: 'zvm1', requests }, { stop, leave }, keep ?? (async () => undefined)),
    ),
  ]);
  return { told, ended };
}

const unchanged: ChangeLent = async () => UNCHANGED;
const givenBack = (how: object) => ({ by: 'start', signal: 'giveBack', how: expect.objectContaining(how) });

test('a guest with nothing left to do is given back as done once Temporal keeps its answer', async () => {
  const { told, ended } = await carryOut(unchanged);
  expect(told).toEqual([givenBack({ kind: 'done', requestId: 'wiring/0' })]);
  expect(ended).toMatchObject({ status: 'fulfilled', value: [{ id: 'wiring/0', outcome: { kind: 'done' } }] });
});

test('a guest is not given back as done by an attempt whose answer nobody takes any more', async () => {
  const stopping = new AbortController();
  const ends: ChangeLent = async () => {
    stopping.abort();
    return UNCHANGED;
  };
  const keep = () => Promise.reject(new Error('gone'));
  const { told, ended } = await carryOut(ends, { keep, stop: stopping.signal });
  expect(told).toContainEqual({ by: 'signal', signal: 'giveBack', how: { kind: 'untouched', requestId: 'wiring/0' } });
  expect(told).not.toContainEqual(givenBack({ kind: 'done' }));
  expect(ended).toMatchObject({ value: [] });
});

test('a window of a cancelled operation starts no run, and says that all is cancelled', async () => {
  const { told, ended } = await carryOut(unchanged, { isCancelled: true });
  expect(told).toEqual([]);
  expect(ended).toMatchObject({ value: [{ id: 'wiring/0', outcome: { kind: 'cancelled' } }] });
});

test('a second attempt withdraws what its operation does not want any more, before the guest goes on', async () => {
  const { told } = await carryOut(unchanged, { attempt: 2, isCancelled: true });
  expect(told).toMatchObject([{ signal: 'enqueue' }, { signal: 'withdraw', how: 'wiring/0' }, { signal: 'giveBack' }]);
});

test('a worker that stops leaves the guests to the next attempt', async () => {
  const { told, ended } = await carryOut(unchanged, { leave: AbortSignal.abort() });
  expect(told).toEqual([]);
  expect(ended).toMatchObject({ status: 'rejected', reason: { nonRetryable: false } });
});

test('a second attempt wakes a guest whose answer was kept, and gives the others back with their requests', async () => {
  const answered = await carryOut(unchanged, { attempt: 2, kept: { plans: {}, answers: [ANSWER] } });
  expect(answered).toMatchObject({ told: [givenBack({ kind: 'done' })], ended: { value: [ANSWER] } });
  const other = await carryOut(unchanged, { attempt: 2 });
  expect(other.told).toEqual([
    { by: 'start', signal: 'enqueue' },
    { by: 'signal', signal: 'giveBack', how: { kind: 'untouched', requestId: 'wiring/0' } },
  ]);
});

test('a failure of Temporal has the activity come again, which gives all guests back', async () => {
  const { ended, told } = await carryOut(unchanged, { keep: () => Promise.reject(new Error('busy')) });
  expect(ended).toMatchObject({ status: 'rejected', reason: { type: 'Error', nonRetryable: false } });
  expect(told).toEqual([]);
});

test('a guest run takes a loan of a guest of a window, and no other', () => {
  expect(isLoan({ request: REQUEST, borrower: BORROWER })).toBe(true);
  for (const request of [
    null,
    {},
    { ...REQUEST, batch: undefined },
    { ...REQUEST, batch: { window: 'w', size: 1 } },
    { ...REQUEST, dryRun: true },
    { ...REQUEST, acceptedAt: Number.NaN },
    { ...REQUEST, change: { kind: 'wirePorts', ports: [null], live: true } },
    { ...REQUEST, change: { kind: 'migrate' } },
  ])
    expect(isLoan({ request, borrower: BORROWER })).toBe(false);
  for (const borrower of [undefined, null, {}, { ...BORROWER, runId: 7 }, { ...BORROWER, activityId: '' }])
    expect(isLoan({ request: REQUEST, borrower })).toBe(false);
  for (const nothing of [undefined, null, 'x', [], {}]) expect(isLoan(nothing)).toBe(false);
});

test('a guest run takes the three ends of a loan, and no other', () => {
  for (const how of [{ kind: 'begun' }, { kind: 'untouched' }, { kind: 'done', result: RESULT }])
    expect(isGivenBack({ requestId: 'wiring/0', ...how })).toBe(true);
  for (const how of [
    ...[undefined, null, 'done', [], {}, { kind: 'begun' }, { kind: 'done', result: RESULT }],
    ...[
      { requestId: 7, kind: 'begun' },
      { requestId: 'x', kind: 'failed' },
      { requestId: 'x', kind: 'done' },
    ],
    { requestId: 'x', kind: 'done', result: { ...RESULT, found: { ...FOUND, portIds: [7] } } },
    { requestId: 'x', kind: 'done', result: { ...RESULT, steps: 'none' } },
  ])
    expect(isGivenBack(how)).toBe(false);
});
