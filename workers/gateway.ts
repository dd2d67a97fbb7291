import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { configuredTarget, connectClient } from '../client/temporal-connection.ts';
import { loadConfiguration } from '../configuration/configuration.ts';
import { ConfigurationError } from '../configuration/error.ts';
import { readTokens, serveGateway } from './gateway-server.ts';
import { createLogger } from './logging.ts';
import { prepareExternal } from './temporal-connection.ts';

/** `npm run gateway -- --config-file FILE …`: the HTTP API of the hosts that the files describe, until SIGINT or SIGTERM. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      'config-file': { type: 'string', multiple: true, default: [] },
      'config-dir': { type: 'string', multiple: true, default: [] },
      tokens: { type: 'string' },
      listen: { type: 'string', default: '127.0.0.1' },
      port: { type: 'string', default: '8088' },
      'tls-cert': { type: 'string' },
      'tls-key': { type: 'string' },
      'ui-url': { type: 'string' },
    },
  });
  const configuration = loadConfiguration({
    configFiles: values['config-file'],
    configDirs: values['config-dir'],
    env: process.env,
  });
  const logger = createLogger(configuration.worker.logLevel);
  const target = configuredTarget();
  await prepareExternal(target);
  const { client, close } = await connectClient(target);
  const { 'tls-cert': certFile, 'tls-key': keyFile, 'ui-url': uiUrl } = values;
  const gateway = await serveGateway(
    {
      client,
      namespace: target.namespace,
      hosts: configuration.hosts.map(({ host, physicalNetworks }) => ({
        host,
        physicalNetworks: physicalNetworks.map(({ name, vswitch }) => ({ name, vswitch })),
      })),
      tokens: values.tokens === undefined ? undefined : readTokens(values.tokens),
      ...(uiUrl === undefined ? {} : { uiUrl }),
      log: (level, fields, message) => logger[level](fields, message),
    },
    {
      host: values.listen,
      port: Number(values.port),
      ...(certFile === undefined || keyFile === undefined ? {} : { tls: { certFile, keyFile } }),
    },
  );
  logger.info({ url: gateway.url }, 'gateway listens');
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  await gateway.close();
  await close();
}

main().catch((error: unknown) => {
  process.stderr.write(
    `${error instanceof ConfigurationError || error instanceof Error ? error.message : String(error)}\n`,
  );
  process.exitCode = 1;
});
