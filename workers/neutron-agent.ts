import { once } from 'node:events';
import { connectClient, TEMPORAL_VARIABLES } from '../client/temporal-connection.ts';
import { messageOf, runProgram, type Values } from '../command-line/program.ts';
import { NeutronError } from '../neutron/errors.ts';
import { runNeutronAgents } from '../runtime/neutron/agents.ts';
import {
  CONFIGURATION_OPTIONS,
  CONFIGURATION_VARIABLES,
  configurationOf,
  watchConfiguration,
} from '../runtime/process/configuration.ts';
import { tellHealth } from '../runtime/process/health.ts';
import {
  createLogger,
  installTemporalRuntime,
  shutDownTemporalRuntime,
  temporalMeter,
} from '../runtime/process/logging.ts';
import { watchedTarget } from '../runtime/process/temporal-certificates.ts';
import { prepareExternal } from '../runtime/process/temporal-connection.ts';
import { addressOf, LISTEN_OPTIONS, metricsAddress } from '../runtime/telemetry/listen-options.ts';
import { startTracing, TRACING_VARIABLES } from '../runtime/telemetry/tracing.ts';

const OPTIONS = { ...CONFIGURATION_OPTIONS, ...LISTEN_OPTIONS };

async function main({ metrics, health, ...files }: Values<typeof OPTIONS>): Promise<void> {
  const configuration = configurationOf(files);
  if (configuration.neutron?.bus === undefined)
    throw new Error("transport_url is missing: give the URL of Neutron's message broker, as in neutron.conf");
  const logger = createLogger(configuration.worker.logLevel);
  // Only its metrics need Temporal's runtime, which would keep the process alive.
  const address = metricsAddress(metrics);
  if (address !== undefined) installTemporalRuntime(logger, { metrics: address });
  const tracing = await startTracing('neutron-agent');
  const watched = watchConfiguration(files, configuration, logger);
  const { target, ...certificates } = watchedTarget(logger);
  process.on('SIGHUP', () => {
    watched.readAgain();
    certificates.readAgain();
  });
  await prepareExternal(target);
  const { client, close } = await connectClient(target);
  const agents = runNeutronAgents(
    configuration.hosts,
    configuration.neutron,
    client,
    logger,
    address === undefined ? undefined : temporalMeter(),
  );
  watched.use(agents.renew);
  const told = await tellHealth(agents.health, addressOf('health', health), logger);
  const ended = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  try {
    await Promise.race([agents.ready.then(() => ended), ended]);
    logger.info('stopping: ports keep their status, messages wait at the broker');
  } finally {
    watched.close();
    certificates.close();
    told.close();
    await agents.stop();
    await close();
    await tracing.stop();
    if (address !== undefined) await shutDownTemporalRuntime();
  }
}

runProgram(
  {
    name: 'neutron-agent',
    does: "Runs Neutron's L2 agent of the hosts that the files describe, until SIGINT or SIGTERM. SIGHUP reads the files again.",
    options: OPTIONS,
    environment: { ...CONFIGURATION_VARIABLES, ...TEMPORAL_VARIABLES, ...TRACING_VARIABLES },
    exit: { 0: 'stopped by a signal' },
    example: '--config-file /etc/neutron/neutron.conf --config-file /etc/neutron/plugins/zvm/neutron_zvm_plugin.ini',
  },
  main,
  (error) => `${messageOf(error)}${error instanceof NeutronError ? `: ${error.advice}` : ''}`,
);
