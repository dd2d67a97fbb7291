import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { followOperation } from '../../client/follow-operation.ts';
import { localTarget } from '../../client/temporal-connection.ts';
import { taskQueueOf } from '../../domain/host/host.ts';
import { runWorkers } from '../../runtime/host/run-workers.ts';
import { createLogger } from '../../runtime/process/logging.ts';
import { guestWorkflowId, operationIdOf } from '../../temporal-config/names.ts';
import { ZVM_OUTCOME } from '../../temporal-config/search-attributes.ts';
import { bundledWorkflows } from '../bundled-workflows.ts';
import { createEnvironment, type Environment, failureOf, laterThanNow, portId, vlan } from './environment.ts';
import { lateWord } from './late-word.ts';
import { startRun } from './start.ts';

const GRANT = { command: 'Virtual_Network_Vswitch_Set_Extended' };
const READING = { command: 'Virtual_Network_Vswitch_Query' };
let zvm: Environment;
let number = 500;
beforeAll(async () => {
  zvm = await createEnvironment({ guests: 40 });
});
afterAll(() => zvm.close());

const guestRun = (userid: string) => zvm.client.workflow.getHandle(`guest/${zvm.host}/${userid}`);
const outcomeOf = async (id: string) =>
  (await zvm.client.workflow.getHandle(id).describe()).typedSearchAttributes.get(ZVM_OUTCOME);
const hasOutcome = (id: string, outcome: string) => expect.poll(() => outcomeOf(id)).toBe(outcome);

async function createPort(userid: string, segmentationId = 100): Promise<string> {
  number += 1;
  const id = portId(number);
  await zvm.run('createPort', { userid, portId: id, vswitch: 'VSW1', network: vlan(segmentationId) });
  return id;
}

function changeVlan(userid: string, id: string, segmentationId: number) {
  const request = { host: zvm.host, userid, portId: id, network: vlan(segmentationId) };
  return startRun(zvm.client, 'changeVlan', request as never);
}

test('operations that were accepted while no worker ran are carried out in the order of acceptance, whichever comes first', async () => {
  const environment = await createEnvironment({ guests: 12 }, false);
  const { client, host, configuration } = environment;
  const userids = Array.from({ length: 12 }, (_, index) => `LNX100${String(index + 1).padStart(2, '0')}`);
  const target = localTarget(inject('temporalAddress'), inject('temporalNamespace'));
  const ask = (userid: string, index: number, segmentationId: number) =>
    client.workflow.start(index === 0 ? 'createPort' : 'changeVlan', {
      taskQueue: taskQueueOf(host),
      workflowId: `word/${host}/${userid}/${index}`,
      args: [
        {
          ...{ host, userid, portId: portId(userids.indexOf(userid) + 1), network: vlan(segmentationId) },
          ...(index === 0 ? { vswitch: 'VSW1' } : {}),
        },
      ],
    });
  const runs = [];
  for (const [index, segmentationId] of [100, 201, 202, 203].entries()) {
    runs.push(...(await Promise.all(userids.map((userid) => ask(userid, index, segmentationId)))));
    await laterThanNow();
  }
  const workers = await runWorkers([configuration], target, createLogger('silent'), undefined, undefined, {
    bundle: await bundledWorkflows(),
  });
  try {
    await Promise.all(runs.map((run) => run.result()));
    const granted = await Promise.all(userids.map(async (userid) => (await environment.guest(userid)).granted));
    expect(granted).toEqual(userids.map(() => ({ VSW1: [203] })));
  } finally {
    await workers.stop();
    await environment.close();
  }
});

test('an earlier word that arrives after a later one was carried out is refused, and says by which', async () => {
  const id = await createPort('LNX10001');
  const late = await lateWord(zvm, 'LNX10001', 'changeVlan', { portId: id, network: vlan(301) });
  const later = await changeVlan('LNX10001', id, 302);
  await later.result();
  expect(await late.arrives()).toBe('refused');
  expect((await zvm.guest('LNX10001')).granted).toEqual({ VSW1: [302] });
});

test.each(['createPort', 'wirePorts'] as const)(
  'a later word (%s) stands against an earlier one, also when the guest run that carried it out was terminated since',
  async (type) => {
    const [userid, other] = type === 'createPort' ? ['LNX10037', 'LNX10036'] : ['LNX10038', 'LNX10039'];
    const port = { portId: portId(type === 'createPort' ? 495 : 496), vswitch: 'VSW1', network: vlan(302) };
    const late = await lateWord(zvm, userid, 'createPort', { ...port, network: vlan(301) });
    const held = await zvm.hold(GRANT, 'after');
    const others = { ...port, userid: other, portId: portId(497) };
    const asked = type === 'createPort' ? { userid, ...port } : { ports: [{ userid, ...port }, others] };
    const later = await startRun(zvm.client, type, { host: zvm.host, ...asked } as never);
    await held.reached();
    const next = { host: zvm.host, userid, portId: portId(498), vswitch: 'VSW2', network: vlan(100) };
    const waiting = await startRun(zvm.client, 'createPort', next as never);
    await hasOutcome(waiting.workflowId, 'waiting');
    const heldAgain = await zvm.hold(GRANT, 'before');
    await held.release();
    await later.result();
    await heldAgain.reached();
    await guestRun(userid).terminate('by an operator');
    await heldAgain.release();
    expect(await failureOf(waiting.result())).toMatchObject({ message: /was terminated/ });
    expect(await late.arrives()).toBe('refused');
    expect((await zvm.guest(userid)).granted).toMatchObject({ VSW1: [302] });
  },
);

test('a waiting operation says for whom it waits, and costs no events while it does', async () => {
  const id = await createPort('LNX10002');
  const held = await zvm.hold(READING);
  const first = await changeVlan('LNX10002', id, 201);
  await held.reached();
  const second = await changeVlan('LNX10002', id, 202);
  await hasOutcome(second.workflowId, 'waiting');
  const answer = (await second.query('__temporal_workflow_metadata')) as { currentDetails: string };
  expect(answer.currentDetails).toContain(first.workflowId);
  const events = async () => (await second.describe()).historyLength;
  const before = await events();
  await sleep(5_000);
  expect(await events()).toBe(before);
  await held.release();
  await Promise.all([first.result(), second.result()]);
  expect((await zvm.guest('LNX10002')).granted).toEqual({ VSW1: [202] });
});

test('a guest run that is terminated before it has touched z/VM loses nothing: all of its operations are carried out', async () => {
  const id = await createPort('LNX10003');
  const held = await zvm.hold(READING);
  const first = await changeVlan('LNX10003', id, 201);
  await held.reached();
  const second = await changeVlan('LNX10003', id, 202);
  await hasOutcome(second.workflowId, 'waiting');
  await guestRun('LNX10003').terminate('by an operator');
  await held.release();
  expect([await first.result(), await second.result()]).toMatchObject([{ changed: true }, { changed: true }]);
  expect((await zvm.guest('LNX10003')).granted).toEqual({ VSW1: [202] });
});

test('a guest run that is terminated half-way tells the operation in progress, and those that wait are carried out', async () => {
  const id = await createPort('LNX10010');
  const held = await zvm.hold(GRANT, 'after');
  const first = await changeVlan('LNX10010', id, 201);
  await held.reached();
  const second = await changeVlan('LNX10010', id, 202);
  await hasOutcome(second.workflowId, 'waiting');
  await guestRun('LNX10010').terminate('by an operator');
  await held.release();
  expect(await failureOf(first.result())).toMatchObject({
    type: 'StepFailed',
    message: /its guest run .* was terminated/,
  });
  expect(await second.result()).toMatchObject({ changed: true });
  expect((await zvm.guest('LNX10010')).granted).toEqual({ VSW1: [202] });
});

test('an operation that is terminated leaves the guest as it was, and the next one follows', async () => {
  const id = await createPort('LNX10004');
  const held = await zvm.hold(GRANT, 'after');
  const first = await changeVlan('LNX10004', id, 201);
  await held.reached();
  const second = await startRun(zvm.client, 'setAdminState', {
    ...{ host: zvm.host, userid: 'LNX10004', portId: id },
    adminStateUp: true,
  } as never);
  await hasOutcome(second.workflowId, 'waiting');
  await first.terminate('by an operator');
  await sleep(21_000);
  await held.release();
  await second.result();
  expect((await zvm.guest('LNX10004')).granted).toEqual({ VSW1: [100] });
});

test('a terminated operation that waits is never carried out', async () => {
  const id = await createPort('LNX10005');
  const held = await zvm.hold(READING);
  const first = await changeVlan('LNX10005', id, 201);
  await held.reached();
  const second = await changeVlan('LNX10005', id, 202);
  await hasOutcome(second.workflowId, 'waiting');
  await second.terminate('by an operator');
  await held.release();
  await first.result();
  await guestRun('LNX10005').result();
  expect((await zvm.guest('LNX10005')).granted).toEqual({ VSW1: [201] });
});

/** How often the guest's run was asked for something. */
async function timesAsked(userid: string): Promise<number> {
  const { events } = await zvm.client.workflow.getHandle(guestWorkflowId(zvm.host, userid)).fetchHistory();
  return (events ?? []).filter((event) => event.workflowExecutionSignaledEventAttributes?.signalName === 'enqueue')
    .length;
}

test('an operation in progress that is reset goes on, and its URL follows it', async () => {
  const id = await createPort('LNX10006');
  const held = await zvm.hold(READING);
  const run = await changeVlan('LNX10006', id, 201);
  await held.reached();
  const asked = await timesAsked('LNX10006');
  await reset(run.workflowId, run.firstExecutionRunId);
  // Its new run has asked again: what is in progress is answered to that one.
  await expect.poll(() => timesAsked('LNX10006')).toBeGreaterThan(asked);
  await held.release();
  const begun = { id: operationIdOf(run.workflowId), runId: run.firstExecutionRunId };
  const details = await followOperation(zvm.client, begun, undefined, () => undefined, new AbortController().signal);
  expect(details).toMatchObject({ state: 'completed', outcome: 'changed' });
  expect((await zvm.guest('LNX10006')).granted).toEqual({ VSW1: [201] });
});

test('an operation that ended well and is reset is refused while a later word on its port stands', async () => {
  const id = await createPort('LNX10007');
  const first = await changeVlan('LNX10007', id, 201);
  await first.result();
  await (await changeVlan('LNX10007', id, 202)).result();
  await reset(first.workflowId, first.firstExecutionRunId);
  const again = zvm.client.workflow.getHandle(first.workflowId);
  expect(await failureOf(again.result())).toMatchObject({ type: 'Refused', message: /a later operation on port/ });
  expect((await zvm.guest('LNX10007')).granted).toEqual({ VSW1: [202] });
});

test('an operation that is reset to a point after its answer asks again, and is refused while a later word stands', async () => {
  const id = await createPort('LNX10011');
  const first = await changeVlan('LNX10011', id, 201);
  await first.result();
  await (await changeVlan('LNX10011', id, 202)).result();
  await reset(first.workflowId, first.firstExecutionRunId, 'last');
  const again = zvm.client.workflow.getHandle(first.workflowId);
  expect(await failureOf(again.result())).toMatchObject({ type: 'Refused', message: /a later operation on port/ });
  expect((await zvm.guest('LNX10011')).granted).toEqual({ VSW1: [202] });
});

test('an operation that is reset to a point after its answer, and whose word is the last, ends as unchanged', async () => {
  const id = await createPort('LNX10012');
  const only = await changeVlan('LNX10012', id, 201);
  await only.result();
  await reset(only.workflowId, only.firstExecutionRunId, 'last');
  expect(await zvm.client.workflow.getHandle(only.workflowId).result()).toMatchObject({ changed: false });
  expect((await zvm.guest('LNX10012')).granted).toEqual({ VSW1: [201] });
});

/** Temporal's Reset to the first workflow task of a run, or to the last one, which has the answer. */
async function reset(workflowId: string, runId: string, point: 'first' | 'last' = 'first'): Promise<void> {
  const { events } = await zvm.client.workflow.getHandle(workflowId, runId).fetchHistory();
  const tasks = (events ?? []).filter((event) => event.workflowTaskCompletedEventAttributes);
  const first = tasks.at(point === 'first' ? 0 : -1);
  await zvm.client.workflowService.resetWorkflowExecution({
    namespace: zvm.client.options.namespace,
    workflowExecution: { workflowId, runId },
    reason: 'a test',
    requestId: `${workflowId}/${runId}`,
    ...(first?.eventId ? { workflowTaskFinishEventId: first.eventId } : {}),
  });
}

test('a step that z/VM calls done already and a reading shows as not done is not tried without end', async () => {
  const alreadyThere = { kind: 'smapi', function: 'Virtual_Network_Adapter_Create_Extended_DM', rc: 404, rs: 4 };
  const { id } = (await zvm.control('POST', 'faults', { action: { ...alreadyThere, userid: 'LNX10008' } })) as {
    id: string;
  };
  const update = { ...alreadyThere, function: 'Image_Definition_Update_DM', userid: 'LNX10008' };
  const other = (await zvm.control('POST', 'faults', { action: update })) as { id: string };
  const before = (await zvm.events()).length;
  const failure = await failureOf(
    zvm.run('createPort', { userid: 'LNX10008', portId: portId(900), vswitch: 'VSW1', network: vlan(100) }),
  );
  expect(failure).toMatchObject({ type: 'StepFailed', message: /another device or definition has the number/ });
  const calls = (await zvm.events()).slice(before).filter(({ type }) => type === 'smcli' || type === 'command');
  const times = calls.map(({ time }) => Date.parse(String(time)));
  expect(times.filter((time) => time - Math.min(...times) < 30_000).length).toBeLessThan(20);
  for (const fault of [id, other.id]) await zvm.control('DELETE', `faults/${fault}`);
  expect(await zvm.guest('LNX10008')).toMatchObject({ rows: [], granted: {} });
});

test('more signals than Temporal takes in a run do not stop the guest', async () => {
  const id = await createPort('LNX10009');
  const held = await zvm.hold(READING);
  const run = await changeVlan('LNX10009', id, 201);
  await held.reached();
  const guest = guestRun('LNX10009');
  for (let sent = 0; sent < 2_000; sent += 200)
    await Promise.all(Array.from({ length: 200 }, (_, index) => guest.signal('withdraw', `unknown/${sent + index}`)));
  const second = await changeVlan('LNX10009', id, 202);
  await hasOutcome(second.workflowId, 'waiting');
  await held.release();
  await Promise.all([run.result(), second.result()]);
  expect((await zvm.guest('LNX10009')).granted).toEqual({ VSW1: [202] });
});
