import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { configuredTarget, connectClient } from '../client/temporal-connection.ts';
import { NeutronError } from '../neutron/errors.ts';
import { runNeutronAgents } from '../runtime/neutron/agents.ts';
import { watchConfiguration } from '../runtime/process/configuration-watch.ts';
import { createLogger } from '../runtime/process/logging.ts';
import { CONFIGURATION_ARGUMENTS, configurationOf, endWithFailure } from '../runtime/process/program.ts';
import { prepareExternal } from '../runtime/process/temporal-connection.ts';

/** `npm run neutron-agent -- --config-file FILE …`: Neutron's L2 agent of the hosts that the files describe, until SIGINT or SIGTERM. SIGHUP reads the files again. */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: CONFIGURATION_ARGUMENTS });
  const configuration = configurationOf(values);
  if (configuration.neutron?.bus === undefined)
    throw new Error("transport_url is missing: give the URL of Neutron's message broker, as in neutron.conf");
  const logger = createLogger(configuration.worker.logLevel);
  const watched = watchConfiguration(values, configuration, logger);
  process.on('SIGHUP', watched.readAgain);
  const target = configuredTarget();
  await prepareExternal(target);
  const { client, close } = await connectClient(target);
  const agents = runNeutronAgents(configuration.hosts, configuration.neutron, client, logger);
  watched.use(agents.renew);
  const ended = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  try {
    await Promise.race([agents.ready.then(() => ended), ended]);
    logger.info('stopping: ports keep their status, messages wait at the broker');
  } finally {
    watched.close();
    await agents.stop();
    await close();
  }
}

main().catch((error: unknown) => endWithFailure(error, error instanceof NeutronError ? `: ${error.advice}` : ''));
