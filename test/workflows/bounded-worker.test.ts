import { pino } from 'pino';
import { expect, inject, onTestFinished, test, vi } from 'vitest';
import { localTarget } from '../../client/temporal-connection.ts';
import { createHostWorker } from '../../runtime/host/host-worker.ts';
import { connectWorkers } from '../../runtime/process/temporal-connection.ts';
import { FREE } from '../activities/free-control.ts';
import { bundledWorkflows } from '../bundled-workflows.ts';
import { createEnvironment, portId, vlan } from './environment.ts';
import { startRun } from './start.ts';

const OPERATIONS = 120;
const CACHED_RUNS = 20;
/** A run that is put out stays until its workflow task has ended. */
const MOST_AT_ONCE = 100;

test('a worker with six times as many open operations as it keeps runs in memory keeps no more, and each operation ends', {
  timeout: 300_000,
}, async () => {
  const zvm = await createEnvironment({ guests: OPERATIONS }, false);
  onTestFinished(() => zvm.close());
  const { connection: address, namespace } = localTarget(inject('temporalAddress'), inject('temporalNamespace'));
  const [{ connection }, bundle] = await Promise.all([
    connectWorkers({ connection: address, namespace }),
    bundledWorkflows(),
  ]);
  onTestFinished(() => connection.close());
  const silent = pino({ level: 'silent' });
  const { worker, backend } = await createHostWorker(
    zvm.configuration,
    connection,
    namespace,
    bundle,
    silent,
    undefined,
    {
      control: FREE,
      cachedRuns: CACHED_RUNS,
    },
  );
  const running = worker.run();
  onTestFinished(async () => {
    worker.shutdown();
    await running;
    await backend.close();
  });
  let cached = 0;
  const looking = setInterval(() => {
    cached = Math.max(cached, worker.getStatus().numCachedWorkflows);
  }, 20);
  onTestFinished(() => clearInterval(looking));
  const held = await zvm.hold({ command: '_DM' });
  const numbers = Array.from({ length: OPERATIONS }, (_, index) => index + 1);
  const runs = await Promise.all(
    numbers.map((number) => {
      const userid = `LNX1${String(number).padStart(4, '0')}`;
      const port = { host: zvm.host, userid, portId: portId(number), vswitch: 'VSW1', network: vlan(100) };
      return startRun(zvm.client, 'createPort', port);
    }),
  );
  await vi.waitUntil(() => worker.getStatus().numInFlightNonLocalActivities >= OPERATIONS, { timeout: 200_000 });
  await held.release();
  const results = await Promise.all(runs.map((run) => run.result()));
  expect(results.every(({ changed }) => changed)).toBe(true);
  expect(cached).toBeGreaterThan(0);
  expect(cached).toBeLessThanOrEqual(CACHED_RUNS + MOST_AT_ONCE);
});
