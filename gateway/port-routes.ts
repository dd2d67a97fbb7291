import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { readGuestView } from '../client/read-state.ts';
import { ID_PREFIX } from '../client/start-operation.ts';
import type { ShownGuest } from '../network/host-view.ts';
import { notFound } from './problem.ts';
import {
  type App,
  ChangeHeaders,
  type Env,
  hostFor,
  matchOrRefuse,
  newApp,
  readingOf,
  requestSubject,
  route,
  type Services,
  STARTED,
  startAndAnswer,
  tagged,
} from './routing.ts';
import {
  Guest,
  HostParam,
  ManyPorts,
  NewNics,
  NewPort,
  Port,
  PortChange,
  PortIdParam,
  UseridParam,
} from './schemas.ts';

const OfGuest = z.object({ host: HostParam, userid: UseridParam });
const OfPort = OfGuest.extend({ portId: PortIdParam });
const json = <Schema extends z.ZodType>(schema: Schema) =>
  ({ content: { 'application/json': { schema } }, required: true }) as const;
const DryRunQuery = z.object({
  dryRun: z.enum(['true', 'false']).optional().openapi({ description: 'Only say what would be done' }),
});

type Type = keyof typeof ID_PREFIX;

/** Guests with their ports and NICs: read, create, change, delete. */
export function portRoutes(services: Services): App {
  const app = newApp();
  const { client } = services.options;
  const guestOf = (host: string, userid: string) => readingOf(() => readGuestView(client, host, userid.toUpperCase()));

  const begin = async (
    context: Context<Env>,
    type: Type,
    target: { host: string; userid: string; portIds: string[]; subject: string },
    rest: Record<string, unknown>,
  ) => {
    const { host, portIds, subject: own } = target;
    const userid = target.userid.toUpperCase();
    const input = { host, userid, ...rest, dryRun: context.req.query('dryRun') === 'true' };
    const { subject, once } = requestSubject(context, own, input);
    return startAndAnswer(context, services, {
      type,
      host,
      userid,
      portIds: portIds.map((portId) => portId.toLowerCase()),
      workflowId: `${ID_PREFIX[type]}/${host}/${subject}`,
      input,
      summary: `${ID_PREFIX[type].replaceAll('-', ' ')} for ${userid} on ${host}`,
      ...(once === undefined ? {} : { once }),
    });
  };

  /** Throws a Problem when the caller has read something else. */
  const checkMatch = async (context: Context, { host, userid, portId }: z.infer<typeof OfPort>) => {
    const ifMatch = context.req.header('if-match');
    if (ifMatch === undefined) return;
    matchOrRefuse(ifMatch, portBody(host, await guestOf(host, userid), portId.toLowerCase()));
  };

  app.openapi(
    route(
      {
        method: 'get',
        path: '/v1/hosts/{host}/guests/{userid}',
        operationId: 'showGuest',
        tags: ['Guests'],
        summary: 'A guest, record and z/VM side by side',
        request: { params: OfGuest },
      },
      { 200: { description: 'The guest', schema: Guest } },
    ),
    async (context) => {
      const { host, userid } = context.req.valid('param');
      hostFor(context, services, host, 'read');
      return tagged(context, guestBody(host, await guestOf(host, userid)));
    },
  );

  app.openapi(
    route(
      {
        method: 'get',
        path: '/v1/hosts/{host}/guests/{userid}/ports/{portId}',
        operationId: 'showPort',
        tags: ['Ports'],
        summary: 'A port, record and z/VM side by side',
        request: { params: OfPort },
      },
      { 200: { description: 'The port', schema: Port } },
    ),
    async (context) => {
      const { host, userid, portId } = context.req.valid('param');
      hostFor(context, services, host, 'read');
      return tagged(context, portBody(host, await guestOf(host, userid), portId.toLowerCase()));
    },
  );

  app.openapi(
    route(
      {
        method: 'put',
        path: '/v1/hosts/{host}/guests/{userid}/ports/{portId}',
        operationId: 'createPort',
        tags: ['Ports'],
        summary: 'Create a port: recorded, authorised, in the directory; with live=true on the running guest too',
        request: {
          params: OfPort,
          headers: ChangeHeaders,
          query: DryRunQuery.extend({ live: z.enum(['true', 'false']).optional() }),
          body: json(NewPort),
        },
      },
      STARTED,
    ),
    async (context) => {
      const { host, userid, portId } = context.req.valid('param');
      hostFor(context, services, host, 'change');
      await checkMatch(context, { host, userid, portId });
      const port = { portId, ...context.req.valid('json') };
      const target = { host, userid, portIds: [portId], subject: portId };
      return context.req.valid('query').live === 'true'
        ? begin(context, 'attachNic', target, { ports: [port] })
        : begin(context, 'createPort', target, port);
    },
  );

  app.openapi(
    route(
      {
        method: 'patch',
        path: '/v1/hosts/{host}/guests/{userid}/ports/{portId}',
        operationId: 'changePort',
        tags: ['Ports'],
        summary: 'Another VLAN, another VSWITCH, up or down',
        request: { params: OfPort, headers: ChangeHeaders, query: DryRunQuery, body: json(PortChange) },
      },
      STARTED,
    ),
    async (context) => {
      const { host, userid, portId } = context.req.valid('param');
      const change = context.req.valid('json');
      hostFor(context, services, host, 'change');
      await checkMatch(context, { host, userid, portId });
      const target = { host, userid, portIds: [portId], subject: portId };
      return 'network' in change
        ? begin(context, 'changeVlan', target, { portId, ...change })
        : begin(context, 'setAdminState', target, { portId, ...change });
    },
  );

  app.openapi(
    route(
      {
        method: 'delete',
        path: '/v1/hosts/{host}/guests/{userid}/ports/{portId}',
        operationId: 'deletePort',
        tags: ['Ports'],
        summary: 'Delete a port: nothing of it is left',
        request: { params: OfPort, headers: ChangeHeaders, query: DryRunQuery },
      },
      STARTED,
    ),
    async (context) => {
      const { host, userid, portId } = context.req.valid('param');
      hostFor(context, services, host, 'change');
      await checkMatch(context, { host, userid, portId });
      return begin(context, 'deletePort', { host, userid, portIds: [portId], subject: portId }, { portId });
    },
  );

  app.openapi(
    route(
      {
        method: 'post',
        path: '/v1/hosts/{host}/guests/{userid}/nics',
        operationId: 'attachNics',
        tags: ['NICs'],
        summary: 'Make recorded ports live on the running guest',
        request: { params: OfGuest, headers: ChangeHeaders, query: DryRunQuery, body: json(NewNics) },
      },
      STARTED,
    ),
    async (context) => {
      const { host, userid } = context.req.valid('param');
      const { ports } = context.req.valid('json');
      hostFor(context, services, host, 'change');
      const portIds = ports.map((port) => port.portId);
      return begin(context, 'attachNic', { host, userid, portIds, subject: userid.toUpperCase() }, { ports });
    },
  );

  app.openapi(
    route(
      {
        method: 'delete',
        path: '/v1/hosts/{host}/guests/{userid}/nics/{portId}',
        operationId: 'detachNic',
        tags: ['NICs'],
        summary: 'Take a NIC from the running guest; the port stays',
        request: { params: OfPort, headers: ChangeHeaders, query: DryRunQuery },
      },
      STARTED,
    ),
    async (context) => {
      const { host, userid, portId } = context.req.valid('param');
      hostFor(context, services, host, 'change');
      return begin(context, 'detachNic', { host, userid, portIds: [portId], subject: portId }, { portIds: [portId] });
    },
  );

  app.openapi(
    route(
      {
        method: 'post',
        path: '/v1/hosts/{host}/ports',
        operationId: 'wirePorts',
        tags: ['Ports'],
        summary: 'Many ports of many guests at once, each for itself',
        request: { params: z.object({ host: HostParam }), headers: ChangeHeaders, body: json(ManyPorts) },
      },
      STARTED,
    ),
    async (context) => {
      const { host } = context.req.valid('param');
      const { live, ports } = context.req.valid('json');
      hostFor(context, services, host, 'change');
      const input = { host, live, ports };
      const { subject, once } = requestSubject(context, 'ports', input);
      return startAndAnswer(context, services, {
        type: 'wirePorts',
        host,
        workflowId: `wire-ports/${host}/${subject}`,
        input,
        summary: `wire ${ports.length} ports on ${host}`,
        ...(once === undefined ? {} : { once }),
      });
    },
  );
  return app;
}

function guestBody(
  host: string,
  { userid, node, loggedOn, record, directory, live, authorisations, steps, problems }: ShownGuest,
) {
  const inOrder = steps.length === 0 && problems.length === 0;
  return {
    host,
    userid,
    node,
    loggedOn,
    record,
    actual: { directory, live, authorisations },
    inOrder,
    steps,
    problems,
  };
}

function portBody(host: string, guest: ShownGuest, portId: string) {
  const record = guest.record.find((row) => row.portId === portId);
  if (record === undefined) throw notFound(`port ${portId} of ${guest.userid} on ${host}`);
  const { vdev, vswitch } = record;
  return {
    host,
    userid: guest.userid,
    portId,
    record,
    actual: {
      loggedOn: guest.loggedOn,
      directory: guest.directory.find((nic) => nic.vdev === vdev) ?? null,
      live: guest.live.find((nic) => nic.vdev === vdev) ?? null,
      authorisation: guest.authorisations.find((entry) => entry.vswitch === vswitch) ?? null,
    },
    inOrder: guest.steps.length === 0 && guest.problems.length === 0,
  };
}
