import { configuredTarget, connectClient } from '../client/temporal-connection.ts';
import { defined } from '../domain/defined.ts';
import { TokenFile } from '../gateway/http/tokens.ts';
import { createLambdaHandler } from '../gateway/lambda.ts';
import { OidcFile } from '../gateway/oidc/file.ts';
import { GatewayHosts, variable } from '../gateway/options.ts';
import { oidcOf } from '../runtime/gateway/oidc-file.ts';
import { createLogger } from '../runtime/process/logging.ts';

type Handler = ReturnType<typeof createLambdaHandler>;

/**
 * The handler from the environment, which needs no xCAT password: the hosts, the tokens (the text of a token file), identity providers if there are any, and Temporal by `TEMPORAL_*`.
 * Throws an Error that names the wrong variable, but not its content.
 */
async function configured(env: NodeJS.ProcessEnv): Promise<Handler> {
  const hosts = variable(env, 'ZVM_GATEWAY_HOSTS', GatewayHosts);
  const { tokens } = variable(env, 'ZVM_GATEWAY_TOKENS', TokenFile);
  const oidc =
    env.ZVM_GATEWAY_OIDC === undefined ? undefined : oidcOf(variable(env, 'ZVM_GATEWAY_OIDC', OidcFile).issuers);
  const { ZVM_GATEWAY_UI_URL: uiUrl, ZVM_GATEWAY_PUBLIC_URL: publicUrl } = env;
  const logger = createLogger(env.ZVM_GATEWAY_LOG_LEVEL ?? 'info');
  const target = configuredTarget();
  const { client } = await connectClient(target);
  return createLambdaHandler({
    client,
    namespace: target.namespace,
    hosts,
    tokens,
    oidc,
    ...defined({ uiUrl, publicUrl }),
    log: (level, fields, message) => logger[level](fields, message),
  });
}

let handlerPromise: Promise<Handler> | undefined;

/** The entry point of a serverless function. The first event reads the environment and connects; later events use the same connection. */
export const handler: Handler = (async (event, context) => {
  handlerPromise ??= configured(process.env).catch((error: unknown) => {
    // The next event retries.
    handlerPromise = undefined;
    throw error;
  });
  return (await handlerPromise)(event, context);
}) as Handler;
