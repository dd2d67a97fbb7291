import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { busyWorkers, holdHost, readControl, releaseHost } from '../../client/host-control.ts';
import { controlWorkflowId, guestWorkflowId } from '../../temporal-config/names.ts';
import { ZVM_OUTCOME } from '../../temporal-config/search-attributes.ts';
import { createEnvironment, type Environment, portId, vlan } from './environment.ts';
import { reconcileHost, startRun } from './start.ts';
import { startWorker } from './worker-of-its-own.ts';

const ANNA = { by: 'anna@ops', via: 'zvmnet', reason: 'CHG0012345: service of z/VM' } as const;
const SOON = { timeout: 90_000, interval: 200 };

let zvm: Environment;
beforeEach(async () => {
  zvm = await createEnvironment({ guests: 6 });
});
afterEach(() => zvm.close());

const port = (userid: string, number: number, segmentationId: number) => ({
  ...{ host: zvm.host, userid, portId: portId(number), vswitch: 'VSW1', network: vlan(segmentationId) },
});
const start = (userid: string, number: number, segmentationId: number) =>
  startRun(zvm.client, 'createPort', port(userid, number, segmentationId) as never);
const outcomeOf = async (workflowId: string) =>
  (await zvm.client.workflow.getHandle(workflowId).describe()).typedSearchAttributes.get(ZVM_OUTCOME);
const isHeld = (workflowId: string) => vi.waitUntil(async () => (await outcomeOf(workflowId)) === 'held', SOON);
const historyOf = async (workflowId: string) =>
  (await zvm.client.workflow.getHandle(workflowId).describe()).historyLength;

/** Calls that write, in order: SMAPI's functions, and changes of xCAT's tables. */
async function writes(since = 0): Promise<string[]> {
  const words = (value: unknown) => (Array.isArray(value) ? value.map(String) : []);
  return (await zvm.events(since)).flatMap((event) => {
    const [name = ''] = words(event.argv);
    if (event.type === 'smcli') return /Query|^Image_Status/.test(name) ? [] : [name];
    const isTable = event.type === 'http' && event.method !== 'GET' && !String(event.path).endsWith('/dsh');
    return isTable || event.type === 'makehosts' ? [String(event.path ?? event.type)] : [];
  });
}
const lastEvent = async () => (await zvm.events()).at(-1)?.seq ?? 0;
const tables = async () => JSON.stringify((await zvm.control('GET', 'snapshot')) as object);

async function signalsTo(workflowId: string): Promise<string[]> {
  const { events } = await zvm.client.workflow.getHandle(workflowId).fetchHistory();
  return (events ?? []).flatMap((event) => event.workflowExecutionSignaledEventAttributes?.signalName ?? []);
}

/** An administrator uncouples the guest's NICs. */
function uncouple(userid: string): void {
  const [system] = zvm.simulator.mn.systems;
  const guest = system?.guest(userid);
  for (const nic of guest?.nics ?? []) if (guest !== undefined) system?.uncouple(guest, nic, 'an administrator');
}

async function hold(): Promise<void> {
  await holdHost(zvm.client, zvm.host, ANNA);
  expect(await busyWorkers(zvm.client, zvm.host, 60_000)).toEqual([]);
}

test('a held host gets no write, while operations are accepted, plans are made and reconciliation reports', async () => {
  await zvm.run('attachNic', {
    userid: 'LNX10001',
    ports: [{ ...port('LNX10001', 1, 100), host: undefined, userid: undefined }],
  });
  await hold();
  const since = await lastEvent();
  const before = await tables();
  const first = await start('LNX10002', 2, 101);
  const second = await startRun(zvm.client, 'changeVlan', {
    ...{ host: zvm.host, userid: 'LNX10002', portId: portId(2), network: vlan(102) },
  } as never);
  const vswitch = await startRun(zvm.client, 'ensureVswitch', { host: zvm.host, vswitch: 'VSW1' } as never);
  await Promise.all([isHeld(first.workflowId), isHeld(vswitch.workflowId)]);
  const details = (await first.query('__temporal_workflow_metadata')) as { currentDetails: string };
  expect(details.currentDetails).toContain('is held by anna@ops: CHG0012345: service of z/VM');
  const planned = await zvm.run('createPort', { ...port('LNX10002', 3, 101), vswitch: 'VSW2', dryRun: true });
  expect(planned).toMatchObject({ dryRun: true, changed: false });
  expect(planned.steps.length).toBeGreaterThan(1);
  expect(await writes(since)).toEqual([]);
  expect(await tables()).toBe(before);

  uncouple('LNX10001');
  const report = await reconcileHost(zvm, undefined, {});
  expect(report).toMatchObject({ drifted: 1, repaired: 0, reportsOnly: { why: 'held' } });
  expect(await writes(since)).toEqual([]);

  await releaseHost(zvm.client, zvm.host, ANNA);
  await Promise.all([first.result(), second.result(), vswitch.result()]);
  expect((await zvm.guest('LNX10002')).rows.map((row) => row.vlan)).toEqual(['102']);
  expect(await readControl(zvm.client, zvm.host)).not.toHaveProperty('hold');
});

test('operations of a held guest wait without events, and are carried out in order at the release', async () => {
  await hold();
  const runs = [];
  runs.push(await start('LNX10001', 1, 100));
  await isHeld(runs[0]?.workflowId ?? '');
  for (const segmentationId of [201, 202, 203])
    runs.push(
      await startRun(zvm.client, 'changeVlan', {
        ...{ host: zvm.host, userid: 'LNX10001', portId: portId(1), network: vlan(segmentationId) },
      } as never),
    );
  const guest = guestWorkflowId(zvm.host, 'LNX10001');
  const queue = () => zvm.client.workflow.getHandle(guest).query<{ waiting: string[] }>('queue');
  await vi.waitUntil(async () => (await queue()).waiting.length === 4, SOON);
  expect((await queue()).waiting).toEqual(runs.map((run) => run.workflowId));
  const before = await historyOf(guest);
  await sleep(5_000);
  expect(await historyOf(guest)).toBe(before);
  await releaseHost(zvm.client, zvm.host, ANNA);
  await Promise.all(runs.map((run) => run.result()));
  expect((await zvm.guest('LNX10001')).rows.map((row) => row.vlan)).toEqual(['203']);
});

test('a held operation is cancelled at once, and nothing was written', async () => {
  await hold();
  const since = await lastEvent();
  const first = await start('LNX10001', 1, 100);
  await isHeld(first.workflowId);
  await first.cancel();
  await expect(first.result()).rejects.toThrow();
  expect((await first.describe()).status.name).toBe('CANCELLED');
  expect(await writes(since)).toEqual([]);
});

test('a hold ends by itself at its time', async () => {
  await holdHost(zvm.client, zvm.host, ANNA, new Date(Date.now() + 8_000));
  const first = await start('LNX10001', 1, 100);
  await isHeld(first.workflowId);
  expect(await first.result()).toMatchObject({ changed: true });
});

test('a hold in the middle of an operation lets its step end and begins no other, and the operation goes on at the release', async () => {
  const rows = await zvm.hold([
    { method: 'PUT', path: '/tables/switch' },
    { method: 'PUT', path: '/dsh', command: 'tabch' },
  ]);
  const first = await start('LNX10001', 1, 100);
  await rows.reached();
  await holdHost(zvm.client, zvm.host, ANNA);
  expect(await busyWorkers(zvm.client, zvm.host, 2_000)).toHaveLength(1);
  await rows.release();
  expect(await busyWorkers(zvm.client, zvm.host, 60_000)).toEqual([]);
  await isHeld(first.workflowId);
  const { rows: recorded, granted } = await zvm.guest('LNX10001');
  expect(recorded).toHaveLength(1);
  expect(granted).toEqual({});
  const since = await lastEvent();
  await sleep(3_000);
  expect(await writes(since)).toEqual([]);
  await releaseHost(zvm.client, zvm.host, ANNA);
  expect(await first.result()).toMatchObject({ changed: true });
  expect((await zvm.guest('LNX10001')).granted).toEqual({ VSW1: [100] });
});

test('an operation that is cancelled in the middle of its steps is rolled back at the release, and nothing is written before', async () => {
  const rows = await zvm.hold([
    { method: 'PUT', path: '/tables/switch' },
    { method: 'PUT', path: '/dsh', command: 'tabch' },
  ]);
  const first = await start('LNX10001', 1, 100);
  await rows.reached();
  await holdHost(zvm.client, zvm.host, ANNA);
  await rows.release();
  await isHeld(first.workflowId);
  const since = await lastEvent();
  await first.cancel();
  await vi.waitUntil(async () => (await signalsTo(guestWorkflowId(zvm.host, 'LNX10001'))).includes('withdraw'), SOON);
  expect(await writes(since)).toEqual([]);
  await releaseHost(zvm.client, zvm.host, ANNA);
  await expect(first.result()).rejects.toThrow();
  expect((await zvm.guest('LNX10001')).rows).toEqual([]);
});

test('a bulk operation that a hold stops in its middle says so, and wires the rest at the release', async () => {
  const directory = await zvm.hold({ method: 'PUT', path: '/dsh', command: '_DM' });
  const ports = [1, 2, 3, 4, 5, 6].map((number) => {
    const { host: _host, ...of } = port(`LNX1000${number}`, number, 100);
    return of;
  });
  const bulk = await startRun(zvm.client, 'wirePorts', { host: zvm.host, ports } as never);
  await directory.reached();
  await holdHost(zvm.client, zvm.host, ANNA);
  await directory.release();
  expect(await busyWorkers(zvm.client, zvm.host, 60_000)).toEqual([]);
  await isHeld(bulk.workflowId);
  const since = await lastEvent();
  await sleep(3_000);
  expect(await writes(since)).toEqual([]);
  await releaseHost(zvm.client, zvm.host, ANNA);
  expect(await bulk.result()).toMatchObject({ wired: 6, failed: 0 });
});

test('a worker that starts while its host is held holds it, and drains it at the release', {
  timeout: 300_000,
}, async (context) => {
  const environment = await createEnvironment({ guests: 4 }, false);
  context.onTestFinished(() => environment.close());
  const { client, host } = environment;
  const worker = await startWorker(environment, context);
  await holdHost(client, host, ANNA);
  const input = { host, userid: 'LNX10001', portId: portId(1), vswitch: 'VSW1', network: vlan(100) };
  const first = await startRun(client, 'createPort', input as never);
  await isHeld(first.workflowId);
  const killed = once(worker, 'exit');
  worker.kill('SIGKILL');
  await killed;
  const second = await startRun(client, 'createPort', { ...input, userid: 'LNX10002', portId: portId(2) } as never);
  await startWorker(environment, context);
  await isHeld(second.workflowId);
  expect((await environment.guest('LNX10001')).rows).toEqual([]);
  await releaseHost(client, host, ANNA);
  await Promise.all([first.result(), second.result()]);
  expect((await environment.guest('LNX10002')).granted).toEqual({ VSW1: [100] });
});

test('a hold outlasts the end of its control run', async () => {
  await hold();
  const control = zvm.client.workflow.getHandle(controlWorkflowId(zvm.host));
  const { runId } = await control.describe();
  await control.terminate('by mistake');
  await vi.waitUntil(async () => (await control.describe()).runId !== runId, SOON);
  expect((await readControl(zvm.client, zvm.host)).hold).toMatchObject({ by: ANNA.by });
  const first = await start('LNX10001', 1, 100);
  await isHeld(first.workflowId);
  await releaseHost(zvm.client, zvm.host, ANNA);
  await first.result();
});
