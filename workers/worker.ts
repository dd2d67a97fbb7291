import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { configuredTarget } from '../client/temporal-connection.ts';
import { ConfigurationError } from '../configuration/error.ts';
import { HostTaken } from '../runtime/host/host-claim.ts';
import { runWorkers } from '../runtime/host/run-workers.ts';
import { neutronConnection } from '../runtime/neutron/connection.ts';
import { watchConfiguration } from '../runtime/process/configuration-watch.ts';
import { createLogger, installTemporalLogger } from '../runtime/process/logging.ts';
import { CONFIGURATION_ARGUMENTS, configurationOf, endWithFailure } from '../runtime/process/program.ts';
import { prepareExternal, TemporalUnusable } from '../runtime/process/temporal-connection.ts';

/** `npm run worker -- --config-file FILE …`: the workers of the hosts that the files describe, until SIGINT or SIGTERM. SIGHUP reads the files again. */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: CONFIGURATION_ARGUMENTS });
  const configuration = configurationOf(values);
  const logger = createLogger(configuration.worker.logLevel);
  installTemporalLogger(logger);
  const watched = watchConfiguration(values, configuration, logger);
  process.on('SIGHUP', watched.readAgain);
  const target = configuredTarget();
  await prepareExternal(target);
  const { versioning: versioned } = configuration.worker;
  const times = {
    intervalSeconds: configuration.worker.pollingIntervalSeconds,
    sweepSeconds: configuration.worker.directorySweepSeconds,
  };
  const neutron = configuration.neutron === undefined ? undefined : neutronConnection(configuration.neutron, logger);
  neutron?.start();
  const workers = await runWorkers(configuration.hosts, target, logger, times, neutron, { versioned });
  watched.use(workers.renew);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM'), workers.stopped]);
  logger.info('stopping: operations continue with the next worker');
  await workers.stop();
  watched.close();
  await neutron?.close();
}

main().catch((error: unknown) => {
  const isForeseen = [ConfigurationError, TemporalUnusable, HostTaken].some((foreseen) => error instanceof foreseen);
  endWithFailure(error instanceof Error && !isForeseen ? (error.stack ?? error) : error);
});
