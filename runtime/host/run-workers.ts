import type { WorkflowBundleWithSourceMap } from '@temporalio/worker';
import type { Logger } from 'pino';
import type { TemporalTarget } from '../../client/temporal-connection.ts';
import { type HostConfiguration, shadowOf } from '../../configuration/load.ts';
import { defined } from '../../domain/defined.ts';
import type { NeutronConnection } from '../neutron/connection.ts';
import { watchHosts } from '../notifications/event-watch.ts';
import type { Health } from '../process/health.ts';
import { connectWorkers, type WorkerConnection } from '../process/temporal-connection.ts';
import { renewBackend } from './host-backend.ts';
import { ownIdentity } from './host-claim.ts';
import { type HostKeeper, keepHosts, type Restart } from './host-keeper.ts';
import { CACHED_RUNS, createHostWorker, type HostWorker } from './host-worker.ts';
import type { ReconcileTimes } from './reconcile-schedule.ts';
import { buildIdOf, versionOf } from './worker-build.ts';
import { workflowBundle } from './workflow-bundle.ts';

/** Workers that are running. `stopped` ends when all have drained, or fails when one does. */
export type RunningWorkers = {
  /** Renew user, password and certificates of a host's server and of its shadow, and its policy, from the configuration. */
  renew(host: HostConfiguration): void;
  health: Health;
  stop(): Promise<void>;
  stopped: Promise<void>;
};

/**
 * The workflows that workers run with: those of this installation unless others are given, as a build of their own unless not `versioned`, and with so
 * many of their runs in memory.
 */
export type Build = {
  bundle?: WorkflowBundleWithSourceMap;
  versioned?: boolean;
  cachedRuns?: number;
  restart?: Restart;
};

/**
 * Start a worker for each host, on one connection and with one workflow bundle; with `reconcile`, each host's Schedule too, with `neutron` by
 * Neutron's word. They ask for work when this ends, and new runs begin with their build. Throws HostTaken when another worker serves another z/VM system
 * under the name of one of the hosts, BuildNotTaken when Temporal does not take their build.
 */
export async function runWorkers(
  hosts: readonly HostConfiguration[],
  target: TemporalTarget,
  logger: Logger,
  reconcile?: ReconcileTimes,
  neutron?: Pick<NeutronConnection, 'sourceFor'>,
  { bundle: given, versioned = true, cachedRuns = CACHED_RUNS, restart = {} }: Build = {},
): Promise<RunningWorkers> {
  const identities = hosts.map((host) => ownIdentity(host));
  const keeper = await keepHosts(identities, target, reconcile, logger, restart);
  const create = async () => {
    const [shared, bundle] = await Promise.all([
      connectWorkers(target),
      given ?? workflowBundle(target.codec === undefined ? 'plain' : 'encrypted'),
    ]);
    const known = await keeper.buildFor(buildIdOf(bundle));
    const build = versioned ? known : '';
    const workers = await Promise.all(
      hosts.map((host, index) => {
        const own = {
          identity: identities[index]?.identity,
          version: build === '' ? undefined : versionOf(host.host, build),
          cachedRuns: Math.floor(cachedRuns / hosts.length),
          control: keeper.controlOf(host.host),
          ...defined({ codec: target.codec }),
        };
        return createHostWorker(
          host,
          shared.connection,
          target.namespace,
          bundle,
          logger,
          neutron?.sourceFor(host),
          own,
        );
      }),
    );
    return { workers, shared, build };
  };
  const { workers, shared, build } = await create().catch(async (error: unknown) => {
    await keeper.stop();
    throw error;
  });
  const started = running(workers, keeper, shared, logger);
  const stopWatching = await serving(started, async () => {
    await keeper.serve(build);
    logger.info({ build }, 'workers poll their task queues');
    return watchHosts(hosts, target, logger);
  });
  return {
    ...started,
    async stop() {
      await stopWatching();
      await started.stop();
    },
  };
}

/** Wait until the workers serve; stop them when they do not. */
async function serving<Result>(workers: RunningWorkers, serve: () => Promise<Result>): Promise<Result> {
  try {
    return await Promise.race([
      serve(),
      workers.stopped.then(() => Promise.reject(new Error('the workers have ended'))),
    ]);
  } catch (error) {
    await workers.stop();
    throw error;
  }
}

function running(
  workers: readonly HostWorker[],
  keeper: HostKeeper,
  shared: WorkerConnection,
  logger: Logger,
): RunningWorkers {
  shared.renewFor(
    workers.map(({ worker }) => worker),
    logger,
  );
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
    health: healthOf(workers, keeper),
    renew(configuration) {
      const shadowed = shadowOf(configuration);
      for (const { backend, renewPolicy, shadow } of workers.filter(({ host }) => host === configuration.host)) {
        renewBackend(backend, configuration, logger);
        if (shadow !== undefined && shadowed !== undefined) renewBackend(shadow, shadowed, logger);
        renewPolicy(configuration);
      }
    },
    async stop() {
      shutDown();
      await runs.catch(() => undefined);
      await keeper.stop();
      await Promise.all(workers.flatMap(({ backend, shadow }) => [backend.close(), shadow?.close()]));
      await shared.close();
    },
  };
}

function healthOf(workers: readonly HostWorker[], keeper: HostKeeper): Health {
  return {
    broken: () => workers.find(({ worker }) => worker.getState() === 'FAILED') && 'a worker has failed',
    unready() {
      const idle = workers.filter(({ worker }) => worker.getStatus().workflowPollerState !== 'POLLING');
      if (idle.length > 0) return `no worker asks for work: ${idle.map(({ host }) => host).join(', ')}`;
      const unheard = keeper.unheard();
      return unheard.length === 0 ? undefined : `Temporal does not answer: ${unheard.join(', ')}`;
    },
  };
}
