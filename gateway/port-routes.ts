import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { ownWorkflowId } from '../client/begin-operation.ts';
import { type PortOperation, portOperation } from '../client/port-operation.ts';
import { isInOrder, type ShownGuest, shownPort } from '../network/host-view.ts';
import { checkConditions, isConditional, tagged } from './conditions.ts';
import { notFound } from './problem.ts';
import {
  type App,
  ChangeHeaders,
  ConditionalHeaders,
  CreateHeaders,
  type Env,
  flag,
  GuestOperationQuery,
  hostFor,
  newApp,
  PortOperationQuery,
  route,
  type Services,
  STARTED,
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
import { startOwn } from './starting.ts';

const OfGuest = z.object({ host: HostParam, userid: UseridParam });
const OfPort = OfGuest.extend({ portId: PortIdParam });
const json = <Schema extends z.ZodType>(schema: Schema) =>
  ({ content: { 'application/json': { schema } }, required: true }) as const;
const SomePorts = z.preprocess(
  (given) => (given === undefined || Array.isArray(given) ? given : [given]),
  z.array(PortIdParam).min(1).max(64),
);

/** `whole`: the request is of the guest, not of one port. */
type Target = z.output<typeof OfGuest> & { portIds: string[]; whole?: boolean };
type How = z.output<typeof PortOperationQuery>;

/** Guests with their ports and NICs: read, create, change, delete. */
export function portRoutes(services: Services): App {
  const app = newApp();
  const { state } = services;

  const begin = (context: Context<Env>, type: PortOperation['type'], target: Target, rest: object, how: How) => {
    const { plan, ...limits } = how;
    const onlyIf = plan === undefined ? {} : { plan };
    const operation = portOperation({
      type,
      ...target,
      rest: { ...rest, ...limits, ...(plan === undefined ? {} : { onlyIf }) },
    });
    return startOwn(context, services, operation, async () => {
      const state = await stateToKeep(context, target);
      return state === undefined ? {} : { onlyIf: { ...onlyIf, state } };
    });
  };

  /** What must not change before the operation's turn at the guest. Throws a Problem when it is not as the request says already. */
  const stateToKeep = async (context: Context, { host, userid, portIds, whole = false }: Target) => {
    if (!isConditional(context)) return undefined;
    const { tags } = await state.guest(host, userid);
    const [portId] = whole ? [] : portIds;
    const tag = checkConditions(context, portId === undefined ? tags.guest : tags.ports[portId]);
    return tag === undefined ? undefined : { ...(portId === undefined ? {} : { portId }), tag };
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
      { 200: { description: 'The guest', schema: Guest, tagged: true } },
    ),
    async (context) => {
      const { host, userid } = context.req.valid('param');
      hostFor(context, services, host, 'read');
      const guest = await state.guest(host, userid);
      return tagged(context, guestBody(host, guest), guest.tags.guest);
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
      { 200: { description: 'The port', schema: Port, tagged: true } },
    ),
    async (context) => {
      const { host, userid, portId } = context.req.valid('param');
      hostFor(context, services, host, 'read');
      const guest = await state.guest(host, userid);
      const port = shownPort(guest, portId);
      const tag = guest.tags.ports[portId];
      if (port === undefined || tag === undefined) throw notFound(`port ${portId} of ${guest.userid} on ${host}`);
      return tagged(context, { host, userid: guest.userid, portId, ...port }, tag);
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
          headers: CreateHeaders,
          query: PortOperationQuery.extend({ live: flag('On the running guest too') }),
          body: json(NewPort),
        },
      },
      STARTED,
    ),
    async (context) => {
      const { host, userid, portId } = context.req.valid('param');
      hostFor(context, services, host, 'change');
      const { live = false, ...how } = context.req.valid('query');
      const port = { portId, ...context.req.valid('json') };
      const target = { host, userid, portIds: [portId] };
      return live
        ? begin(context, 'attachNic', target, { ports: [port] }, how)
        : begin(context, 'createPort', target, port, how);
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
        request: { params: OfPort, headers: ConditionalHeaders, query: PortOperationQuery, body: json(PortChange) },
      },
      STARTED,
    ),
    async (context) => {
      const { host, userid, portId } = context.req.valid('param');
      const change = context.req.valid('json');
      hostFor(context, services, host, 'change');
      const target = { host, userid, portIds: [portId] };
      const how = context.req.valid('query');
      return 'network' in change
        ? begin(context, 'changeVlan', target, { portId, ...change }, how)
        : begin(context, 'setAdminState', target, { portId, ...change }, how);
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
        request: { params: OfPort, headers: ConditionalHeaders, query: PortOperationQuery },
      },
      STARTED,
    ),
    async (context) => {
      const { host, userid, portId } = context.req.valid('param');
      hostFor(context, services, host, 'change');
      return begin(context, 'deletePort', { host, userid, portIds: [portId] }, { portId }, context.req.valid('query'));
    },
  );

  app.openapi(
    route(
      {
        method: 'post',
        path: '/v1/hosts/{host}/guests/{userid}/nics',
        operationId: 'attachNics',
        tags: ['NICs'],
        summary: 'Make ports live on the running guest; those that are not recorded yet are created',
        request: { params: OfGuest, headers: ConditionalHeaders, query: PortOperationQuery, body: json(NewNics) },
      },
      STARTED,
    ),
    async (context) => {
      const { host, userid } = context.req.valid('param');
      const { ports } = context.req.valid('json');
      hostFor(context, services, host, 'change');
      const portIds = ports.map((port) => port.portId);
      return begin(context, 'attachNic', { host, userid, portIds, whole: true }, { ports }, context.req.valid('query'));
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
        request: { params: OfPort, headers: ConditionalHeaders, query: PortOperationQuery },
      },
      STARTED,
    ),
    async (context) => {
      const { host, userid, portId } = context.req.valid('param');
      hostFor(context, services, host, 'change');
      const portIds = [portId];
      return begin(context, 'detachNic', { host, userid, portIds }, { portIds }, context.req.valid('query'));
    },
  );

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
      return begin(context, 'detachNic', { host, userid, portIds, whole: true }, { portIds }, how);
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
        request: {
          params: z.object({ host: HostParam }),
          headers: ChangeHeaders,
          query: GuestOperationQuery,
          body: json(ManyPorts),
        },
      },
      STARTED,
    ),
    async (context) => {
      const { host } = context.req.valid('param');
      const { live, ports } = context.req.valid('json');
      hostFor(context, services, host, 'change');
      return startOwn(context, services, {
        type: 'wirePorts',
        host,
        workflowId: ownWorkflowId(`wire-ports/${host}`),
        input: { host, live, ports, ...context.req.valid('query') },
        summary: `wire ${ports.length} ports on ${host}`,
      });
    },
  );
  return app;
}

function guestBody(
  host: string,
  { userid, node, loggedOn, record, directory, live, authorisations, steps, problems }: ShownGuest,
) {
  return {
    host,
    userid,
    node,
    loggedOn,
    record,
    actual: { directory, live, authorisations },
    inOrder: isInOrder({ steps, problems }),
    steps,
    problems,
  };
}
