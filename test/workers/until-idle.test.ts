import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, inject, onTestFinished, test } from 'vitest';
import { holdHost, releaseHost } from '../../client/host-control.ts';
import { connectClient, localTarget } from '../../client/temporal-connection.ts';
import { currentBuild } from '../../runtime/host/worker-build.ts';
import { startSimulator } from '../../simulator/simulator.ts';
import { reconcileScheduleId } from '../../temporal-config/names.ts';
import { ZVM_OUTCOME } from '../../temporal-config/search-attributes.ts';
import { hostFileText } from '../host-file.ts';
import { startProgram } from '../program.ts';
import { startRun } from '../workflows/start.ts';

const IDLE_SECONDS = '2';

/** A host whose worker runs on demand alone, as systemd's timer has it: `work-waits`, and a worker that ends when idle. */
async function hostOnDemand() {
  const host = `zvm-${randomUUID().slice(0, 8)}`;
  const simulator = await startSimulator({ hosts: 1, guests: 4, release: '6.3' });
  const folder = await mkdtemp(join(tmpdir(), 'until-idle-'));
  const { client, close } = await connectClient(localTarget(inject('temporalAddress'), inject('temporalNamespace')));
  onTestFinished(async () => {
    await client.schedule.getHandle(reconcileScheduleId(host)).delete();
    await close();
    await simulator.close();
    await rm(folder, { recursive: true });
  });
  const file = join(folder, 'zvm.ini');
  await writeFile(file, hostFileText(host, simulator.url));
  const startWorker = () =>
    startProgram('workers/worker.ts', ['--config-file', file, '--until-idle', IDLE_SECONDS], {
      ZVM_STATE_DIRECTORY: folder,
    });
  return {
    host,
    client,
    startWorker,
    /** Start a worker, and wait until it ends by itself. */
    async work() {
      const { ended, said } = startWorker();
      expect(await ended, said()).toBe(0);
      return said();
    },
    /** Wait for the answer of `work-waits`: Temporal's list is a moment late. */
    waits: (isWaiting: boolean) =>
      expect
        .poll(() => startProgram('workers/work-waits.ts', ['--config-file', file]).ended, { interval: 1_000 })
        .toBe(isWaiting ? 0 : 1),
    createPort: (userid: string) =>
      startRun(client, 'createPort', {
        ...{ host, userid, portId: randomUUID(), vswitch: 'VSW1', network: { type: 'vlan', segmentationId: 100 } },
      }),
  };
}

test('work that arrives has a worker started, which does it, and ends when idle; its build stays the current one', async () => {
  const { host, client, work, waits, createPort } = await hostOnDemand();
  // Its first worker makes the host's Schedule.
  await waits(true);
  expect(await work()).toContain('nothing to do for so long');
  await waits(false);
  const build = await currentBuild(client, host);
  expect(build).toMatch(/^\d/);
  const operation = await createPort('LNX10001');
  await waits(true);
  await work();
  expect((await operation.describe()).status.name).toBe('COMPLETED');
  await waits(false);
  expect(await currentBuild(client, host)).toBe(build);
});

test('work that comes at the moment of ending stays at Temporal for the next worker', async () => {
  const { work, startWorker, waits, createPort } = await hostOnDemand();
  const { ended, said } = startWorker();
  await expect.poll(said, { interval: 10 }).toContain('nothing to do for so long');
  const operation = await createPort('LNX10001');
  expect(await ended, said()).toBe(0);
  if ((await operation.describe()).status.name === 'RUNNING') {
    await waits(true);
    await work();
  }
  expect(await operation.result()).toMatchObject({ changed: true });
});

test('what waits for a person needs no worker, until that person has spoken', async () => {
  const { host, client, work, waits, createPort } = await hostOnDemand();
  await holdHost(client, host, { by: 'anna@ops', via: 'zvmnet', reason: 'service of z/VM' });
  const operation = await createPort('LNX10001');
  await work();
  const { status, typedSearchAttributes } = await operation.describe();
  expect([status.name, typedSearchAttributes.get(ZVM_OUTCOME)]).toEqual(['RUNNING', 'held']);
  await waits(false);
  await releaseHost(client, host, { by: 'anna@ops', via: 'zvmnet' });
  await waits(true);
  await work();
  expect(await operation.result()).toMatchObject({ changed: true });
});
