import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { OPERATIONS } from '../../domain/operations/operations.ts';
import { checkConditions, isConditional, tagged, tagOf } from '../http/etag.ts';
import { startAlone } from '../http/idempotent-start.ts';
import { notFound } from '../http/problem.ts';
import {
  type App,
  ChangeHeaders,
  ConditionalHeaders,
  CreateHeaders,
  GuestOperationQuery,
  HostOperationQuery,
  hostFor,
  newApp,
  optionOf,
  route,
  type Services,
  STARTED,
  starts,
} from '../http/routing.ts';
import { OfHost, OfVswitch, VswitchRow } from '../schemas.ts';

type Vswitch = z.output<typeof OfVswitch>;

/** VSWITCHes, and the NICs of the DHCP node and the management node on them, as configured. */
export function vswitchRoutes(services: Services): App {
  const app = newApp();
  for (const add of [
    listVswitchesRoute,
    showVswitchRoute,
    ensureVswitchRoute,
    deleteVswitchRoute,
    ensureDhcpRoute,
    ensureManagementNetworkRoute,
  ])
    add(app, services);
  return app;
}

function listVswitchesRoute(app: App, services: Services): void {
  app.openapi(
    route(
      {
        method: 'get',
        path: '/v1/hosts/{host}/vswitches',
        operationId: 'listVswitches',
        tags: ['VSWITCHes'],
        summary: 'The VSWITCHes of z/VM',
        request: { params: OfHost },
      },
      { 200: { description: 'The VSWITCHes', schema: z.object({ vswitches: z.array(VswitchRow) }), tagged: true } },
    ),
    async (context) => {
      const { host } = hostFor(context, services, context.req.valid('param').host, 'read');
      return tagged(context, { vswitches: (await services.state.get(host)).vswitches });
    },
  );
}

function showVswitchRoute(app: App, services: Services): void {
  app.openapi(
    route(
      {
        method: 'get',
        path: '/v1/hosts/{host}/vswitches/{vswitch}',
        operationId: 'showVswitch',
        tags: ['VSWITCHes'],
        summary: 'A VSWITCH: uplinks, authorisations, coupled NICs',
        request: { params: OfVswitch },
      },
      { 200: { description: 'The VSWITCH', schema: VswitchRow, tagged: true } },
    ),
    async (context) => {
      const { host, vswitch } = context.req.valid('param');
      hostFor(context, services, host, 'read');
      const found = await findVswitch(services, { host, vswitch });
      if (found === undefined) throw notFound(`VSWITCH ${vswitch} on ${host}`);
      return tagged(context, found);
    },
  );
}

function ensureVswitchRoute(app: App, services: Services): void {
  app.openapi(
    route(
      {
        method: 'put',
        path: '/v1/hosts/{host}/vswitches/{vswitch}',
        ...starts('ensureVswitch', 'VSWITCHes'),
        request: { params: OfVswitch, headers: CreateHeaders, query: HostOperationQuery },
      },
      STARTED,
    ),
    async (context) => {
      const target = context.req.valid('param');
      hostFor(context, services, target.host, 'change');
      const input = { ...target, ...context.req.valid('query') };
      return startAlone(context, services, { type: 'ensureVswitch', input }, () =>
        checkVswitch(context, services, target),
      );
    },
  );
}

function deleteVswitchRoute(app: App, services: Services): void {
  app.openapi(
    route(
      {
        method: 'delete',
        path: '/v1/hosts/{host}/vswitches/{vswitch}',
        ...starts('deleteVswitch', 'VSWITCHes'),
        request: {
          params: OfVswitch,
          headers: ConditionalHeaders,
          query: HostOperationQuery.extend({ force: optionOf(OPERATIONS.deleteVswitch.input.shape.force) }),
        },
      },
      STARTED,
    ),
    async (context) => {
      const target = context.req.valid('param');
      hostFor(context, services, target.host, 'change');
      const input = { ...target, ...context.req.valid('query') };
      return startAlone(context, services, { type: 'deleteVswitch', input }, () =>
        checkVswitch(context, services, target),
      );
    },
  );
}

function ensureDhcpRoute(app: App, services: Services): void {
  app.openapi(
    route(
      {
        method: 'put',
        path: '/v1/hosts/{host}/dhcp',
        ...starts('ensureDhcp', 'Hosts'),
        request: { params: OfHost, headers: ChangeHeaders, query: GuestOperationQuery },
      },
      STARTED,
    ),
    (context) => {
      const { host } = context.req.valid('param');
      hostFor(context, services, host, 'change');
      const input = { host, ...context.req.valid('query') };
      return startAlone(context, services, { type: 'ensureDhcp', input });
    },
  );
}

function ensureManagementNetworkRoute(app: App, services: Services): void {
  app.openapi(
    route(
      {
        method: 'put',
        path: '/v1/hosts/{host}/management-network',
        ...starts('ensureManagementNetwork', 'Hosts'),
        request: { params: OfHost, headers: ChangeHeaders, query: HostOperationQuery },
      },
      STARTED,
    ),
    (context) => {
      const { host } = context.req.valid('param');
      hostFor(context, services, host, 'change');
      const input = { host, ...context.req.valid('query') };
      return startAlone(context, services, { type: 'ensureManagementNetwork', input });
    },
  );
}

async function findVswitch({ state }: Services, { host, vswitch }: Vswitch) {
  return (await state.get(host)).vswitches.find(({ name }) => name === vswitch.toUpperCase());
}

/** Throws a Problem when the VSWITCH does not meet the request's conditions. */
async function checkVswitch(context: Context, services: Services, target: Vswitch): Promise<object> {
  if (!isConditional(context)) return {};
  services.state.changed(target.host);
  const found = await findVswitch(services, target);
  checkConditions(context, found === undefined ? undefined : tagOf(found));
  return {};
}
