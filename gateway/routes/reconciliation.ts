import { ownWorkflowId } from '../../client/begin-operation.ts';
import { describeOperation, listOperations } from '../../client/operations.ts';
import { knownBefore, reconcileOperation } from '../../client/reconcile-now.ts';
import { tagged } from '../http/etag.ts';
import { operationBody, startOwn } from '../http/idempotent-start.ts';
import { notFound } from '../http/problem.ts';
import { type App, ChangeHeaders, hostFor, newApp, permit, route, type Services, STARTED } from '../http/routing.ts';
import { allows } from '../http/tokens.ts';
import { Drift, DryRun, FleetReconciliation, OfHost, Operations, Paging } from '../schemas.ts';

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
        summary: 'What is not as it is recorded',
        request: { params: OfHost },
      },
      { 200: { description: 'Drift, what is foreign, and what nobody can read', schema: Drift, tagged: true } },
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
      const dryRun = context.req.valid('json')?.dryRun ?? false;
      return startOwn(context, services, reconcileOperation(host, dryRun), () =>
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
        summary: 'The last reconciliations, 20 at most, with what they found and did',
        request: { params: OfHost, query: Paging.pick({ limit: true }) },
      },
      { 200: { description: 'The newest first', schema: Operations } },
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
        operationId: 'reconcileFleet',
        tags: ['Reconciliation'],
        summary: "Reconcile several hosts side by side; the operation is the first one's",
        request: {
          headers: ChangeHeaders,
          body: { content: { 'application/json': { schema: FleetReconciliation } }, required: false },
        },
      },
      STARTED,
    ),
    (context) => {
      permit(context, 'reconcile');
      const { hosts: named, ...how } = context.req.valid('json') ?? {};
      const caller = context.get('caller');
      const mine = services.options.hosts
        .map(({ host }) => host)
        .filter((host) => !caller || allows(caller, 'reconcile', host));
      const hosts = [...new Set(named?.map((host) => hostFor(context, services, host, 'reconcile').host) ?? mine)];
      const [host] = hosts;
      if (host === undefined) throw notFound('host that the token may reconcile');
      return startOwn(context, services, {
        type: 'reconcileFleet',
        host,
        hosts,
        workflowId: ownWorkflowId('reconcile/fleet'),
        input: { hosts, ...how },
        summary: `reconcile ${hosts.length} host(s)`,
      });
    },
  );
}
