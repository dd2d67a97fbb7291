import { configuredTarget, connectClient } from '../client/temporal-connection.ts';
import { TokenFile } from '../gateway/http/tokens.ts';
import { createLambdaHandler } from '../gateway/lambda.ts';
import { GatewayHosts, variable } from '../runtime/gateway/gateway-environment.ts';
import { createLogger } from '../runtime/process/logging.ts';

type Handler = ReturnType<typeof createLambdaHandler>;

/**
 * Everything from the environment, so that no xCAT password has to be there: the hosts, the tokens (the text of a token file), and Temporal by
 * `TEMPORAL_*`. Throws an Error that names the variable that is wrong, but not what is in it.
 */
async function configured(env: NodeJS.ProcessEnv): Promise<Handler> {
  const hosts = variable(env, 'ZVM_GATEWAY_HOSTS', GatewayHosts);
  const { tokens } = variable(env, 'ZVM_GATEWAY_TOKENS', TokenFile);
  const { ZVM_GATEWAY_UI_URL: uiUrl, ZVM_GATEWAY_PUBLIC_URL: publicUrl } = env;
  const logger = createLogger(env.ZVM_GATEWAY_LOG_LEVEL ?? 'info');
  const target = configuredTarget();
  const { client } = await connectClient(target);
  return createLambdaHandler({
    client,
    namespace: target.namespace,
    hosts,
    tokens,
    ...(uiUrl === undefined ? {} : { uiUrl }),
    ...(publicUrl === undefined ? {} : { publicUrl }),
    log: (level, fields, message) => logger[level](fields, message),
  });
}

let answering: Promise<Handler> | undefined;

/** The entry of a serverless function: reads the environment and connects with the first event, and stays connected for those after. */
export const handler: Handler = (async (event, context) => {
  answering ??= configured(process.env).catch((error: unknown) => {
    // The next event tries anew.
    answering = undefined;
    throw error;
  });
  return (await answering)(event, context);
}) as Handler;
