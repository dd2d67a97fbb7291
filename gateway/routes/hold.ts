import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { busyWorkers, confirmHost, holdHost, releaseHost } from '../../client/host-control.ts';
import { originFrom } from '../http/idempotent-start.ts';
import { contradicted } from '../http/problem.ts';
import {
  type App,
  ChangeHeaders,
  type Env,
  hostFor,
  LONGEST_HEADER,
  newApp,
  route,
  type Services,
} from '../http/routing.ts';
import { Host, NewHold, OfHost } from '../schemas.ts';
import { hostBody } from './hosts.ts';

/** The answer to a hold waits so long for writes that are under way. */
const PATIENCE_MS = 5_000;
const headers = ChangeHeaders.pick({ 'change-reason': true });
/** The header of a request that holds a host: it says why. */
export const reasonHeader = z.object({
  'change-reason': z
    .string('must say why the host is held')
    .max(LONGEST_HEADER)
    .regex(/[A-Za-z0-9]/, 'must say why the host is held')
    .openapi({ description: 'Why the host is held, as of other changes' }),
});

/** The operators' word on a host: hold, release, confirm. */
export function holdRoutes(services: Services): App {
  const app = newApp();
  for (const add of [holdRoute, releaseRoute, confirmRoute]) add(app, services);
  return app;
}

function holdRoute(app: App, services: Services): void {
  app.openapi(
    route(
      {
        method: 'post',
        path: '/v1/hosts/{host}/hold',
        operationId: 'holdHost',
        tags: ['Hosts'],
        summary: 'Write nothing to a host until its release: operations are accepted and wait in order',
        request: {
          params: OfHost,
          headers: reasonHeader,
          body: { content: { 'application/json': { schema: NewHold } }, required: false },
        },
      },
      {
        200: { description: 'The host is held, and no write is under way', schema: Host },
        202: { description: 'The host is held; a step may still be under way', schema: Host },
      },
    ),
    async (context) => {
      const host = hostFor(context, services, context.req.valid('param').host, 'change');
      // Percent-encoded blanks alone are kept as they came.
      const origin = { reason: context.req.valid('header')['change-reason'], ...originFrom(context) };
      const until = untilOf(context.req.valid('json')?.until);
      const { client } = services.options;
      await holdHost(client, host.host, origin, until);
      const busy = await busyWorkers(client, host.host, PATIENCE_MS);
      return context.json(await hostBody(context, services, host), busy.length === 0 ? 200 : 202);
    },
  );
}

/** Throws a Problem for a time that has passed: the host would not be held. */
function untilOf(text: string | undefined): Date | undefined {
  if (text === undefined) return undefined;
  const until = new Date(text);
  if (until.getTime() <= Date.now()) throw contradicted([{ field: 'until', reason: 'must be a time to come' }]);
  return until;
}

function releaseRoute(app: App, services: Services): void {
  app.openapi(
    route(
      {
        method: 'delete',
        path: '/v1/hosts/{host}/hold',
        operationId: 'releaseHost',
        tags: ['Hosts'],
        summary: 'End the hold of a host: the operations that wait are carried out, in order',
        request: { params: OfHost, headers },
      },
      { 200: { description: 'The host after its release', schema: Host } },
    ),
    (context) => answerAfter(context, services, 'change', releaseHost),
  );
}

function confirmRoute(app: App, services: Services): void {
  app.openapi(
    route(
      {
        method: 'post',
        path: '/v1/hosts/{host}/confirm',
        operationId: 'confirmHost',
        tags: ['Hosts'],
        summary: 'Let reconciliation repair a host that is new here, of which it only reports drift',
        request: { params: OfHost, headers },
      },
      { 200: { description: 'The host', schema: Host } },
    ),
    (context) => answerAfter(context, services, 'reconcile', confirmHost),
  );
}

async function answerAfter(
  context: Context<Env>,
  services: Services,
  verb: 'change' | 'reconcile',
  say: typeof releaseHost,
) {
  const host = hostFor(context, services, context.req.param('host') ?? '', verb);
  await say(services.options.client, host.host, originFrom(context));
  return context.json(await hostBody(context, services, host), 200);
}
