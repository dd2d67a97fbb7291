import { once } from 'node:events';
import { PayloadKeyError } from '../client/payload-codec.ts';
import { TEMPORAL_VARIABLES } from '../client/temporal-connection.ts';
import { messageOf, runProgram, type Values, wholeNumber } from '../command-line/program.ts';
import { ConfigurationError } from '../configuration/error.ts';
import { defined } from '../domain/defined.ts';
import { HostTaken } from '../runtime/host/host-claim.ts';
import { keepHeapsSmall } from '../runtime/host/host-worker.ts';
import { untilIdle } from '../runtime/host/idle-end.ts';
import { type RunningWorkers, runWorkers } from '../runtime/host/run-workers.ts';
import { neutronConnection } from '../runtime/neutron/connection.ts';
import {
  CONFIGURATION_OPTIONS,
  CONFIGURATION_VARIABLES,
  configurationOf,
  watchConfiguration,
} from '../runtime/process/configuration.ts';
import { tellHealth } from '../runtime/process/health.ts';
import { createLogger, installTemporalRuntime } from '../runtime/process/logging.ts';
import { watchedTarget } from '../runtime/process/temporal-certificates.ts';
import { prepareExternal, TemporalUnusable } from '../runtime/process/temporal-connection.ts';
import { addressOf, LISTEN_OPTIONS, metricsAddress } from '../runtime/telemetry/listen-options.ts';
import { startTracing, TRACING_VARIABLES } from '../runtime/telemetry/tracing.ts';

const OPTIONS = {
  ...CONFIGURATION_OPTIONS,
  ...LISTEN_OPTIONS,
  'until-idle': {
    type: 'string',
    value: 'SECONDS',
    help: 'end when there was nothing to do for so long: what comes later waits for the next worker',
  },
} as const;

const RESTART_VARIABLES = {
  'ZVM_STATE_DIRECTORY, STATE_DIRECTORY': 'where the worker remembers its last runs, to notice a restored Temporal',
  ZVM_RESTORED: '1: the hosts are held until `zvmnet restore finish`',
};

async function main({ metrics, health, 'until-idle': idle, ...files }: Values<typeof OPTIONS>): Promise<void> {
  const idleSeconds = idle === undefined ? undefined : wholeNumber('--until-idle', idle, 1);
  const configuration = configurationOf(files);
  const logger = createLogger(configuration.worker.logLevel);
  keepHeapsSmall();
  installTemporalRuntime(logger, { metrics: metricsAddress(metrics) });
  const tracing = await startTracing('worker');
  const watched = watchConfiguration(files, configuration, logger);
  const { target, ...certificates } = watchedTarget(logger);
  process.on('SIGHUP', () => {
    watched.readAgain();
    certificates.readAgain();
  });
  await prepareExternal(target);
  const { versioning: versioned, cachedRuns } = configuration.worker;
  const { ZVM_STATE_DIRECTORY, STATE_DIRECTORY, ZVM_RESTORED } = process.env;
  const restart = {
    ...defined({ stateDirectory: ZVM_STATE_DIRECTORY ?? STATE_DIRECTORY }),
    isRestored: ZVM_RESTORED === '1',
  };
  const times = {
    intervalSeconds: configuration.worker.pollingIntervalSeconds,
    sweepSeconds: configuration.worker.directorySweepSeconds,
  };
  let workers: RunningWorkers | undefined;
  const told = await tellHealth(
    {
      broken: () => workers?.health.broken(),
      unready: () => (workers === undefined ? 'the workers are starting' : workers.health.unready()),
    },
    addressOf('health', health),
    logger,
  );
  const neutron = configuration.neutron === undefined ? undefined : neutronConnection(configuration.neutron, logger);
  neutron?.start();
  workers = await runWorkers(configuration.hosts, target, logger, times, neutron, {
    versioned,
    restart,
    ...defined({ cachedRuns }),
  });
  watched.use(workers.renew);
  const ended = new AbortController();
  const hosts = configuration.hosts.map(({ host }) => host);
  const ends = [once(process, 'SIGINT'), once(process, 'SIGTERM'), workers.stopped];
  if (idleSeconds !== undefined) ends.push(untilIdle(target, hosts, idleSeconds, logger, ended.signal));
  await Promise.race(ends);
  logger.info('stopping: operations continue with the next worker');
  ended.abort();
  await workers.stop();
  told.close();
  watched.close();
  certificates.close();
  await neutron?.close();
  await tracing.stop();
}

/** The message of a foreseen failure, the stack of any other. */
function textOf(error: unknown): string {
  const isForeseen = [ConfigurationError, TemporalUnusable, HostTaken, PayloadKeyError].some(
    (foreseen) => error instanceof foreseen,
  );
  return error instanceof Error && !isForeseen ? (error.stack ?? error.message) : messageOf(error);
}

runProgram(
  {
    name: 'worker',
    does: 'Runs the workers of the hosts that the files describe, until SIGINT or SIGTERM. SIGHUP reads the files again.',
    options: OPTIONS,
    environment: { ...CONFIGURATION_VARIABLES, ...TEMPORAL_VARIABLES, ...TRACING_VARIABLES, ...RESTART_VARIABLES },
    exit: { 0: 'stopped by a signal, or idle with --until-idle', 1: 'failed, or the host is served by another system' },
    example: '--config-file /etc/neutron/neutron.conf --config-file /etc/neutron/plugins/zvm/neutron_zvm_plugin.ini',
  },
  main,
  textOf,
);
