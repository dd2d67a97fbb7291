import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { configuredTarget, connectClient } from '../client/temporal-connection.ts';
import { defined } from '../domain/defined.ts';
import type { GatewayHost } from '../gateway/options.ts';
import { GatewayHosts, variable } from '../runtime/gateway/environment.ts';
import { gatewayHostOf, serveGateway } from '../runtime/gateway/server.ts';
import { watchTokens } from '../runtime/gateway/token-file.ts';
import { createLogger } from '../runtime/process/logging.ts';
import { CONFIGURATION_ARGUMENTS, configurationOf, endWithFailure } from '../runtime/process/program.ts';
import { prepareExternal } from '../runtime/process/temporal-connection.ts';

/** `npm run gateway -- --config-file FILE …`: the HTTP API of the hosts that the files describe, until SIGINT or SIGTERM. */
async function main(): Promise<void> {
  const { files, tokensFile, listen, uiUrl, publicUrl } = parsedArguments();
  const { hosts, logLevel } = servedHosts(files);
  const logger = createLogger(logLevel);
  const log = (level: 'info' | 'warn' | 'error', fields: Record<string, unknown>, message: string) =>
    logger[level](fields, message);
  const watched = tokensFile === undefined ? undefined : watchTokens(tokensFile, log);
  const target = configuredTarget();
  await prepareExternal(target);
  const { client, close } = await connectClient(target);
  const gateway = await serveGateway(
    {
      client,
      namespace: target.namespace,
      hosts,
      tokens: watched?.tokens,
      ...defined({ uiUrl, publicUrl }),
      log,
    },
    listen,
  );
  logger.info({ url: gateway.url }, 'gateway listens');
  process.on('SIGHUP', () => {
    watched?.readAgain();
    gateway.readAgain();
  });
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  await gateway.close();
  watched?.close();
  await close();
}

/** The options of the command line. Throws an Error that names the wrong option. */
function parsedArguments() {
  const { values } = parseArgs({
    options: {
      ...CONFIGURATION_ARGUMENTS,
      tokens: { type: 'string' },
      listen: { type: 'string', default: '127.0.0.1' },
      port: { type: 'string', default: '8088' },
      'tls-cert': { type: 'string' },
      'tls-key': { type: 'string' },
      'ui-url': { type: 'string' },
      'public-url': { type: 'string' },
      'behind-proxy': { type: 'boolean', default: false },
    },
  });
  const { 'tls-cert': certFile, 'tls-key': keyFile, 'ui-url': uiUrl, 'public-url': publicUrl } = values;
  if ((certFile === undefined) !== (keyFile === undefined)) throw new Error('give --tls-cert and --tls-key together');
  if (publicUrl !== undefined && !URL.canParse(publicUrl)) throw new Error('--public-url: must be a URL');
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error('--port: must be 0 to 65535');
  const tls = certFile === undefined || keyFile === undefined ? {} : { tls: { certFile, keyFile } };
  const listen = { host: values.listen, port, behindProxy: values['behind-proxy'], ...tls };
  return { files: values, tokensFile: values.tokens, listen, uiUrl, publicUrl };
}

/** The hosts of `ZVM_GATEWAY_HOSTS` if given, else of the files. */
function servedHosts(files: Parameters<typeof configurationOf>[0]): { hosts: GatewayHost[]; logLevel: string } {
  const { env } = process;
  if (env.ZVM_GATEWAY_HOSTS !== undefined)
    return {
      hosts: variable(env, 'ZVM_GATEWAY_HOSTS', GatewayHosts),
      logLevel: env.ZVM_GATEWAY_LOG_LEVEL ?? 'info',
    };
  const { hosts, worker } = configurationOf(files);
  return {
    hosts: hosts.map(gatewayHostOf),
    logLevel: worker.logLevel,
  };
}

main().catch(endWithFailure);
