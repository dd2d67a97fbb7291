import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { taskQueueOf } from '../../domain/host/host.ts';
import { guestWorkflowId } from '../../temporal-config/names.ts';
import * as workflows from '../../workflows/index.ts';
import { createEnvironment, type Environment, failureOf, portId, vlan } from './environment.ts';
import { startRun } from './start.ts';

const NONSENSE: readonly unknown[][] = [
  [],
  [null],
  [{}],
  [[]],
  [0],
  ['x'.repeat(5_000)],
  [{ host: null, userid: 7 }],
  [{ host: 'h', userid: 'LNX10001' }, { waiting: 'x' }],
  [{ host: 'h', userid: 'LNX10001', change: { kind: 'unknown' } }, null],
  [{ portIds: 'x', networkIds: null }, 1, 2, 3],
  [[null, 7, { id: 'x', outcome: { kind: 'done' } }]],
  [{ host: 'h', userid: 'LNX10001', lent: { request: { id: 'x' }, borrower: null } }],
  [{ requestId: 'x', kind: 'done', result: { steps: 7 } }],
  [{ requestId: 'x', kind: 'begun' }],
  [{ requestId: 'x', kind: 'untouched' }],
];
const SIGNALS = [
  'enqueue',
  'withdraw',
  'abandon',
  'giveBack',
  'released',
  'answer',
  'answers',
  'standing',
  'guestLost',
  'neutronNews',
  'awaitTurn',
  'nosuch',
];
const REQUESTS: readonly unknown[] = [
  { id: 'x', runId: 'x', operation: { workflowId: 'w', firstRunId: 'f' }, acceptedAt: Number.NaN },
  {
    ...{ id: 'x', runId: 'x', operation: { workflowId: 'w', firstRunId: 'f' }, acceptedAt: 1, summary: 's' },
    ...{ giveUpAfterMinutes: 1, keepOnFailure: false, dryRun: false, reports: false, onlyIfFree: false },
    change: { kind: 'wirePorts', ports: [null], live: true },
  },
];

let zvm: Environment;
beforeAll(async () => {
  zvm = await createEnvironment();
});
afterAll(() => zvm.close());

const failedTasks = async (workflowId: string, runId?: string) => {
  const { events } = await zvm.client.workflow.getHandle(workflowId, runId).fetchHistory();
  return (events ?? []).filter((event) => event.workflowTaskFailedEventAttributes).length;
};

test.each(Object.keys(workflows))('%s that is started with nonsense ends, and fails no workflow task', async (type) => {
  const runs = await Promise.all(
    NONSENSE.map((args) =>
      zvm.client.workflow.start(type, {
        taskQueue: taskQueueOf(zvm.host),
        workflowId: `nonsense/${zvm.host}/${type}/${randomUUID()}`,
        args,
      }),
    ),
  );
  await Promise.allSettled(runs.map((run) => run.result()));
  const states = await Promise.all(runs.map(async (run) => (await run.describe()).status.name));
  expect(states.filter((state) => state !== 'FAILED' && state !== 'COMPLETED')).toEqual([]);
  expect(await Promise.all(runs.map((run) => failedTasks(run.workflowId)))).toEqual(runs.map(() => 0));
});

test('signals of nonsense to an operation and to its guest are dropped, and both go on', async () => {
  const held = await zvm.hold({ command: 'Virtual_Network_Vswitch_Query' });
  const request = { host: zvm.host, userid: 'LNX10002', portId: portId(1), vswitch: 'VSW1', network: vlan(100) };
  const operation = await startRun(zvm.client, 'createPort', request as never);
  await held.reached();
  const guest = zvm.client.workflow.getHandle(`guest/${zvm.host}/LNX10002`);
  for (const run of [operation, guest])
    for (const signal of SIGNALS)
      for (const args of [...NONSENSE, ...REQUESTS.map((each) => [each])]) await run.signal(signal, ...args);
  await held.release();
  expect(await operation.result()).toMatchObject({ changed: true });
  await guest.result();
  expect([await failedTasks(operation.workflowId), await failedTasks(guest.workflowId)]).toEqual([0, 0]);
});

test('a signal in an unknown encoding is dropped', async () => {
  const held = await zvm.hold({ command: 'Virtual_Network_Vswitch_Query' });
  const request = { host: zvm.host, userid: 'LNX10003', portId: portId(2), vswitch: 'VSW1', network: vlan(100) };
  const operation = await startRun(zvm.client, 'createPort', request as never);
  await held.reached();
  const guest = `guest/${zvm.host}/LNX10003`;
  const metadata = { encoding: Buffer.from('binary/unknown') };
  for (const signalName of ['enqueue', 'withdraw'])
    await zvm.client.workflowService.signalWorkflowExecution({
      namespace: zvm.client.options.namespace,
      workflowExecution: { workflowId: guest },
      signalName,
      input: { payloads: [{ metadata, data: Buffer.from('?') }] },
    });
  await held.release();
  expect(await operation.result()).toMatchObject({ changed: true });
  expect(await failedTasks(guest)).toBe(0);
});

test('queries of nonsense are answered, and change nothing', async () => {
  const run = await zvm.client.workflow.start('convergeGuest', {
    taskQueue: taskQueueOf(zvm.host),
    workflowId: `guest/${zvm.host}/LNX10004`,
    args: [{ host: zvm.host, userid: 'LNX10004' }],
  });
  await run.result();
  expect(await run.query('queue', null, { x: 1 })).toEqual({ waiting: [] });
});

const BY_HAND = {
  ...{ id: 'by-hand/0', runId: 'x', operation: { workflowId: 'by-hand', firstRunId: 'x' }, acceptedAt: 1 },
  ...{ summary: 'by hand', change: { kind: 'wirePorts', ports: [], live: false }, giveUpAfterMinutes: 1 },
  ...{ keepOnFailure: false, dryRun: false, reports: false, onlyIfFree: false, batch: { window: 'w', size: 2 } },
};

test.each([
  ['a Run ID of nobody', crypto.randomUUID()],
  ['a malformed Run ID', 'nobody'],
])('a guest that is lent by hand to %s is taken back by its run', async (_whom, runId) => {
  const userid = 'LNX10005';
  const lent = { request: BY_HAND, borrower: { workflowId: 'by-hand', runId, activityId: '1' } };
  const run = await zvm.client.workflow.start('convergeGuest', {
    taskQueue: taskQueueOf(zvm.host),
    workflowId: guestWorkflowId(zvm.host, userid),
    args: [{ host: zvm.host, userid, lent }],
  });
  expect(await run.result()).toMatchObject({ requests: [{ outcome: 'cancelled' }] });
});

test.each([
  ['a loan of nothing', {}],
  ['a borrower of no name', { request: BY_HAND, borrower: { workflowId: '', runId: 'x', activityId: '1' } }],
  ['a guest of no window', { request: { ...BY_HAND, batch: undefined }, borrower: {} }],
])('a guest run that is started by hand with %s is refused, and says that it is the loan', async (_what, lent) => {
  const userid = 'LNX10005';
  const run = await zvm.client.workflow.start('convergeGuest', {
    taskQueue: taskQueueOf(zvm.host),
    workflowId: guestWorkflowId(zvm.host, userid),
    args: [{ host: zvm.host, userid, lent }],
  });
  expect(await failureOf(run.result())).toMatchObject({ type: 'Refused', details: [[{ field: 'lent' }]] });
});
