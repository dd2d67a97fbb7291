import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { configuredTarget } from '../client/temporal-connection.ts';
import { loadConfiguration } from '../configuration/configuration.ts';
import { ConfigurationError } from '../configuration/error.ts';
import { createLogger, installTemporalLogger } from './logging.ts';
import { neutronConnection } from './neutron-connection.ts';
import { runWorkers } from './run-workers.ts';
import { prepareExternal } from './temporal-connection.ts';

/** `npm run worker -- --config-file FILE …`: the workers of the hosts that the files describe, until SIGINT or SIGTERM. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      'config-file': { type: 'string', multiple: true, default: [] },
      'config-dir': { type: 'string', multiple: true, default: [] },
    },
  });
  const configuration = loadConfiguration({
    configFiles: values['config-file'],
    configDirs: values['config-dir'],
    env: process.env,
  });
  const logger = createLogger(configuration.worker.logLevel);
  installTemporalLogger(logger);
  const target = configuredTarget();
  await prepareExternal(target);
  const times = {
    intervalSeconds: configuration.worker.pollingIntervalSeconds,
    sweepSeconds: configuration.worker.directorySweepSeconds,
  };
  const neutron = configuration.neutron === undefined ? undefined : neutronConnection(configuration.neutron, logger);
  neutron?.start();
  const workers = await runWorkers(configuration.hosts, target, logger, times, neutron);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM'), workers.stopped]);
  logger.info('stopping: operations go on where they are when a worker is back');
  await workers.stop();
  await neutron?.close();
}

main().catch((error: unknown) => {
  process.stderr.write(
    `${error instanceof ConfigurationError ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  process.exitCode = 1;
});
