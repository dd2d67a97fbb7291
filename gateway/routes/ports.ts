import { ownWorkflowId } from '../../client/begin-operation.ts';
import { isInOrder, type ShownGuest, shownPort } from '../../domain/host/host-view.ts';
import { tagged } from '../http/etag.ts';
import { startOwn } from '../http/idempotent-start.ts';
import { notFound } from '../http/problem.ts';
import {
  type App,
  ChangeHeaders,
  ConditionalHeaders,
  CreateHeaders,
  flag,
  GuestOperationQuery,
  hostFor,
  jsonOf,
  newApp,
  PortOperationQuery,
  route,
  type Services,
  STARTED,
} from '../http/routing.ts';
import { Guest, ManyPorts, NewPort, OfGuest, OfHost, OfPort, Port, PortChange } from '../schemas.ts';
import { startOnGuest } from './guest-operation.ts';

/** A guest, and its ports: read, create, change, delete. */
export function portRoutes(services: Services): App {
  const app = newApp();
  for (const add of [showGuestRoute, showPortRoute, createPortRoute, changePortRoute, deletePortRoute, wirePortsRoute])
    add(app, services);
  return app;
}

function showGuestRoute(app: App, services: Services): void {
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
      const guest = await services.state.guest(host, userid);
      return tagged(context, guestBody(host, guest), guest.tags.guest);
    },
  );
}

function showPortRoute(app: App, services: Services): void {
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
      const guest = await services.state.guest(host, userid);
      const port = shownPort(guest, portId);
      const tag = guest.tags.ports[portId];
      if (port === undefined || tag === undefined) throw notFound(`port ${portId} of ${guest.userid} on ${host}`);
      return tagged(context, { host, userid: guest.userid, portId, ...port }, tag);
    },
  );
}

function createPortRoute(app: App, services: Services): void {
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
          body: jsonOf(NewPort),
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
        ? startOnGuest(context, services, 'attachNic', target, { ports: [port] }, how)
        : startOnGuest(context, services, 'createPort', target, port, how);
    },
  );
}

function changePortRoute(app: App, services: Services): void {
  app.openapi(
    route(
      {
        method: 'patch',
        path: '/v1/hosts/{host}/guests/{userid}/ports/{portId}',
        operationId: 'changePort',
        tags: ['Ports'],
        summary: 'Another VLAN, another VSWITCH, up or down',
        request: { params: OfPort, headers: ConditionalHeaders, query: PortOperationQuery, body: jsonOf(PortChange) },
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
        ? startOnGuest(context, services, 'changeVlan', target, { portId, ...change }, how)
        : startOnGuest(context, services, 'setAdminState', target, { portId, ...change }, how);
    },
  );
}

function deletePortRoute(app: App, services: Services): void {
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
      return startOnGuest(
        context,
        services,
        'deletePort',
        { host, userid, portIds: [portId] },
        { portId },
        context.req.valid('query'),
      );
    },
  );
}

function wirePortsRoute(app: App, services: Services): void {
  app.openapi(
    route(
      {
        method: 'post',
        path: '/v1/hosts/{host}/ports',
        operationId: 'wirePorts',
        tags: ['Ports'],
        summary: 'Many ports of many guests at once, each for itself',
        request: {
          params: OfHost,
          headers: ChangeHeaders,
          query: GuestOperationQuery,
          body: jsonOf(ManyPorts),
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
