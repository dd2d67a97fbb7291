import { z } from '@hono/zod-openapi';
import {
  type App,
  ConditionalHeaders,
  hostFor,
  jsonOf,
  newApp,
  PortOperationQuery,
  route,
  type Services,
  STARTED,
} from '../http/routing.ts';
import { NewNics, OfGuest, OfPort, PortIdParam } from '../schemas.ts';
import { startOnGuest } from './guest-operation.ts';

const SomePorts = z.preprocess(
  (given) => (given === undefined || Array.isArray(given) ? given : [given]),
  z.array(PortIdParam).min(1).max(64),
);

/** NICs of running guests: attach, detach. */
export function nicRoutes(services: Services): App {
  const app = newApp();
  for (const add of [attachNicsRoute, detachNicRoute, detachNicsRoute]) add(app, services);
  return app;
}

function attachNicsRoute(app: App, services: Services): void {
  app.openapi(
    route(
      {
        method: 'post',
        path: '/v1/hosts/{host}/guests/{userid}/nics',
        operationId: 'attachNics',
        tags: ['NICs'],
        summary: 'Make ports live on the running guest; those that are not recorded yet are created',
        request: { params: OfGuest, headers: ConditionalHeaders, query: PortOperationQuery, body: jsonOf(NewNics) },
      },
      STARTED,
    ),
    async (context) => {
      const { host, userid } = context.req.valid('param');
      const { ports } = context.req.valid('json');
      hostFor(context, services, host, 'change');
      const portIds = ports.map((port) => port.portId);
      return startOnGuest(
        context,
        services,
        'attachNic',
        { host, userid, portIds, whole: true },
        { ports },
        context.req.valid('query'),
      );
    },
  );
}

function detachNicRoute(app: App, services: Services): void {
  app.openapi(
    route(
      {
        method: 'delete',
        path: '/v1/hosts/{host}/guests/{userid}/nics/{portId}',
        operationId: 'detachNic',
        tags: ['NICs'],
        summary: 'Take a NIC from the running guest; the port stays',
        request: { params: OfPort, headers: ConditionalHeaders, query: PortOperationQuery },
      },
      STARTED,
    ),
    async (context) => {
      const { host, userid, portId } = context.req.valid('param');
      hostFor(context, services, host, 'change');
      const portIds = [portId];
      return startOnGuest(
        context,
        services,
        'detachNic',
        { host, userid, portIds },
        { portIds },
        context.req.valid('query'),
      );
    },
  );
}

function detachNicsRoute(app: App, services: Services): void {
  app.openapi(
    route(
      {
        method: 'delete',
        path: '/v1/hosts/{host}/guests/{userid}/nics',
        operationId: 'detachNics',
        tags: ['NICs'],
        summary: 'Take several NICs from the running guest; the ports stay',
        request: {
          params: OfGuest,
          headers: ConditionalHeaders,
          query: PortOperationQuery.extend({
            port: SomePorts.openapi({
              type: 'array',
              items: { type: 'string', format: 'uuid' },
              minItems: 1,
              maxItems: 64,
              param: { explode: true, required: true, description: 'Once for each port' },
            }),
          }),
        },
      },
      STARTED,
    ),
    async (context) => {
      const { host, userid } = context.req.valid('param');
      hostFor(context, services, host, 'change');
      const { port: portIds, ...how } = context.req.valid('query');
      return startOnGuest(context, services, 'detachNic', { host, userid, portIds, whole: true }, { portIds }, how);
    },
  );
}
