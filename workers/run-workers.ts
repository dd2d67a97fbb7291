import type { Logger } from 'pino';
import { connectClient, type TemporalTarget } from '../client/temporal-connection.ts';
import type { HostConfiguration } from '../configuration/configuration.ts';
import { bundleWorkflows, createHostWorker } from './host-worker.ts';
import { watchLostGuestRuns } from './lost-guest-runs.ts';
import type { NeutronConnection } from './neutron-connection.ts';
import { ensureReconcileSchedule, type ReconcileTimes } from './reconcile-schedule.ts';
import { connectWorkers } from './temporal-connection.ts';

/** Workers that are running. `stopped` ends when all have drained, or fails when one does. */
export type RunningWorkers = { stop(): Promise<void>; stopped: Promise<void> };

/** Start a worker for each host, on one connection and with one workflow bundle; with `reconcile`, each host's Schedule too, with `neutron` by Neutron's word. */
export async function runWorkers(
  hosts: readonly HostConfiguration[],
  target: TemporalTarget,
  logger: Logger,
  reconcile?: ReconcileTimes,
  neutron?: Pick<NeutronConnection, 'sourceFor'>,
): Promise<RunningWorkers> {
  const [connection, bundle] = await Promise.all([connectWorkers(target), bundleWorkflows()]);
  const workers = await Promise.all(
    hosts.map((host) => createHostWorker(host, connection, target.namespace, bundle, logger, neutron?.sourceFor(host))),
  );
  if (reconcile !== undefined) await schedule(hosts, target, reconcile, logger);
  const watch = await watchGuestRuns(hosts, target, logger);
  const running = Promise.all(
    workers.map(async ({ host, worker }) => {
      logger.info({ host, taskQueue: worker.options.taskQueue }, 'worker started');
      await worker.run();
      logger.info({ host }, 'worker stopped');
    }),
  );
  const stopped = running.then(
    () => watch.stop(),
    async (error: unknown) => {
      await watch.stop();
      for (const { worker } of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
      throw error;
    },
  );
  return {
    stopped,
    async stop() {
      for (const { worker } of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
      await stopped.catch(() => undefined);
      await Promise.all(workers.map(({ xcat }) => xcat.close()));
      await connection.close();
    },
  };
}

/** Watch the guest runs of all hosts on one connection. */
async function watchGuestRuns(hosts: readonly HostConfiguration[], target: TemporalTarget, logger: Logger) {
  const { client, close } = await connectClient(target);
  const ending = new AbortController();
  const watching = Promise.all(hosts.map(({ host }) => watchLostGuestRuns(client, host, logger, ending.signal)));
  return {
    async stop(): Promise<void> {
      ending.abort();
      await watching;
      await close();
    },
  };
}

async function schedule(
  hosts: readonly HostConfiguration[],
  target: TemporalTarget,
  times: ReconcileTimes,
  logger: Logger,
): Promise<void> {
  const { client, close } = await connectClient(target);
  try {
    for (const { host } of hosts) {
      await ensureReconcileSchedule(client, host, times);
      logger.info({ host, ...times }, 'reconciliation scheduled');
    }
  } finally {
    await close();
  }
}
