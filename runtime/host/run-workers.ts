import type { NativeConnection } from '@temporalio/worker';
import type { Logger } from 'pino';
import type { TemporalTarget } from '../../client/temporal-connection.ts';
import type { HostConfiguration } from '../../configuration/load.ts';
import type { NeutronConnection } from '../neutron/connection.ts';
import { connectWorkers } from '../process/temporal-connection.ts';
import { ownIdentity } from './host-claim.ts';
import { type HostKeeper, keepHosts } from './host-keeper.ts';
import { bundleWorkflows, createHostWorker, type HostWorker } from './host-worker.ts';
import { renewXcat } from './host-xcat.ts';
import type { ReconcileTimes } from './reconcile-schedule.ts';

/** Workers that are running. `stopped` ends when all have drained, or fails when one does. */
export type RunningWorkers = {
  /** Take user, password and certificates of a host's xCAT as the configuration has them now. */
  renew(host: HostConfiguration): void;
  stop(): Promise<void>;
  stopped: Promise<void>;
};

/**
 * Start a worker for each host, on one connection and with one workflow bundle; with `reconcile`, each host's Schedule too, with `neutron` by
 * Neutron's word. Throws HostTaken when somebody works on another z/VM system under the name of one of the hosts.
 */
export async function runWorkers(
  hosts: readonly HostConfiguration[],
  target: TemporalTarget,
  logger: Logger,
  reconcile?: ReconcileTimes,
  neutron?: Pick<NeutronConnection, 'sourceFor'>,
): Promise<RunningWorkers> {
  const identities = hosts.map((host) => ownIdentity(host));
  const keeper = await keepHosts(identities, target, reconcile, logger);
  try {
    const [connection, bundle] = await Promise.all([connectWorkers(target), bundleWorkflows()]);
    const { namespace } = target;
    const workers = await Promise.all(
      hosts.map((host, index) => {
        const source = neutron?.sourceFor(host);
        return createHostWorker(host, connection, namespace, bundle, logger, source, identities[index]?.identity);
      }),
    );
    return running(workers, keeper, connection, logger);
  } catch (error) {
    await keeper.stop();
    throw error;
  }
}

function running(
  workers: readonly HostWorker[],
  keeper: HostKeeper,
  connection: NativeConnection,
  logger: Logger,
): RunningWorkers {
  const shutDown = () => {
    for (const { worker } of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  const runs = Promise.all(
    workers.map(async ({ host, worker }) => {
      logger.info({ host, taskQueue: worker.options.taskQueue }, 'worker started');
      await worker.run();
      logger.info({ host }, 'worker stopped');
    }),
  );
  const stopped = Promise.race([runs, keeper.taken]).then(
    () => undefined,
    (error: unknown) => {
      shutDown();
      throw error;
    },
  );
  return {
    stopped,
    renew(configuration) {
      for (const { xcat } of workers.filter(({ host }) => host === configuration.host))
        renewXcat(xcat, configuration, logger);
    },
    async stop() {
      shutDown();
      await runs.catch(() => undefined);
      await keeper.stop();
      await Promise.all(workers.map(({ xcat }) => xcat.close()));
      await connection.close();
    },
  };
}
