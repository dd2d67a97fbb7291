import type { Context } from 'hono';
import type { GatewayOptions } from '../options.ts';
import { wantsTokens } from './middleware.ts';
import type { App } from './routing.ts';

const VERSION = '1.0.0';

const TAGS: Readonly<Record<string, string>> = {
  Hosts: 'z/VM systems',
  VSWITCHes: 'Virtual switches, created and deleted as configured',
  Guests: 'Virtual machines',
  Ports: 'Ports of guests: record, authorisation and user directory',
  NICs: 'NICs of running guests',
  Operations: 'Changes in progress, and ended changes',
  Restore: "Open operations after a restore of Temporal's database",
  Reconciliation: 'Drift from the record, and its repair',
  Notifications: 'Deliveries of events to webhooks',
  Service: 'Health and metrics of the gateway',
};

/** `/openapi.json`, made once from the schemas of the routes. Without tokens it has no security scheme. */
export function openApiRoute(app: App, { publicUrl, ...options }: GatewayOptions): void {
  if (wantsTokens(options))
    app.openAPIRegistry.registerComponent('securitySchemes', 'token', {
      type: 'http',
      scheme: 'bearer',
      description: 'A token, made by `npm run gateway-token` or given by an identity provider',
    });
  describeService(app);
  const document = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'networking-zvm',
      version: VERSION,
      description:
        'Networking of z/VM guests: ports, NICs, VLANs and VSWITCHes. A change is a durable operation: the answer is 202 with its `Location`, or with `Prefer: wait=N` its outcome. A resource has an ETag; a change with `If-Match` is made only while the resource has that ETag, else the answer is 412.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
      contact: { name: 'networking-zvm' },
    },
    servers: [{ url: publicUrl?.replace(/\/+$/, '') || '/', description: 'This gateway' }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
  });
  for (const operations of Object.values(document.paths ?? {}))
    for (const operation of Object.values(operations) as Operation[]) complete(operation, wantsTokens(options));
  app.get('/openapi.json', (context: Context) => context.json(document as never));
}

type Operation = { summary?: string; description?: string; security?: unknown };

function complete(operation: Operation, withTokens: boolean): void {
  operation.description ??= `${operation.summary}.`;
  if (!withTokens) operation.security = [];
}

/** Paths of the service itself: they are not operations on z/VM and have no schema. */
function describeService(app: App): void {
  const plain = (path: string, operationId: string, summary: string, type: string, withToken: boolean, more = {}) =>
    app.openAPIRegistry.registerPath({
      method: 'get',
      path,
      operationId,
      summary,
      tags: ['Service'],
      security: withToken ? [{ token: [] }] : [],
      ...more,
      responses: {
        200: {
          description: 'The current state',
          content: { [type]: { schema: { type: type === 'application/json' ? 'object' : 'string' } } },
        },
        ...Object.fromEntries(
          (withToken ? [401, 403, 404, 429] : [503]).map((status) => [
            status,
            { description: 'A problem', content: { 'application/problem+json': { schema: PROBLEM } } },
          ]),
        ),
      },
    });
  plain('/healthz', 'health', 'The gateway runs', 'application/json', false);
  plain('/readyz', 'readiness', 'Temporal accepts changes', 'application/json', false);
  plain('/metrics', 'metrics', 'Metrics for Prometheus', 'text/plain', true);
  plain(
    '/v1/hosts/{host}/events',
    'events',
    "A host's state and operations as they change",
    'text/event-stream',
    true,
    {
      parameters: [
        { name: 'host', in: 'path', required: true, description: 'A z/VM system', schema: { type: 'string' } },
      ],
    },
  );
}

const PROBLEM = { $ref: '#/components/schemas/Problem' };
