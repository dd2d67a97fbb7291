import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { describeHost, pauseReconciliation } from '../../client/known-hosts.ts';
import { defined } from '../../domain/defined.ts';
import type { PortView } from '../../domain/host/host-view.ts';
import { OPERATIONS } from '../../domain/operations/operations.ts';
import { Userid, VswitchName } from '../../domain/text/identifiers.ts';
import { GuestRow, PortRow } from '../guest-schemas.ts';
import { allows } from '../http/callers.ts';
import { checkConditions, isConditional, tagged, tagOf } from '../http/etag.ts';
import { startAlone } from '../http/idempotent-start.ts';
import { notFound } from '../http/problem.ts';
import {
  type App,
  ChangeHeaders,
  ConditionalHeaders,
  type Env,
  HostOperationQuery,
  hostFor,
  jsonOf,
  newApp,
  PortOperationQuery,
  permit,
  route,
  type Services,
  STARTED,
  starts,
} from '../http/routing.ts';
import { VERBS } from '../http/tokens.ts';
import type { GatewayHost } from '../options.ts';
import { Host, HostChange, HostPicture, Migration, OfHost, Paging } from '../schemas.ts';

const GuestFilter = Paging.extend({
  userid: Userid.optional().openapi({ description: 'Prefix of the userids' }),
  drifted: z
    .enum(['true', 'false'])
    .optional()
    .openapi({ description: '`true`: guests with drift; `false`: guests without' }),
});
const PortFilter = Paging.extend({
  userid: Userid.optional(),
  vswitch: VswitchName.optional(),
  vlan: z.coerce
    .number()
    .int()
    .min(1)
    .max(4094)
    .optional()
    .openapi({ type: 'integer', minimum: 1, maximum: 4094, description: 'Ports on this VLAN, including trunks' }),
});

/** Hosts, and lists of their guests and ports. */
export function hostRoutes(services: Services): App {
  const app = newApp();
  for (const add of [
    listHostsRoute,
    showHostRoute,
    changeHostRoute,
    probeHostRoute,
    migrateHostRoute,
    listGuestsRoute,
    listPortsRoute,
    showPictureRoute,
  ])
    add(app, services);
  return app;
}

function listHostsRoute(app: App, services: Services): void {
  app.openapi(
    route(
      {
        method: 'get',
        path: '/v1/hosts',
        operationId: 'listHosts',
        tags: ['Hosts'],
        summary: 'The z/VM systems of this gateway',
      },
      {
        200: {
          description: 'The hosts that the caller may read',
          schema: z.object({ hosts: z.array(Host) }),
          tagged: true,
        },
      },
    ),
    async (context) => {
      permit(context, 'read');
      const caller = context.get('caller');
      const mine = services.options.hosts.filter(({ host }) => caller === undefined || allows(caller, 'read', host));
      return tagged(context, { hosts: await Promise.all(mine.map((host) => hostBody(context, services, host))) });
    },
  );
}

function showHostRoute(app: App, services: Services): void {
  app.openapi(
    route(
      {
        method: 'get',
        path: '/v1/hosts/{host}',
        operationId: 'showHost',
        tags: ['Hosts'],
        summary: 'A z/VM system',
        request: { params: OfHost },
      },
      { 200: { description: 'The host', schema: Host, tagged: true } },
    ),
    async (context) => {
      const host = hostFor(context, services, context.req.valid('param').host, 'read');
      return tagged(context, await hostBody(context, services, host));
    },
  );
}

function changeHostRoute(app: App, services: Services): void {
  app.openapi(
    route(
      {
        method: 'patch',
        path: '/v1/hosts/{host}',
        operationId: 'changeHost',
        tags: ['Hosts'],
        summary: 'Pause or resume the Schedule of reconciliation',
        request: {
          params: OfHost,
          headers: ConditionalHeaders.pick({ 'if-match': true }),
          body: jsonOf(HostChange),
        },
      },
      { 200: { description: 'The host after the change', schema: Host } },
    ),
    async (context) => {
      const host = hostFor(context, services, context.req.valid('param').host, 'reconcile');
      if (isConditional(context)) checkConditions(context, tagOf(await hostBody(context, services, host)));
      const { paused, note } = context.req.valid('json').reconciliation;
      if (!(await pauseReconciliation(services.options.client, host.host, paused, note)))
        throw notFound(`Schedule of the reconciliation of ${host.host}`);
      return context.json(await hostBody(context, services, host), 200);
    },
  );
}

function probeHostRoute(app: App, services: Services): void {
  app.openapi(
    route(
      {
        method: 'post',
        path: '/v1/hosts/{host}/probe',
        ...starts('probeHost', 'Hosts'),
        request: {
          params: OfHost,
          headers: ChangeHeaders,
          body: jsonOf(OPERATIONS.probeHost.input.omit({ host: true })),
        },
      },
      STARTED,
    ),
    (context) => {
      const { host } = context.req.valid('param');
      hostFor(context, services, host, 'change');
      return startAlone(context, services, { type: 'probeHost', input: { host, ...context.req.valid('json') } });
    },
  );
}

function migrateHostRoute(app: App, services: Services): void {
  app.openapi(
    route(
      {
        method: 'post',
        path: '/v1/hosts/{host}/migrate',
        ...starts('migrateHost', 'Hosts'),
        request: {
          params: OfHost,
          headers: ChangeHeaders,
          query: HostOperationQuery.extend({ plan: PortOperationQuery.shape.plan }),
          body: jsonOf(Migration),
        },
      },
      STARTED,
    ),
    (context) => {
      const { host } = context.req.valid('param');
      hostFor(context, services, host, 'change');
      const { plan, ...options } = context.req.valid('query');
      const onlyIf = plan === undefined ? undefined : { plan };
      const input = { host, ...context.req.valid('json'), ...options, ...defined({ onlyIf }) };
      return startAlone(context, services, { type: 'migrateHost', input });
    },
  );
}

function listGuestsRoute(app: App, services: Services): void {
  app.openapi(
    route(
      {
        method: 'get',
        path: '/v1/hosts/{host}/guests',
        operationId: 'listGuests',
        tags: ['Guests'],
        summary: 'Guests with their ports',
        request: { params: OfHost, query: GuestFilter },
      },
      {
        200: {
          description: 'A page of guests',
          schema: z.object({ guests: z.array(GuestRow), next: z.string().optional() }),
          tagged: true,
        },
      },
    ),
    async (context) => {
      const { host } = hostFor(context, services, context.req.valid('param').host, 'read');
      const { userid, drifted, limit, after } = context.req.valid('query');
      const guests = (await services.state.get(host)).guests.filter(
        (guest) =>
          guest.userid.startsWith(userid ?? '') &&
          (drifted === undefined || guest.drift.length > 0 === (drifted === 'true')),
      );
      const page = pageOf(guests, (guest) => guest.userid, limit, after);
      return tagged(context, { guests: page.items, ...page.next });
    },
  );
}

function listPortsRoute(app: App, services: Services): void {
  app.openapi(
    route(
      {
        method: 'get',
        path: '/v1/hosts/{host}/ports',
        operationId: 'listPorts',
        tags: ['Ports'],
        summary: 'Recorded ports with their state on z/VM',
        request: { params: OfHost, query: PortFilter },
      },
      {
        200: {
          description: 'A page of ports',
          schema: z.object({ ports: z.array(PortRow), next: z.string().optional() }),
          tagged: true,
        },
      },
    ),
    async (context) => {
      const { host } = hostFor(context, services, context.req.valid('param').host, 'read');
      const { userid, vswitch, vlan, limit, after } = context.req.valid('query');
      const ports = (await services.state.get(host)).guests
        .flatMap((guest) => guest.ports)
        .filter(
          (port) =>
            (userid === undefined || port.userid === userid) &&
            (vswitch === undefined || port.vswitch === vswitch) &&
            (vlan === undefined || isOn(port, vlan)),
        )
        .toSorted((one, other) => (one.portId < other.portId ? -1 : 1));
      const page = pageOf(ports, (port) => port.portId, limit, after);
      return tagged(context, { ports: page.items, ...page.next });
    },
  );
}

function showPictureRoute(app: App, services: Services): void {
  app.openapi(
    route(
      {
        method: 'get',
        path: '/v1/hosts/{host}/picture',
        operationId: 'showPicture',
        tags: ['Hosts'],
        summary: 'The state of a host for its picture',
        request: { params: OfHost },
      },
      { 200: { description: 'VSWITCHes and guests', schema: HostPicture, tagged: true } },
    ),
    async (context) => {
      const { host } = hostFor(context, services, context.req.valid('param').host, 'read');
      return tagged(context, await services.state.get(host));
    },
  );
}

function isOn({ network }: PortView, vlan: number): boolean {
  if (network.type === 'flat' || network.type === 'unreadable') return false;
  return network.type === 'vlan' ? network.segmentationId === vlan : network.segmentationIds.some((id) => id === vlan);
}

function pageOf<Item>(items: readonly Item[], keyOf: (item: Item) => string, limit: number, after: string | undefined) {
  const from = after === undefined ? 0 : items.findIndex((item) => keyOf(item) > after);
  const page = from < 0 ? [] : items.slice(from, from + limit);
  const last = page.at(-1);
  const more = from >= 0 && from + limit < items.length && last !== undefined;
  return { items: page, next: more ? { next: keyOf(last) } : {} };
}

/** A host with the names that the gateway's configuration has for it, and the verbs of the caller there. */
export async function hostBody(context: Context<Env>, { options }: Services, { host, physicalNetworks }: GatewayHost) {
  const caller = context.get('caller');
  const verbs = VERBS.filter((verb) => caller === undefined || allows(caller, verb, host));
  return { physicalNetworks, verbs, ...(await describeHost(options.client, host)) };
}
