import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import type { Client } from '@temporalio/client';
import { DefaultLogger } from '@temporalio/worker';
import { pino } from 'pino';
import { expect, inject, onTestFinished, test } from 'vitest';
import { createClosedSchedules, deleteRuns, idleRunsBefore } from '../../activities/idle-runs.ts';
import { describeHost, hostNames } from '../../client/known-hosts.ts';
import { connectClient, localTarget, type TemporalTarget } from '../../client/temporal-connection.ts';
import type { HostConfiguration } from '../../configuration/load.ts';
import { embeddedHosts } from '../../demo/embedded-hosts.ts';
import { taskQueueOf } from '../../domain/host/host.ts';
import { runWorkers } from '../../runtime/host/run-workers.ts';
import { startSimulator } from '../../simulator/simulator.ts';
import { freePorts } from '../../temporal-config/dev-server/free-ports.ts';
import { findTemporalServer, startTemporalServer } from '../../temporal-config/dev-server/temporal-server.ts';
import { reconcileScheduleId, scheduleWorkflowId } from '../../temporal-config/names.ts';
import { bundledWorkflows } from '../bundled-workflows.ts';

const TIMES = { intervalSeconds: 3_600, sweepSeconds: 3_600 };
/** Restoring may take a minute, and longer on a loaded machine. */
const SOON = { timeout: 120_000, interval: 500 };

const ofTests = () => localTarget(inject('temporalAddress'), inject('temporalNamespace'));

async function clientOf(target: TemporalTarget) {
  const { client, close } = await connectClient(target);
  onTestFinished(close);
  return client;
}

async function simulatedHost(host = `zvm-${randomUUID().slice(0, 8)}`): Promise<HostConfiguration> {
  const simulator = await startSimulator({ hosts: 1, guests: 2, release: '6.3' });
  onTestFinished(() => simulator.close());
  const [embedded] = embeddedHosts(simulator.url, 1);
  if (embedded === undefined) throw new Error('no host');
  return { ...embedded, host };
}

/** Workers that end with the test, and their log. */
async function start(
  host: HostConfiguration | HostConfiguration[],
  target = ofTests(),
  times: typeof TIMES | undefined = undefined,
) {
  const lines: string[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  const workers = await runWorkers([host].flat(), target, pino({ level: 'info' }, stream), times, undefined, {
    bundle: await bundledWorkflows(),
  });
  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= workers.stop();
    return stopping;
  };
  onTestFinished(stop);
  return { stopped: workers.stopped, stop, said: () => lines.join('') };
}

const isThere = (client: Client, host: string) =>
  expect.poll(async () => (await describeHost(client, host)).workers, SOON).toBe(1);

test('a deleted Schedule is made again by the worker, which says so', async () => {
  const { host, ...rest } = await simulatedHost();
  const client = await clientOf(ofTests());
  const { said } = await start({ host, ...rest }, ofTests(), TIMES);
  onTestFinished(() => client.schedule.getHandle(reconcileScheduleId(host)).delete());
  await client.schedule.getHandle(reconcileScheduleId(host)).delete();
  await expect.poll(said, SOON).toContain('Schedule of reconciliation was missing: created again');
  expect((await describeHost(client, host)).reconciliation).toMatchObject({ paused: false, everySeconds: 3_600 });
});

test('a host without a Schedule is known by its worker', async () => {
  const configuration = await simulatedHost();
  const client = await clientOf(ofTests());
  await start(configuration);
  await expect.poll(() => hostNames(client), SOON).toContain(configuration.host);
});

test('the hosts of one process are known, each of them', async () => {
  const hosts = [await simulatedHost(), await simulatedHost()];
  const client = await clientOf(ofTests());
  await start(hosts);
  await expect.poll(() => hostNames(client), SOON).toEqual(expect.arrayContaining(hosts.map(({ host }) => host)));
});

test('a server that knows no versions of workers has workers without one, and the log says so', async () => {
  const say = () => {};
  const found = await findTemporalServer({ say, env: { ...process.env, TEMPORAL_ADDRESS: '' } });
  if (found.kind === 'external') throw new Error('a server that is not of this test');
  const dynamicConfig = [{ key: 'system.enableDeploymentVersions', value: false }];
  const server = await startTemporalServer({ binary: found.path, dynamicConfig, say });
  onTestFinished(() => server.stop());
  const target = localTarget(server.address, server.namespace);
  const { host, ...rest } = await simulatedHost();
  const { said } = await start({ host, ...rest }, target);
  expect(said()).toContain('has no worker versioning');
  const reading = await (await clientOf(target)).workflow.start('listVswitches', {
    ...{ taskQueue: taskQueueOf(host), workflowId: `list-vswitches/${host}`, args: [{ host }] },
  });
  expect((await reading.result()).vswitches.length).toBeGreaterThan(0);
});

test('the workers of a server whose database is new make their Schedules again', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'new-database-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const say = () => {};
  const found = await findTemporalServer({ say, env: { ...process.env, TEMPORAL_ADDRESS: '' } });
  if (found.kind === 'external') throw new Error('a server that is not of this test');
  const [port = 0, uiPort = 0] = await freePorts(2);
  const onDatabase = (name: string) =>
    startTemporalServer({ binary: found.path, port, uiPort, databaseFile: join(folder, name), say });
  const first = await onDatabase('first.db');
  const target = localTarget(first.address, first.namespace);
  const configuration = await simulatedHost();
  const { said } = await start(configuration, target, TIMES);
  await first.stop();
  const second = await onDatabase('second.db');
  onTestFinished(() => second.stop());
  const client = await clientOf(target);
  await expect.poll(said, SOON).toContain('created again');
  await expect.poll(() => hostNames(client), SOON).toContain(configuration.host);
  const handle = client.schedule.getHandle(reconcileScheduleId(configuration.host));
  await handle.trigger();
  await expect.poll(async () => (await handle.describe()).info.recentActions.length, SOON).toBeGreaterThan(0);
  const run = (await handle.describe()).info.recentActions.at(-1)?.action.workflow;
  expect(await client.workflow.getHandle(run?.workflowId ?? '').result()).toMatchObject({ failed: 0 });
});

test('a second worker of a host that works on another z/VM system does not run, and names both', async () => {
  const first = await simulatedHost();
  const second = await simulatedHost(first.host);
  await start(first);
  await isThere(await clientOf(ofTests()), first.host);
  await expect(start(second)).rejects.toThrow(
    expect.objectContaining({
      name: 'HostTaken',
      message: expect.stringMatching(
        new RegExp(
          `${first.host} has a worker for another z/VM system already.*zHCP zhcp1 of xCAT ${first.xcat?.url} .*${second.xcat?.url}`,
        ),
      ),
    }),
  );
  const otherZhcp = { ...first, zhcpNode: 'zhcp2' };
  await expect(start(otherZhcp)).rejects.toThrow(/zHCP zhcp1 of .*zHCP zhcp2 of/);
});

test('a second worker of a host on the same z/VM system runs beside the first', async () => {
  const configuration = await simulatedHost();
  const client = await clientOf(ofTests());
  await start(configuration);
  await start(configuration);
  await expect.poll(async () => (await describeHost(client, configuration.host)).workers, SOON).toBe(2);
});

test('a worker whose predecessor on another management node has ended runs', async () => {
  const first = await simulatedHost();
  const second = await simulatedHost(first.host);
  const client = await clientOf(ofTests());
  const { stop } = await start(first);
  await isThere(client, first.host);
  await stop();
  await start(second);
});

test('of two that start at the same moment on different z/VM systems one ends, and names both', async () => {
  const first = await simulatedHost();
  const second = await simulatedHost(first.host);
  const started = await Promise.allSettled([start(first), start(second)]);
  const running = started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  const refused = started.flatMap((each) => (each.status === 'rejected' ? [String(each.reason)] : []));
  const ended: string[] = [...refused];
  for (const { stopped } of running) stopped.catch((error: unknown) => ended.push(String(error)));
  await expect.poll(() => ended.length, SOON).toBe(1);
  expect(ended[0]).toContain(String(first.xcat?.url));
  expect(ended[0]).toContain(String(second.xcat?.url));
});

test('of a host that stays in order, the latest ten runs of its Schedule are kept and listed, and the one that has its checkpoint', async () => {
  const configuration = await simulatedHost();
  await start(configuration, ofTests(), { intervalSeconds: 1, sweepSeconds: 3_600 });
  const client = await clientOf(ofTests());
  const handle = client.schedule.getHandle(reconcileScheduleId(configuration.host));
  await expect.poll(async () => (await handle.describe()).info.numActionsTaken, SOON).toBeGreaterThan(16);
  await handle.pause();
  const query = `WorkflowType = "reconcileHost" AND TaskQueue = "${taskQueueOf(configuration.host)}"`;
  // Temporal deletes a little later.
  await expect.poll(async () => (await client.workflow.count(query)).count, SOON).toBe(11);
  const runs = [];
  for await (const run of client.workflow.list({ query })) runs.push(run);
  const first = runs.at(-1);
  const result = await client.workflow.getHandle(first?.workflowId ?? '', first?.runId).result();
  expect(result).toMatchObject({ checkpoint: expect.stringContaining('"full"') });
});

test("closed runs of the Schedule's own workflow are deleted, and the Schedule goes on", async () => {
  const configuration = await simulatedHost();
  await start(configuration, ofTests(), TIMES);
  const client = await clientOf(ofTests());
  const id = reconcileScheduleId(configuration.host);
  const handle = client.schedule.getHandle(id);
  // As the server does by itself after some four thousand events.
  await client.workflow.getHandle(scheduleWorkflowId(id)).signal('force-continue-as-new');
  const closed = () => createClosedSchedules(configuration.host)(client, 0);
  await expect.poll(closed, SOON).toHaveLength(1);
  await deleteRuns({ client, log: new DefaultLogger('ERROR') }, await closed());
  await expect.poll(closed, SOON).toEqual([]);
  const before = (await handle.describe()).info.numActionsTaken;
  await handle.trigger();
  await expect.poll(async () => (await handle.describe()).info.numActionsTaken, SOON).toBeGreaterThan(before);
});

test('a worker that starts finds the idle runs that the one before has left, but that with the whole checkpoint, and deletes them', async () => {
  const configuration = await simulatedHost();
  const client = await clientOf(ofTests());
  const { host } = configuration;
  const { stop } = await start(configuration, ofTests(), { ...TIMES, intervalSeconds: 1 });
  const handle = client.schedule.getHandle(reconcileScheduleId(host));
  onTestFinished(() => handle.delete());
  const left = () => idleRunsBefore(client, host);
  await expect.poll(async () => (await left()).length, SOON).toBeGreaterThan(2);
  await handle.pause();
  await stop();
  const query = `WorkflowType = "reconcileHost" AND ZvmHost = "${host}" AND ExecutionStatus != "Running"`;
  const listed = async () => {
    const ids: string[] = [];
    for await (const { runId } of client.workflow.list({ query })) ids.unshift(runId);
    return ids;
  };
  const [whole, ...others] = await listed();
  expect((await left()).map(({ runId }) => runId)).toEqual(others);
  await deleteRuns({ client, log: new DefaultLogger('ERROR') }, await left());
  await expect.poll(listed, SOON).toEqual([whole]);
});
