import { once } from 'node:events';
import { connectClient, TEMPORAL_VARIABLES } from '../client/temporal-connection.ts';
import { runProgram, UsageError, type Values, wholeNumber } from '../command-line/program.ts';
import { defined } from '../domain/defined.ts';
import { type GatewayHost, GatewayHosts, variable } from '../gateway/options.ts';
import { readOidcFile } from '../runtime/gateway/oidc-file.ts';
import { gatewayHostOf, serveGateway } from '../runtime/gateway/server.ts';
import { watchTokens } from '../runtime/gateway/token-file.ts';
import { keepUses, useFileOf } from '../runtime/gateway/token-use.ts';
import { CONFIGURATION_OPTIONS, CONFIGURATION_VARIABLES, configurationOf } from '../runtime/process/configuration.ts';
import { createLogger } from '../runtime/process/logging.ts';
import { watchedTarget } from '../runtime/process/temporal-certificates.ts';
import { prepareExternal } from '../runtime/process/temporal-connection.ts';
import { startTracing, TRACING_VARIABLES } from '../runtime/telemetry/tracing.ts';

const OPTIONS = {
  ...CONFIGURATION_OPTIONS,
  tokens: {
    type: 'string',
    value: 'FILE',
    help: "the file of the callers' tokens; without it and --oidc, loopback only",
  },
  oidc: { type: 'string', value: 'FILE', help: 'the file of the identity providers whose tokens are accepted' },
  listen: { type: 'string', default: '127.0.0.1', value: 'ADDRESS', help: 'the address to listen on' },
  port: { type: 'string', default: '8088', value: 'N', help: 'the port to listen on; 0 takes a free one' },
  'tls-cert': { type: 'string', value: 'FILE', help: 'the certificate chain in PEM format: serves HTTPS' },
  'tls-key': { type: 'string', value: 'FILE', help: 'the key of the certificate in PEM format' },
  'ui-url': { type: 'string', value: 'URL', help: 'the base of the Temporal UI, for links to runs' },
  'public-url': { type: 'string', value: 'URL', help: 'the URL that callers use, with its path' },
  'behind-proxy': { type: 'boolean', default: false, help: 'trust the last entry of X-Forwarded-For' },
} as const;

async function main(given: Values<typeof OPTIONS>): Promise<void> {
  const { tokensFile, oidcFile, listen, uiUrl, publicUrl } = checked(given);
  const { hosts, logLevel } = servedHosts(given);
  const logger = createLogger(logLevel);
  const log = (level: 'info' | 'warn' | 'error', fields: Record<string, unknown>, message: string) =>
    logger[level](fields, message);
  const watched = tokensFile === undefined ? undefined : watchTokens(tokensFile, log);
  const oidc = oidcFile === undefined ? undefined : readOidcFile(oidcFile);
  const uses = tokensFile === undefined ? undefined : keepUses(useFileOf(tokensFile, process.env), log);
  const tracing = await startTracing('gateway');
  const { target, ...certificates } = watchedTarget(logger);
  await prepareExternal(target);
  const { client, close } = await connectClient(target);
  const gateway = await serveGateway(
    {
      client,
      namespace: target.namespace,
      hosts,
      tokens: watched?.tokens,
      oidc,
      ...defined({ uiUrl, publicUrl, used: uses?.used }),
      log,
    },
    listen,
  );
  logger.info({ url: gateway.url }, 'gateway listens');
  process.on('SIGHUP', () => {
    watched?.readAgain();
    gateway.readAgain();
    certificates.readAgain();
  });
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  await gateway.close();
  watched?.close();
  certificates.close();
  uses?.close();
  await close();
  await tracing.stop();
}

/** The options of the command line. Throws a UsageError that names the wrong option. */
function checked(values: Values<typeof OPTIONS>) {
  const { 'tls-cert': certFile, 'tls-key': keyFile, 'ui-url': uiUrl, 'public-url': publicUrl } = values;
  if ((certFile === undefined) !== (keyFile === undefined))
    throw new UsageError('give --tls-cert and --tls-key together');
  if (publicUrl !== undefined && !URL.canParse(publicUrl)) throw new UsageError('--public-url: must be a URL');
  const port = wholeNumber('--port', values.port, 0, 65_535);
  const tls = certFile === undefined || keyFile === undefined ? {} : { tls: { certFile, keyFile } };
  const listen = { host: values.listen, port, behindProxy: values['behind-proxy'], ...tls };
  return { tokensFile: values.tokens, oidcFile: values.oidc, listen, uiUrl, publicUrl };
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

runProgram(
  {
    name: 'gateway',
    does: 'Serves the HTTP API and the picture of the hosts that the files describe, until SIGINT or SIGTERM. SIGHUP reads tokens and certificate again.',
    options: OPTIONS,
    environment: {
      ZVM_GATEWAY_HOSTS: 'hosts and physical networks as JSON, in place of the files',
      STATE_DIRECTORY: 'the directory where the last use of tokens is kept, in place of that of their file',
      ZVM_GATEWAY_LOG_LEVEL: 'the log level, with ZVM_GATEWAY_HOSTS',
      ...CONFIGURATION_VARIABLES,
      ...TEMPORAL_VARIABLES,
      ...TRACING_VARIABLES,
    },
    exit: { 0: 'stopped by a signal' },
    example: '--config-file zvm.ini --tokens tokens.json --listen 0.0.0.0 --tls-cert cert.pem --tls-key key.pem',
  },
  main,
);
