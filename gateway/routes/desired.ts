import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import {
  type Asking,
  type DesiredPlan,
  OperationInProgress,
  planDesired,
  type StartedChange,
  startDesired,
  toldPlan,
} from '../../client/desired-plan.ts';
import { changesOf, type HostChanges } from '../../domain/host/desired-changes.ts';
import { type DesiredHost, desiredHostOf, repeatedIn } from '../../domain/host/desired-host.ts';
import { PlanId } from '../../domain/operations/requests.ts';
import { DesiredBody, DesiredExport, DesiredOutcome } from '../desired-schemas.ts';
import { tagged } from '../http/etag.ts';
import { operationUrl, originFrom } from '../http/idempotent-start.ts';
import { contradicted, Problem } from '../http/problem.ts';
import {
  type App,
  ChangeHeaders,
  type Env,
  flag,
  hostFor,
  jsonOf,
  newApp,
  route,
  type Services,
} from '../http/routing.ts';
import { OfHost } from '../schemas.ts';

/** The desired state of a host: what is, and to make it so. */
export function desiredRoutes(services: Services): App {
  const app = newApp();
  exportRoute(app, services);
  applyRoute(app, services);
  return app;
}

function exportRoute(app: App, services: Services): void {
  app.openapi(
    route(
      {
        method: 'get',
        path: '/v1/hosts/{host}/desired',
        operationId: 'exportDesired',
        tags: ['Hosts'],
        summary: 'A host as it is, in the form that `applyDesired` takes',
        request: { params: OfHost },
      },
      { 200: { description: 'VSWITCHes and ports', schema: DesiredExport, tagged: true } },
    ),
    async (context) => {
      const { host } = hostFor(context, services, context.req.valid('param').host, 'read');
      return tagged(context, desiredHostOf(await services.state.get(host)));
    },
  );
}

function applyRoute(app: App, services: Services): void {
  app.openapi(
    route(
      {
        method: 'post',
        path: '/v1/hosts/{host}/desired',
        operationId: 'applyDesired',
        tags: ['Hosts'],
        summary: 'Plans what makes a host as the body says, by a dry run for each guest that differs, and starts it',
        request: {
          params: OfHost,
          headers: ChangeHeaders.pick({ 'change-reason': true }),
          query: z.strictObject({
            dryRun: flag('Plan only, change nothing'),
            plan: PlanId.optional().openapi({
              description: 'Start only this plan: the `plan` of a dry run. Refused when the plan has changed since',
            }),
            prune: flag('Delete ports that the body does not name; NICs of others are never touched'),
            live: flag('Make the ports live on running guests now, not at their next logon'),
          }),
          body: jsonOf(DesiredBody),
        },
      },
      {
        200: { description: 'The plan; or nothing differs', schema: DesiredOutcome },
        202: { description: 'The operations of the plan have started', schema: DesiredOutcome },
      },
    ),
    async (context) => {
      const { host } = hostFor(context, services, context.req.valid('param').host, 'change');
      const { dryRun, plan: named, prune, live } = context.req.valid('query');
      const desired = accepted(context.req.valid('json'), host);
      const changes = changesOf(desired, await services.state.get(host), prune);
      const asking = { client: services.options.client, origin: originFrom(context), tell: () => {} };
      const plan = await inTime(context, services, asking, (one) => planDesired(one, [changes], live));
      refuseUnplanned(plan, changes);
      const body = { plan: plan.id, ...toldPlan(plan, [changes]) };
      if (plan.changes.length === 0 || dryRun) return context.json({ ...body, dryRun } as never, 200);
      if (named !== undefined && named !== plan.id)
        throw new Problem(412, 'changed', 'Precondition failed', 'the plan has changed since the dry run', {
          errors: [{ field: 'plan', reason: 'the plan has changed since the dry run', advice: 'make a dry run again' }],
        });
      const started = await inTime(context, services, asking, (one) => startDesired(one, plan));
      services.state.changed(host);
      for (const { type } of started) services.counted('started', type, host);
      return context.json({ ...body, operations: started.map((each) => operationOf(services, each)) } as never, 202);
    },
  );
}

/** The desired state, when it is of this host and says each thing once. Throws a Problem. */
function accepted(desired: DesiredHost, host: string): DesiredHost {
  const reason = `must be ${host}, as in the path`;
  const errors = [...(desired.host === host ? [] : [{ field: 'host', reason }]), ...repeatedIn(desired)];
  if (errors.length > 0) throw contradicted(errors);
  return desired;
}

/** Within the longest wait of the gateway. Throws a Problem after it, and when another operation is in the way. */
async function inTime<Result>(
  context: Context<Env>,
  { options: { client, closing }, limits }: Services,
  asking: Omit<Asking, 'signal'>,
  work: (asking: Asking) => Promise<Result | undefined>,
): Promise<Result> {
  const ends = [AbortSignal.timeout(limits.waitSeconds * 1_000), context.req.raw.signal];
  const signal = AbortSignal.any(closing === undefined ? ends : [...ends, closing]);
  try {
    const until = Date.now() + (limits.waitSeconds + limits.temporalSeconds) * 1_000;
    const result = await client.withDeadline(until, () => work({ ...asking, signal }));
    if (result !== undefined) return result;
  } catch (error) {
    if (!(error instanceof OperationInProgress)) throw error;
    throw new Problem(409, 'busy', 'Another operation is in progress', error.message, { operation: error.operation });
  }
  const advice = 'repeat the request: what has been started goes on, and what is done already costs nothing again';
  throw new Problem(504, 'slow', 'The plan takes longer', `it takes longer than ${limits.waitSeconds} seconds`, {
    advice,
  });
}

/** Throws a Problem when not all could be planned: nothing is started then. */
function refuseUnplanned({ changes }: DesiredPlan, { refusals }: HostChanges): void {
  const errors = [
    ...refusals.map(({ userid, ...each }) => ({ ...each, field: `${userid}.${each.field}` })),
    ...changes.flatMap(({ subject, refusals: own }) =>
      own.map((each) => ({ ...each, field: `${subject}.${each.field}` })),
    ),
  ];
  if (errors.length > 0)
    throw new Problem(409, 'refused', 'The request was refused', 'something is refused; nothing was touched', {
      errors,
    });
  const failed = changes.filter(({ failure }) => failure !== undefined);
  if (failed.length > 0)
    throw new Problem(502, 'failed', 'z/VM or xCAT failed', `${failed[0]?.subject}: ${failed[0]?.failure}`);
}

function operationOf(services: Services, { type, subject, started, operation }: StartedChange) {
  return { type, subject, id: started.id, url: operationUrl(services, started), ...(operation && { operation }) };
}
