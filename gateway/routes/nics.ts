import { z } from '@hono/zod-openapi';
import { OPERATIONS } from '../../domain/operations/operations.ts';
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
  starts,
} from '../http/routing.ts';
import { NewNics, OfGuest, OfPort } from '../schemas.ts';
import { startOnGuest } from './guest-operation.ts';

const SomePorts = z.preprocess(
  (given) => (given === undefined || Array.isArray(given) ? given : [given]),
  OPERATIONS.detachNic.input.shape.portIds,
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
        ...starts('attachNic', 'NICs'),
        operationId: 'attachNics',
        request: { params: OfGuest, headers: ConditionalHeaders, query: PortOperationQuery, body: jsonOf(NewNics) },
      },
      STARTED,
    ),
    async (context) => {
      const { host, userid } = context.req.valid('param');
      hostFor(context, services, host, 'change');
      const { plan, ...options } = context.req.valid('query');
      const input = { host, userid, ...context.req.valid('json'), ...options };
      return startOnGuest(context, services, { type: 'attachNic', input }, { plan });
    },
  );
}

function detachNicRoute(app: App, services: Services): void {
  app.openapi(
    route(
      {
        method: 'delete',
        path: '/v1/hosts/{host}/guests/{userid}/nics/{portId}',
        ...starts('detachNic', 'NICs'),
        request: { params: OfPort, headers: ConditionalHeaders, query: PortOperationQuery },
      },
      STARTED,
    ),
    async (context) => {
      const { host, userid, portId } = context.req.valid('param');
      hostFor(context, services, host, 'change');
      const { plan, ...options } = context.req.valid('query');
      const input = { host, userid, portIds: [portId], ...options };
      return startOnGuest(context, services, { type: 'detachNic', input }, { plan, portId });
    },
  );
}

function detachNicsRoute(app: App, services: Services): void {
  app.openapi(
    route(
      {
        method: 'delete',
        path: '/v1/hosts/{host}/guests/{userid}/nics',
        ...starts('detachNic', 'NICs'),
        operationId: 'detachNics',
        request: {
          params: OfGuest,
          headers: ConditionalHeaders,
          query: PortOperationQuery.extend({
            port: SomePorts.openapi({
              type: 'array',
              items: { type: 'string', format: 'uuid' },
              minItems: 1,
              maxItems: 64,
              param: { explode: true, required: true, description: 'A port; repeat the parameter for each port' },
            }),
          }),
        },
      },
      STARTED,
    ),
    async (context) => {
      const { host, userid } = context.req.valid('param');
      hostFor(context, services, host, 'change');
      const { port: portIds, plan, ...options } = context.req.valid('query');
      const input = { host, userid, portIds, ...options };
      return startOnGuest(context, services, { type: 'detachNic', input }, { plan });
    },
  );
}
