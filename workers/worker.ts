import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { configuredTarget } from '../client/temporal-connection.ts';
import { ConfigurationError } from '../configuration/error.ts';
import { CONFIGURATION_ARGUMENTS, configurationOf } from './configuration-arguments.ts';
import { watchConfiguration } from './configuration-watch.ts';
import { HostTaken } from './host-claim.ts';
import { createLogger, installTemporalLogger } from './logging.ts';
import { neutronConnection } from './neutron-connection.ts';
import { endWithFailure } from './program-failure.ts';
import { runWorkers } from './run-workers.ts';
import { prepareExternal, TemporalUnusable } from './temporal-connection.ts';

/** `npm run worker -- --config-file FILE …`: the workers of the hosts that the files describe, until SIGINT or SIGTERM; SIGHUP has them read again. */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: CONFIGURATION_ARGUMENTS });
  const configuration = configurationOf(values);
  const logger = createLogger(configuration.worker.logLevel);
  installTemporalLogger(logger);
  const watched = watchConfiguration(values, configuration, logger);
  process.on('SIGHUP', watched.readAgain);
  const target = configuredTarget();
  await prepareExternal(target);
  const times = {
    intervalSeconds: configuration.worker.pollingIntervalSeconds,
    sweepSeconds: configuration.worker.directorySweepSeconds,
  };
  const neutron = configuration.neutron === undefined ? undefined : neutronConnection(configuration.neutron, logger);
  neutron?.start();
  const workers = await runWorkers(configuration.hosts, target, logger, times, neutron);
  watched.use(workers.renew);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM'), workers.stopped]);
  logger.info('stopping: operations go on where they are when a worker is back');
  await workers.stop();
  watched.close();
  await neutron?.close();
}

main().catch((error: unknown) => {
  const isForeseen = [ConfigurationError, TemporalUnusable, HostTaken].some((foreseen) => error instanceof foreseen);
  endWithFailure(error instanceof Error && !isForeseen ? (error.stack ?? error) : error);
});
