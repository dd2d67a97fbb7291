import { type SSEStreamingApi, streamSSE } from 'hono/streaming';
import { listOperations, runUrl } from '../client/operations.ts';
import { type App, digestOf, hostFor, newApp, type Services } from './routing.ts';

/** Pages that look at a host get what is new this often. */
const LOOK_MS = 3_000;
const MOST_OPERATIONS = 30;

/** The picture's live part: a host's state and its operations as server-sent events, each when it has changed. */
export function liveRoutes(services: Services): App {
  const app = newApp();
  app.get('/v1/hosts/:host/events', (context) => {
    const { host } = hostFor(context, services, context.req.param('host'), 'read');
    return streamSSE(context, (stream) => follow(stream, services, host));
  });
  return app;
}

async function follow(stream: SSEStreamingApi, { options, state }: Services, host: string): Promise<void> {
  const sent = new Map<string, string>();
  const send = async (event: string, data: unknown) => {
    const digest = digestOf(data);
    if (sent.get(event) === digest) return;
    sent.set(event, digest);
    await stream.writeSSE({ event, data: JSON.stringify(data) });
  };
  while (!stream.aborted && !stream.closed) {
    try {
      await send('state', await state.get(host));
      const operations = await listOperations(options.client, { host }, MOST_OPERATIONS);
      await send(
        'operations',
        operations.map((operation) => ({
          ...operation,
          ...(options.uiUrl === undefined ? {} : { run: runUrl(options.uiUrl, options.namespace, operation) }),
        })),
      );
      await send('problem', null);
    } catch (error) {
      await send('problem', error instanceof Error ? 'z/VM or Temporal does not answer' : String(error));
    }
    await stream.sleep(LOOK_MS);
  }
}
