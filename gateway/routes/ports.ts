import { z } from '@hono/zod-openapi';
import { defined } from '../../domain/defined.ts';
import { isInOrder, type ShownGuest, shownPort } from '../../domain/host/host-view.ts';
import { GUEST_OPERATION_TYPES, guestDefinitionOf, parseRequest } from '../../domain/operations/operations.ts';
import { portOptions } from '../../domain/operations/requests.ts';
import { Guest, Port } from '../guest-schemas.ts';
import { tagged } from '../http/etag.ts';
import { startOwn } from '../http/idempotent-start.ts';
import { contradicted, notFound } from '../http/problem.ts';
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
  starts,
} from '../http/routing.ts';
import { GuestPorts, ManyPorts, NewPort, OfGuest, OfHost, OfPort, PortChange } from '../schemas.ts';
import { type GuestRequest, startOnGuest } from './guest-operation.ts';

/** A guest, and its ports: read, create, change, delete, authorise by the directory. */
export function portRoutes(services: Services): App {
  const app = newApp();
  for (const add of [
    showGuestRoute,
    showPortRoute,
    createPortRoute,
    changePortRoute,
    setPortsRoute,
    listedRoutes,
    modernizeRoute,
    wirePortsRoute,
  ])
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
        summary: 'A guest: its record and its state on z/VM',
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
        summary: 'A port: its record and its state on z/VM',
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
        ...starts('createPort', 'Ports'),
        request: {
          params: OfPort,
          headers: CreateHeaders,
          query: PortOperationQuery.extend({ live: flag('Make the port live on the running guest, too') }),
          body: jsonOf(NewPort),
        },
      },
      STARTED,
    ),
    async (context) => {
      const { host, userid, portId } = context.req.valid('param');
      hostFor(context, services, host, 'change');
      const { live, plan, ...options } = context.req.valid('query');
      const port = { portId, ...context.req.valid('json') };
      const target = { host, userid, ...options };
      const conditions = { plan, portId };
      return live
        ? startOnGuest(context, services, { type: 'attachNic', input: { ...target, ports: [port] } }, conditions)
        : startOnGuest(context, services, { type: 'createPort', input: { ...target, ...port } }, conditions);
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
        summary: 'Changes the network or the admin state of a port',
        request: { params: OfPort, headers: ConditionalHeaders, query: PortOperationQuery, body: jsonOf(PortChange) },
      },
      STARTED,
    ),
    async (context) => {
      const { host, userid, portId } = context.req.valid('param');
      const change = context.req.valid('json');
      hostFor(context, services, host, 'change');
      const { plan, ...options } = context.req.valid('query');
      const target = { host, userid, portId, ...options };
      const conditions = { plan, portId };
      return 'network' in change
        ? startOnGuest(context, services, { type: 'changeVlan', input: { ...target, ...change } }, conditions)
        : startOnGuest(context, services, { type: 'setAdminState', input: { ...target, ...change } }, conditions);
    },
  );
}

function setPortsRoute(app: App, services: Services): void {
  app.openapi(
    route(
      {
        method: 'post',
        path: '/v1/hosts/{host}/guests/{userid}/ports',
        ...starts('setPorts', 'Ports'),
        request: { params: OfGuest, headers: ConditionalHeaders, query: PortOperationQuery, body: jsonOf(GuestPorts) },
      },
      STARTED,
    ),
    async (context) => {
      const target = context.req.valid('param');
      hostFor(context, services, target.host, 'change');
      const { plan, ...options } = context.req.valid('query');
      // Each port has the right form; all together may contradict each other.
      const parsed = parseRequest('setPorts', { ...target, ...context.req.valid('json'), ...options });
      if (!parsed.accepted) throw contradicted(parsed.refusals);
      return startOnGuest(context, services, { type: 'setPorts', input: parsed.request }, { plan });
    },
  );
}

const OUTSIDE_BODY = new Set([...Object.keys(OfPort.shape), ...Object.keys(portOptions)]);

/** The routes that the list of operations describes: a port in the path, all other fields in the body. */
function modernizeRoute(app: App, services: Services): void {
  app.openapi(
    route(
      {
        method: 'post',
        path: '/v1/hosts/{host}/guests/{userid}/modernize',
        ...starts('modernizeGuest', 'Guests'),
        request: { params: OfGuest, headers: ConditionalHeaders, query: PortOperationQuery },
      },
      STARTED,
    ),
    async (context) => {
      const target = context.req.valid('param');
      hostFor(context, services, target.host, 'change');
      const { plan, ...options } = context.req.valid('query');
      return startOnGuest(context, services, { type: 'modernizeGuest', input: { ...target, ...options } }, { plan });
    },
  );
}

function listedRoutes(app: App, services: Services): void {
  for (const type of GUEST_OPERATION_TYPES) {
    const { route: listed, input } = guestDefinitionOf(type);
    if (listed === undefined) continue;
    const body = z.strictObject(
      Object.fromEntries(Object.entries(input.shape).filter(([name]) => !OUTSIDE_BODY.has(name))),
    );
    const hasBody = Object.keys(body.shape).length > 0;
    app.openapi(
      route(
        {
          ...listed,
          ...starts(type, 'Ports'),
          request: {
            ...{ params: OfPort, headers: ConditionalHeaders, query: PortOperationQuery },
            ...(hasBody ? { body: jsonOf(body) } : {}),
          },
        },
        STARTED,
      ),
      async (context) => {
        const target = context.req.valid('param');
        hostFor(context, services, target.host, 'change');
        const { plan, ...options } = context.req.valid('query');
        const fields = hasBody ? (context.req.valid('json' as never) as object) : {};
        // Path, body and query are the parts of the operation's own schema.
        const request = { type, input: { ...fields, ...target, ...options } } as GuestRequest;
        return startOnGuest(context, services, request, { plan, portId: target.portId });
      },
    );
  }
}

function wirePortsRoute(app: App, services: Services): void {
  app.openapi(
    route(
      {
        method: 'post',
        path: '/v1/hosts/{host}/ports',
        ...starts('wirePorts', 'Ports'),
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
      hostFor(context, services, host, 'change');
      const input = { host, ...context.req.valid('json'), ...context.req.valid('query') };
      return startOwn(context, services, { type: 'wirePorts', input });
    },
  );
}

function guestBody(
  host: string,
  { userid, node, loggedOn, runsOn, record, directory, live, authorisations, steps, problems }: ShownGuest,
) {
  return {
    host,
    userid,
    node,
    loggedOn,
    ...defined({ runsOn }),
    record,
    actual: { directory, live, authorisations },
    inOrder: isInOrder({ steps, problems }),
    steps,
    problems,
  };
}
