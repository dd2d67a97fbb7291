import { z } from '@hono/zod-openapi';
import { ScheduleNotFoundError } from '@temporalio/client';
import type { Context } from 'hono';
import { describeOperation, listOperations } from '../client/operations.ts';
import type { PortView } from '../network/host-view.ts';
import type { GatewayHost } from './options.ts';
import { notFound } from './problem.ts';
import {
  type App,
  ChangeHeaders,
  type Env,
  hostFor,
  newApp,
  operationBody,
  permit,
  readingOf,
  requestSubject,
  route,
  type Services,
  STARTED,
  startAndAnswer,
  tagged,
} from './routing.ts';
import {
  Drift,
  DryRun,
  GuestRow,
  Host,
  HostParam,
  HostPicture,
  Operations,
  Paging,
  PortRow,
  UseridParam,
  VswitchParam,
  VswitchRow,
} from './schemas.ts';
import { allows } from './tokens.ts';

const OfHost = z.object({ host: HostParam });
const OfVswitch = OfHost.extend({ vswitch: VswitchParam });
const GuestFilter = Paging.extend({
  userid: UseridParam.optional().openapi({ description: 'Userids that begin so' }),
  drifted: z.enum(['true', 'false']).optional(),
});
const PortFilter = Paging.extend({
  userid: UseridParam.optional(),
  vswitch: VswitchParam.optional(),
  vlan: z.coerce.number().int().min(1).max(4094).optional().openapi({ type: 'integer', minimum: 1, maximum: 4094 }),
});

/** Hosts, their VSWITCHes, guests and ports, reconciliation and drift. */
export function hostRoutes(services: Services): App {
  const app = newApp();
  const { options, state } = services;
  const viewOf = (host: string) => readingOf(() => state.get(host));

  app.openapi(
    route(
      {
        method: 'get',
        path: '/v1/hosts',
        operationId: 'listHosts',
        tags: ['Hosts'],
        summary: 'The z/VM systems that are served here',
      },
      { 200: { description: 'The hosts that the caller may read', schema: z.object({ hosts: z.array(Host) }) } },
    ),
    async (context) => {
      permit(context, 'read');
      const caller = context.get('caller');
      const mine = options.hosts.filter(({ host }) => caller === undefined || allows(caller, 'read', host));
      return context.json({ hosts: await Promise.all(mine.map((host) => hostBody(services, host))) }, 200);
    },
  );

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
      { 200: { description: 'The host', schema: Host } },
    ),
    async (context) => {
      const host = hostFor(context, services, context.req.valid('param').host, 'read');
      return tagged(context, await hostBody(services, host));
    },
  );

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
      { 200: { description: 'The VSWITCHes', schema: z.object({ vswitches: z.array(VswitchRow) }) } },
    ),
    async (context) => {
      const { host } = hostFor(context, services, context.req.valid('param').host, 'read');
      return tagged(context, { vswitches: (await viewOf(host)).vswitches });
    },
  );

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
      { 200: { description: 'The VSWITCH', schema: VswitchRow } },
    ),
    async (context) => {
      const { host, vswitch } = context.req.valid('param');
      hostFor(context, services, host, 'read');
      const found = (await viewOf(host)).vswitches.find(({ name }) => name === vswitch.toUpperCase());
      if (found === undefined) throw notFound(`VSWITCH ${vswitch} on ${host}`);
      return tagged(context, found);
    },
  );

  const vswitchOperation = async (context: Context<Env>, type: 'ensureVswitch' | 'deleteVswitch', extra: object) => {
    const { host = '', vswitch = '' } = context.req.param() as { host?: string; vswitch?: string };
    hostFor(context, services, host, 'change');
    const name = vswitch.toUpperCase();
    return startAndAnswer(context, services, {
      type,
      host,
      // One at a time changes a VSWITCH.
      workflowId: `vswitch/${host}/${name}`,
      input: { host, vswitch: name, dryRun: context.req.query('dryRun') === 'true', ...extra },
      summary: `${type === 'ensureVswitch' ? 'ensure' : 'delete'} VSWITCH ${name} on ${host}`,
    });
  };

  app.openapi(
    route(
      {
        method: 'put',
        path: '/v1/hosts/{host}/vswitches/{vswitch}',
        operationId: 'ensureVswitch',
        tags: ['VSWITCHes'],
        summary: 'Make a VSWITCH as the configuration says',
        request: {
          params: OfVswitch,
          headers: ChangeHeaders,
          query: z.object({ dryRun: z.enum(['true', 'false']).optional() }),
        },
      },
      STARTED,
    ),
    (context) => vswitchOperation(context, 'ensureVswitch', {}),
  );

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
          headers: ChangeHeaders,
          query: z.object({
            dryRun: z.enum(['true', 'false']).optional(),
            force: z.enum(['true', 'false']).optional(),
          }),
        },
      },
      STARTED,
    ),
    (context) => vswitchOperation(context, 'deleteVswitch', { force: context.req.query('force') === 'true' }),
  );

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
        },
      },
    ),
    async (context) => {
      const { host } = hostFor(context, services, context.req.valid('param').host, 'read');
      const { userid = '', drifted, limit, after } = context.req.valid('query');
      const guests = (await viewOf(host)).guests.filter(
        (guest) =>
          guest.userid.startsWith(userid.toUpperCase()) &&
          (drifted === undefined || guest.drift.length > 0 === (drifted === 'true')),
      );
      const page = pageOf(guests, (guest) => guest.userid, limit, after);
      return tagged(context, { guests: page.items, ...page.next });
    },
  );

  app.openapi(
    route(
      {
        method: 'get',
        path: '/v1/hosts/{host}/ports',
        operationId: 'listPorts',
        tags: ['Ports'],
        summary: 'Recorded ports, with what z/VM has of them',
        request: { params: OfHost, query: PortFilter },
      },
      {
        200: {
          description: 'A page of ports',
          schema: z.object({ ports: z.array(PortRow), next: z.string().optional() }),
        },
      },
    ),
    async (context) => {
      const { host } = hostFor(context, services, context.req.valid('param').host, 'read');
      const { userid, vswitch, vlan, limit, after } = context.req.valid('query');
      const ports = (await viewOf(host)).guests
        .flatMap((guest) => guest.ports)
        .filter(
          (port) =>
            (userid === undefined || port.userid === userid.toUpperCase()) &&
            (vswitch === undefined || port.vswitch === vswitch.toUpperCase()) &&
            (vlan === undefined || isOn(port, vlan)),
        )
        .toSorted((one, other) => (one.portId < other.portId ? -1 : 1));
      const page = pageOf(ports, (port) => port.portId, limit, after);
      return tagged(context, { ports: page.items, ...page.next });
    },
  );

  app.openapi(
    route(
      {
        method: 'get',
        path: '/v1/hosts/{host}/drift',
        operationId: 'showDrift',
        tags: ['Reconciliation'],
        summary: 'What is not as it is recorded',
        request: { params: OfHost },
      },
      { 200: { description: 'Drift, and what is foreign', schema: Drift } },
    ),
    async (context) => {
      const { host } = hostFor(context, services, context.req.valid('param').host, 'read');
      const { guests } = await viewOf(host);
      return tagged(context, {
        host,
        guests: guests.filter(({ drift }) => drift.length > 0).map(({ userid, drift }) => ({ userid, lines: drift })),
        foreign: guests.flatMap(({ userid, foreignNics }) =>
          foreignNics.map(({ vdev, vswitch }) => ({ userid, vdev, vswitch })),
        ),
      });
    },
  );

  app.openapi(
    route(
      {
        method: 'get',
        path: '/v1/hosts/{host}/picture',
        operationId: 'showPicture',
        tags: ['Hosts'],
        summary: 'All that the picture of a host is drawn from',
        request: { params: OfHost },
      },
      { 200: { description: 'VSWITCHes and guests', schema: HostPicture } },
    ),
    async (context) => {
      const { host } = hostFor(context, services, context.req.valid('param').host, 'read');
      return tagged(context, await viewOf(host));
    },
  );

  app.openapi(
    route(
      {
        method: 'post',
        path: '/v1/hosts/{host}/reconciliations',
        operationId: 'reconcile',
        tags: ['Reconciliation'],
        summary: 'Reconcile a host now, beside its Schedule',
        request: {
          params: OfHost,
          headers: ChangeHeaders,
          body: { content: { 'application/json': { schema: DryRun } }, required: false },
        },
      },
      STARTED,
    ),
    async (context) => {
      const { host } = hostFor(context, services, context.req.valid('param').host, 'reconcile');
      const input = { host, dryRun: context.req.valid('json')?.dryRun ?? false };
      const { subject, once } = requestSubject(context, 'now', input);
      return startAndAnswer(context, services, {
        type: 'reconcileHost',
        host,
        workflowId: `reconcile/${host}/${subject}`,
        input,
        summary: `reconcile ${host}`,
        ...(once === undefined ? {} : { once }),
      });
    },
  );

  app.openapi(
    route(
      {
        method: 'get',
        path: '/v1/hosts/{host}/reconciliations',
        operationId: 'listReconciliations',
        tags: ['Reconciliation'],
        summary: 'The last reconciliations, with what they found and did',
        request: { params: OfHost, query: z.object({ limit: Paging.shape.limit }) },
      },
      { 200: { description: 'The newest first', schema: Operations } },
    ),
    async (context) => {
      const { host } = hostFor(context, services, context.req.valid('param').host, 'read');
      const limit = Math.min(20, context.req.valid('query').limit);
      const runs = await listOperations(options.client, { host, type: 'reconcileHost' }, limit);
      const whole = await Promise.all(
        runs.map(async (run) => (await describeOperation(options.client, run.id, run.runId)) ?? run),
      );
      return context.json({ operations: whole.map((run) => operationBody(context, services, run)) } as never, 200);
    },
  );
  return app;
}

function isOn({ network }: PortView, vlan: number): boolean {
  if (network.type === 'flat') return false;
  return network.type === 'vlan' ? network.segmentationId === vlan : network.segmentationIds.some((id) => id === vlan);
}

function pageOf<Item>(items: readonly Item[], keyOf: (item: Item) => string, limit: number, after: string | undefined) {
  const from = after === undefined ? 0 : items.findIndex((item) => keyOf(item) > after);
  const page = from < 0 ? [] : items.slice(from, from + limit);
  const last = page.at(-1);
  const more = from >= 0 && from + limit < items.length && last !== undefined;
  return { items: page, next: more ? { next: keyOf(last) } : {} };
}

async function hostBody({ options }: Services, { host, physicalNetworks }: GatewayHost) {
  return { host, physicalNetworks, reconciliation: await scheduleOf(options.client, host) };
}

async function scheduleOf(client: Services['options']['client'], host: string) {
  try {
    const { state, info } = await client.schedule.getHandle(`reconcile/${host}`).describe();
    const last = info.recentActions.at(-1)?.takenAt.toISOString();
    const next = info.nextActionTimes[0]?.toISOString();
    return {
      paused: state.paused,
      note: state.note ?? '',
      ...(last === undefined ? {} : { last }),
      ...(next === undefined ? {} : { next }),
    };
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return null;
    throw error;
  }
}
