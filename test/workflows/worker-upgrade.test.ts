import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { beforeAll, beforeEach, expect, inject, onTestFinished, test } from 'vitest';
import { occasionsSince } from '../../client/host-events.ts';
import { localTarget } from '../../client/temporal-connection.ts';
import { taskQueueOf } from '../../domain/host/host.ts';
import { type Build, runWorkers } from '../../runtime/host/run-workers.ts';
import { buildIdOf } from '../../runtime/host/worker-build.ts';
import { bundleWorkflows } from '../../runtime/host/workflow-bundle.ts';
import { createLogger } from '../../runtime/process/logging.ts';
import { reconcileScheduleId } from '../../temporal-config/names.ts';
import { ZVM_OUTCOME } from '../../temporal-config/search-attributes.ts';
import { bundledWorkflows } from '../bundled-workflows.ts';
import { createEnvironment, type Environment, portId, vlan } from './environment.ts';
import { bundleReworded } from './reworded-workflows.ts';
import { startRun } from './start.ts';

const READING = { command: 'Virtual_Network_Vswitch_Query' };
const [A, B] = ['LNX10001', 'LNX10003'];
let today: WorkflowBundleWithSourceMap;
let reworded: WorkflowBundleWithSourceMap;
let zvm: Environment;
beforeAll(async () => {
  [today, reworded] = [await bundledWorkflows(), await bundleReworded()];
});
beforeEach(async () => {
  const environment = await createEnvironment({ guests: 4 }, false);
  zvm = environment;
  onTestFinished(() => environment.close());
});

/** A worker of the test's own process, which does not outlive its test. */
async function start(build: Build): Promise<() => Promise<void>> {
  const target = localTarget(inject('temporalAddress'), inject('temporalNamespace'));
  const workers = await runWorkers([zvm.configuration], target, createLogger('silent'), undefined, undefined, build);
  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= workers.stop();
    return stopping;
  };
  onTestFinished(stop);
  return stop;
}

/** A worker of the reworded build in a process of its own, that can be killed. */
async function startToKill(): Promise<() => Promise<void>> {
  const argument = {
    configuration: zvm.configuration,
    address: inject('temporalAddress'),
    namespace: inject('temporalNamespace'),
    isReworded: true,
  };
  const script = join(import.meta.dirname, 'worker-process.ts');
  const child: ChildProcess = spawn(process.execPath, [script, JSON.stringify(argument)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  if (child.stdout !== null) await once(child.stdout, 'data');
  return async () => {
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };
}

const createPort = (userid: string, id: string) =>
  zvm.run('createPort', { userid, portId: id, vswitch: 'VSW1', network: vlan(100) });
const changeVlan = (userid: string, id: string, segmentationId: number) =>
  startRun(zvm.client, 'changeVlan', {
    ...{ host: zvm.host, userid, portId: id, network: vlan(segmentationId) },
  } as never);
const waits = (workflowId: string) =>
  expect
    .poll(async () =>
      (await zvm.client.workflow.getHandle(workflowId).describe()).typedSearchAttributes.get(ZVM_OUTCOME),
    )
    .toBe('waiting');
/** The build that a run has gone on with last; undefined for one without. */
async function buildOf(workflowId: string): Promise<string | undefined> {
  const { raw } = await zvm.client.workflow.getHandle(workflowId).describe();
  return raw.workflowExecutionInfo?.versioningInfo?.deploymentVersion?.buildId ?? undefined;
}
const granted = async (userid: string) => (await zvm.guest(userid)).granted.VSW1;

test('the build id is the same for the same workflows, wherever they lie, and another for others', async () => {
  const elsewhere = { code: today.code.replace(/\/\/# sourceMappingURL=.*/, '//# sourceMappingURL=elsewhere') };
  expect(buildIdOf(elsewhere)).toBe(buildIdOf(today));
  expect(buildIdOf(await bundleWorkflows())).toBe(buildIdOf(today));
  expect(buildIdOf(reworded)).not.toBe(buildIdOf(today));
});

test('beside a new build the old one ends what it began, and what is asked then begins with the new one', async () => {
  const stopOld = await start({ bundle: today });
  const [one, other] = [portId(1), portId(3)];
  await Promise.all([createPort(A, one), createPort(B, other)]);
  const held = await zvm.hold(READING);
  const inProgress = await changeVlan(A, one, 201);
  await held.reached();
  const queued = await changeVlan(A, one, 202);
  await waits(queued.workflowId);
  await start({ bundle: reworded });
  const behind = await changeVlan(A, one, 203);
  await waits(behind.workflowId);
  const elsewhere = await changeVlan(B, other, 204);
  await held.release();
  const results = await Promise.all([inProgress, queued, behind, elsewhere].map((run) => run.result()));
  expect(results.map(({ changed }) => changed)).toEqual([true, true, true, true]);
  expect([await granted(A), await granted(B)]).toEqual([[203], [204]]);
  const [old, new_] = [buildIdOf(today), buildIdOf(reworded)];
  expect(await buildOf(inProgress.workflowId)).toBe(old);
  expect(await buildOf(queued.workflowId)).toBe(old);
  expect(await buildOf(behind.workflowId)).toBe(new_);
  expect(await buildOf(elsewhere.workflowId)).toBe(new_);
  await stopOld();
  expect(await (await changeVlan(A, one, 205)).result()).toMatchObject({ changed: true });
  expect(await buildOf(`guest/${zvm.host}/${A}`)).toBe(new_);
});

test('a new build in the place of the old one goes on with all that is open, in the order of acceptance', async () => {
  const kill = await startToKill();
  const id = portId(1);
  await createPort(A, id);
  const held = await zvm.hold(READING);
  const inProgress = await changeVlan(A, id, 201);
  await held.reached();
  const queued = await changeVlan(A, id, 202);
  await waits(queued.workflowId);
  await kill();
  const accepted = await changeVlan(A, id, 203);
  await held.release();
  await start({ bundle: today });
  const behind = await changeVlan(A, id, 204);
  const results = await Promise.all([inProgress, queued, accepted, behind].map((run) => run.result()));
  expect(results.map(({ changed }) => changed)).toEqual([true, true, true, true]);
  expect(await granted(A)).toEqual([204]);
  expect(await buildOf(inProgress.workflowId)).toBe(buildIdOf(today));
});

test('the build whose worker started last is current, and one whose workers are gone gives way to one that is there', async () => {
  await start({ bundle: today });
  const kill = await startToKill();
  const first = await changeVlan(A, portId(1), 201).catch(() => undefined);
  await expect.poll(() => buildOf(first?.workflowId ?? '')).toBe(buildIdOf(reworded));
  await kill();
  await createPort(A, portId(1));
  expect(await buildOf(`guest/${zvm.host}/${A}`)).toBe(buildIdOf(today));
  const killAgain = await startToKill();
  await start({ bundle: today });
  const { workflowId } = await changeVlan(A, portId(1), 203);
  await expect.poll(() => buildOf(workflowId)).toBe(buildIdOf(today));
  await killAgain();
});

test('a worker without versions takes over from one with, and one with from it', async () => {
  const kill = await startToKill();
  await createPort(A, portId(1));
  const held = await zvm.hold(READING);
  const open = await changeVlan(A, portId(1), 201);
  await held.reached();
  await kill();
  await held.release();
  const stop = await start({ bundle: today, versioned: false });
  expect(await open.result()).toMatchObject({ changed: true });
  const without = await changeVlan(A, portId(1), 202);
  await without.result();
  expect(await buildOf(without.workflowId)).toBeUndefined();
  await stop();
  await start({ bundle: today });
  const again = await changeVlan(A, portId(1), 203);
  await again.result();
  expect(await buildOf(again.workflowId)).toBe(buildIdOf(today));
});

/** The workflows of today, but that a reconciliation begins with a timer. */
function beginningOtherwise({ code, sourceMap }: WorkflowBundleWithSourceMap): WorkflowBundleWithSourceMap {
  const begin = 'async function reconcileHost(input, carried) {';
  const otherwise = code.replace(begin, `${begin} await new Promise((done) => setTimeout(done, 1));`);
  return { code: otherwise, sourceMap };
}

test('a reconciliation that a new build cannot replay ends, the next one begins with the new build, and nobody is told that the host is away', async () => {
  const { client, host } = zvm;
  const since = new Date();
  const kill = await startToKill();
  const held = await zvm.hold(READING);
  const workflowId = `${reconcileScheduleId(host)}-${since.toISOString()}`;
  const open = await client.workflow.start('reconcileHost', {
    ...{ taskQueue: taskQueueOf(host), workflowId, args: [{ host }] },
  });
  await held.reached();
  await kill();
  await held.release();
  await start({ bundle: beginningOtherwise(today) });
  await expect(open.result()).rejects.toMatchObject({ cause: { message: expect.stringMatching(/nondeterminism/i) } });
  const next = await startRun(client, 'reconcileHost', { host });
  expect(await next.result()).toMatchObject({ failed: 0 });
  expect(await buildOf(next.workflowId)).toBe(buildIdOf(beginningOtherwise(today)));
  const occasions = () => occasionsSince(client, host, since);
  await expect.poll(async () => (await occasions()).map(({ key }) => key)).toContain(open.firstExecutionRunId);
  const told = await Promise.all((await occasions()).map((occasion) => occasion.read()));
  expect(told.flat()).toEqual([]);
});
