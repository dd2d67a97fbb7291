import { getConnInfo, handle } from 'hono/aws-lambda';
import { createGateway } from './app.ts';
import type { GatewayOptions } from './options.ts';

type Handler = ReturnType<typeof handle>;
type Event = Parameters<Handler>[0];

// API Gateway gives an integration 29 seconds.
const LONGEST_SECONDS = 25;

/** The gateway behind a serverless API gateway: AWS API Gateway, REST (events 1.0) and HTTP APIs (2.0), and function URLs. */
export function createLambdaHandler(options: GatewayOptions): Handler {
  const gateway = createGateway({
    addressOf: (context) => getConnInfo(context).remote.address,
    ...options,
    limits: {
      waitSeconds: LONGEST_SECONDS,
      readSeconds: LONGEST_SECONDS - 2,
      // The answer to an event is sent whole.
      streamSeconds: 0,
      ...options.limits,
    },
  });
  const answer = handle(gateway);
  const publicPath = options.publicUrl === undefined ? '' : new URL(options.publicUrl).pathname.replace(/\/+$/, '');
  return ((event, context) => answer(asRequested(event, publicPath), context)) as Handler;
}

/**
 * API Gateway hands over decoded paths, though a userid may have `#`, and with the prefix of their publication: the stage of an HTTP API, the
 * base path of a custom domain.
 */
function asRequested(event: Event, publicPath: string): Event {
  if (!('rawPath' in event) && !('path' in event))
    throw new Error('the event is not an HTTP request: invoke the function by API Gateway or its function URL');
  const encode = (path: string) => path.replaceAll(/[#?]/g, encodeURIComponent);
  if (!('rawPath' in event)) return { ...event, path: encode(without(event.path, publicPath)) };
  const { stage } = event.requestContext;
  const path = without(without(event.rawPath, publicPath), stage === undefined ? '' : `/${stage}`);
  return { ...event, rawPath: encode(path) };
}

function without(path: string, prefix: string): string {
  return prefix !== '' && path.startsWith(`${prefix}/`) ? path.slice(prefix.length) : path;
}
