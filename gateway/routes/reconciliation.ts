import { describeOperation, listOperations } from '../../client/operations.ts';
import { knownBefore, reconcileRequest } from '../../client/reconcile-now.ts';
import { HostName } from '../../domain/text/identifiers.ts';
import { allows } from '../http/callers.ts';
import { tagged } from '../http/etag.ts';
import { operationBody, startOwn } from '../http/idempotent-start.ts';
import { notFound } from '../http/problem.ts';
import {
  type App,
  ChangeHeaders,
  hostFor,
  newApp,
  permit,
  route,
  type Services,
  STARTED,
  starts,
} from '../http/routing.ts';
import { Drift, FleetReconciliation, OfHost, Operations, Paging, ReconciliationRequest } from '../schemas.ts';

const MOST_SHOWN = 20;

/** Drift, and reconciliation of one host or of several. */
export function reconciliationRoutes(services: Services): App {
  const app = newApp();
  for (const add of [showDriftRoute, reconcileRoute, listReconciliationsRoute, reconcileFleetRoute]) add(app, services);
  return app;
}

function showDriftRoute(app: App, services: Services): void {
  app.openapi(
    route(
      {
        method: 'get',
        path: '/v1/hosts/{host}/drift',
        operationId: 'showDrift',
        tags: ['Reconciliation'],
        summary: 'Drift of a host from its record',
        request: { params: OfHost },
      },
      { 200: { description: 'Drift, foreign NICs, and unreadable records', schema: Drift, tagged: true } },
    ),
    async (context) => {
      const { host } = hostFor(context, services, context.req.valid('param').host, 'read');
      const { guests, findings } = await services.state.get(host);
      return tagged(context, {
        host,
        guests: guests.filter(({ drift }) => drift.length > 0).map(({ userid, drift }) => ({ userid, lines: drift })),
        foreign: guests.flatMap(({ userid, foreignNics }) =>
          foreignNics.map(({ vdev, vswitch }) => ({ userid, vdev, vswitch })),
        ),
        findings,
      });
    },
  );
}

function reconcileRoute(app: App, services: Services): void {
  app.openapi(
    route(
      {
        method: 'post',
        path: '/v1/hosts/{host}/reconciliations',
        ...starts('reconcileHost', 'Reconciliation'),
        operationId: 'reconcile',
        request: {
          params: OfHost,
          headers: ChangeHeaders,
          body: { content: { 'application/json': { schema: ReconciliationRequest } }, required: false },
        },
      },
      STARTED,
    ),
    async (context) => {
      const { host } = hostFor(context, services, context.req.valid('param').host, 'reconcile');
      const dryRun = context.req.valid('json')?.dryRun ?? false;
      return startOwn(context, services, reconcileRequest(host, dryRun), () =>
        knownBefore(services.options.client, host),
      );
    },
  );
}

function listReconciliationsRoute(app: App, services: Services): void {
  app.openapi(
    route(
      {
        method: 'get',
        path: '/v1/hosts/{host}/reconciliations',
        operationId: 'listReconciliations',
        tags: ['Reconciliation'],
        summary: 'The last reconciliations, 20 at most, with their results',
        request: { params: OfHost, query: Paging.pick({ limit: true }) },
      },
      { 200: { description: 'The reconciliations, newest first', schema: Operations } },
    ),
    async (context) => {
      const { host } = hostFor(context, services, context.req.valid('param').host, 'read');
      const limit = Math.min(MOST_SHOWN, context.req.valid('query').limit);
      const runs = await listOperations(services.options.client, { host, type: 'reconcileHost' }, limit);
      const whole = await Promise.all(
        runs.map(async (run) => (await describeOperation(services.options.client, run.id, run.runId)) ?? run),
      );
      return context.json({ operations: whole.map((run) => operationBody(services, run)) } as never, 200);
    },
  );
}

function reconcileFleetRoute(app: App, services: Services): void {
  app.openapi(
    route(
      {
        method: 'post',
        path: '/v1/reconciliations',
        ...starts('reconcileFleet', 'Reconciliation'),
        request: {
          headers: ChangeHeaders,
          body: { content: { 'application/json': { schema: FleetReconciliation } }, required: false },
        },
      },
      STARTED,
    ),
    (context) => {
      permit(context, 'reconcile');
      const { hosts: named, ...options } = context.req.valid('json') ?? FleetReconciliation.parse({});
      const caller = context.get('caller');
      const mine = services.options.hosts
        .map(({ host }) => HostName.parse(host))
        .filter((host) => !caller || allows(caller, 'reconcile', host));
      for (const host of named ?? []) hostFor(context, services, host, 'reconcile');
      const hosts = [...new Set(named ?? mine)];
      if (hosts.length === 0) throw notFound('host that the token may reconcile');
      return startOwn(context, services, { type: 'reconcileFleet', input: { hosts, ...options } });
    },
  );
}
