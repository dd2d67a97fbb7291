import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { vswitchOperation } from '../client/vswitch-operation.ts';
import { dhcpWorkflowId, managementNetworkWorkflowId } from '../temporal-config/names.ts';
import { checkConditions, isConditional, tagged, tagOf } from './conditions.ts';
import { notFound } from './problem.ts';
import {
  type App,
  ChangeHeaders,
  ConditionalHeaders,
  CreateHeaders,
  flag,
  GuestOperationQuery,
  HostOperationQuery,
  hostFor,
  newApp,
  route,
  type Services,
  STARTED,
} from './routing.ts';
import { OfHost, VswitchParam, VswitchRow } from './schemas.ts';
import { startAlone } from './starting.ts';

const OfVswitch = OfHost.extend({ vswitch: VswitchParam });
type Vswitch = z.output<typeof OfVswitch>;

/** VSWITCHes, and the NICs that DHCP and the management node have on them: what a host's configuration says. */
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
        summary: 'The VSWITCHes that z/VM has',
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
        operationId: 'ensureVswitch',
        tags: ['VSWITCHes'],
        summary: 'Make a VSWITCH as the configuration says',
        request: { params: OfVswitch, headers: CreateHeaders, query: HostOperationQuery },
      },
      STARTED,
    ),
    async (context) => {
      const target = context.req.valid('param');
      hostFor(context, services, target.host, 'change');
      const operation = vswitchOperation('ensureVswitch', target.host, target.vswitch, context.req.valid('query'));
      return startAlone(context, services, operation, () => checkVswitch(context, services, target));
    },
  );
}

function deleteVswitchRoute(app: App, services: Services): void {
  app.openapi(
    route(
      {
        method: 'delete',
        path: '/v1/hosts/{host}/vswitches/{vswitch}',
        operationId: 'deleteVswitch',
        tags: ['VSWITCHes'],
        summary: 'Delete a VSWITCH that this project may delete',
        request: {
          params: OfVswitch,
          headers: ConditionalHeaders,
          query: HostOperationQuery.extend({ force: flag('Also when NICs are coupled or ports recorded') }),
        },
      },
      STARTED,
    ),
    async (context) => {
      const target = context.req.valid('param');
      hostFor(context, services, target.host, 'change');
      const operation = vswitchOperation('deleteVswitch', target.host, target.vswitch, context.req.valid('query'));
      return startAlone(context, services, operation, () => checkVswitch(context, services, target));
    },
  );
}

function ensureDhcpRoute(app: App, services: Services): void {
  app.openapi(
    route(
      {
        method: 'put',
        path: '/v1/hosts/{host}/dhcp',
        operationId: 'ensureDhcp',
        tags: ['Hosts'],
        summary: "Give the host's DHCP node its NICs on the host's networks",
        request: { params: OfHost, headers: ChangeHeaders, query: GuestOperationQuery },
      },
      STARTED,
    ),
    (context) => {
      const { host } = hostFor(context, services, context.req.valid('param').host, 'change');
      return startAlone(context, services, {
        type: 'ensureDhcp',
        host,
        workflowId: dhcpWorkflowId(host),
        input: { host, ...context.req.valid('query') },
        summary: `give the DHCP node of ${host} its NICs`,
      });
    },
  );
}

function ensureManagementNetworkRoute(app: App, services: Services): void {
  app.openapi(
    route(
      {
        method: 'put',
        path: '/v1/hosts/{host}/management-network',
        operationId: 'ensureManagementNetwork',
        tags: ['Hosts'],
        summary: 'Give the management node its NIC on the management network',
        request: { params: OfHost, headers: ChangeHeaders, query: HostOperationQuery },
      },
      STARTED,
    ),
    (context) => {
      const { host } = hostFor(context, services, context.req.valid('param').host, 'change');
      return startAlone(context, services, {
        type: 'ensureManagementNetwork',
        host,
        workflowId: managementNetworkWorkflowId(host),
        input: { host, ...context.req.valid('query') },
        summary: `give the management node its NIC for ${host}`,
      });
    },
  );
}

async function findVswitch({ state }: Services, { host, vswitch }: Vswitch) {
  return (await state.get(host)).vswitches.find(({ name }) => name === vswitch.toUpperCase());
}

/** Throws a Problem when the VSWITCH is not as the request says. */
async function checkVswitch(context: Context, services: Services, target: Vswitch): Promise<object> {
  if (!isConditional(context)) return {};
  services.state.changed(target.host);
  const found = await findVswitch(services, target);
  checkConditions(context, found === undefined ? undefined : tagOf(found));
  return {};
}
