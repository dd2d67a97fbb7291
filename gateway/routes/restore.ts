import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { readControl } from '../../client/host-control.ts';
import { holdViewOf } from '../../client/known-hosts.ts';
import type { OperationDetails } from '../../client/operations.ts';
import {
  beginRestore,
  endAllOpen,
  endOpen,
  finishRestore,
  letGoOn,
  openOperations,
  planOf,
} from '../../client/restored.ts';
import { operationBody, originFrom } from '../http/idempotent-start.ts';
import { contradicted, notFound } from '../http/problem.ts';
import { type App, ChangeHeaders, type Env, hostFor, newApp, route, type Services } from '../http/routing.ts';
import { Hold, OfHost, Operation } from '../schemas.ts';
import { reasonHeader } from './hold.ts';
import { findOperation, OfOperation } from './operations.ts';

/** Shorter than a gateway in front waits. */
const PATIENCE_MS = 20_000;
/** A thousand operations are ended within it; the same request goes on where it was. */
const LONGEST_END_MS = 120_000;

const OpenOperationBody = Operation.extend({
  goesOn: z.boolean().openapi({ description: 'An operator has let it go on' }),
  would: z
    .array(z.string())
    .optional()
    .openapi({ description: 'The steps that it would carry out now; of one operation alone' }),
  unknown: z.string().optional().openapi({ description: 'Why nobody can say what it would do' }),
}).openapi('OpenOperation');

const Restore = z
  .object({
    restore: Hold.nullable().openapi({ description: 'Null of a host that no restore holds' }),
    operations: z.array(OpenOperationBody),
  })
  .openapi('Restore');

const FinishQuery = z.strictObject({
  rest: z.enum(['continue', 'end']).optional().openapi({
    description: 'The fate of operations that nobody has decided on; by default the request is refused',
  }),
});

const headers = ChangeHeaders.pick({ 'change-reason': true });

const DECISIONS = {
  continue: {
    summary: 'Let an operation go on that a restore holds; earlier ones of its guest go first',
    say: letGoOn,
  },
  end: {
    summary: 'End an operation that a restore holds: nothing is written, its guest is left as it is',
    say: endOpen,
  },
} as const;

/** Open operations after a restore of Temporal's database: list them, decide on them, release the host. */
export function restoreRoutes(services: Services): App {
  const app = newApp();
  for (const add of [beginRoute, showRoute, finishRoute, planRoute]) add(app, services);
  for (const kind of ['continue', 'end'] as const) decisionRoute(app, services, kind);
  return app;
}

const path = '/v1/hosts/{host}/restore';

function beginRoute(app: App, services: Services): void {
  app.openapi(
    route(
      {
        ...{ method: 'post', path, operationId: 'beginRestore', tags: ['Restore'] },
        summary: "Hold a host since Temporal's database was restored, until the restore is finished",
        request: { params: OfHost, headers: reasonHeader },
      },
      { 200: { description: 'The host is held; its open operations', schema: Restore } },
    ),
    async (context) => {
      const { host } = hostFor(context, services, context.req.valid('param').host, 'change');
      const origin = { reason: context.req.valid('header')['change-reason'], ...originFrom(context) };
      await beginRestore(services.options.client, host, origin);
      return context.json((await restoreBody(services, host)) as never, 200);
    },
  );
}

function showRoute(app: App, services: Services): void {
  app.openapi(
    route(
      {
        ...{ method: 'get', path, operationId: 'showRestore', tags: ['Restore'] },
        summary: "The open operations of a host that a restore of Temporal's database holds, by their start",
        request: { params: OfHost },
      },
      { 200: { description: 'The restore, and its open operations', schema: Restore } },
    ),
    async (context) => {
      const { host } = hostFor(context, services, context.req.valid('param').host, 'read');
      return context.json((await restoreBody(services, host)) as never, 200);
    },
  );
}

function finishRoute(app: App, services: Services): void {
  app.openapi(
    route(
      {
        ...{ method: 'delete', path, operationId: 'finishRestore', tags: ['Restore'] },
        summary: 'Release a host that a restore holds; refused while an operation is undecided',
        request: { params: OfHost, headers, query: FinishQuery },
      },
      { 200: { description: 'The host is released', schema: Restore } },
    ),
    async (context) => {
      const { host } = hostFor(context, services, context.req.valid('param').host, 'change');
      const { client } = services.options;
      const { rest } = context.req.valid('query');
      const origin = originFrom(context);
      const body = await client.withDeadline(Date.now() + LONGEST_END_MS, async () => {
        await refuseUnrestored(services, host);
        const undecided = (await openOperations(client, host)).filter(({ goesOn }) => !goesOn);
        if (undecided.length > 0 && rest === undefined)
          throw contradicted(
            undecided.map(({ id }) => ({ field: 'operation', reason: `${id} is undecided`, advice: ADVICE })),
          );
        if (rest === 'end') await endAllOpen(client, undecided, origin);
        await finishRestore(client, host, origin);
        return restoreBody(services, host);
      });
      return context.json(body as never, 200);
    },
  );
}

const ADVICE = 'continue or end it, or say what becomes of the rest';

function planRoute(app: App, services: Services): void {
  app.openapi(
    route(
      {
        ...{ method: 'post', path: '/v1/operations/{operationId}/would', operationId: 'planOpenOperation' },
        ...{
          tags: ['Restore'],
          summary: 'Plan an operation that a restore holds, by a dry run of its request',
        },
        request: { params: OfOperation },
      },
      { 200: { description: 'The operation with its steps, or why nobody knows them', schema: OpenOperationBody } },
    ),
    async (context) => {
      const operation = await heldOperation(context, services, context.req.valid('param').operationId);
      const plan = await planOf(services.options.client, operation, PATIENCE_MS);
      return context.json({ ...(await openBody(services, operation)), ...plan } as never, 200);
    },
  );
}

function decisionRoute(app: App, services: Services, kind: keyof typeof DECISIONS): void {
  const { summary, say } = DECISIONS[kind];
  app.openapi(
    route(
      {
        ...{ method: 'post', path: `/v1/operations/{operationId}/${kind}`, operationId: `${kind}Operation` },
        ...{ tags: ['Restore'], summary, request: { params: OfOperation, headers } },
      },
      { 200: { description: 'The operation with the decision', schema: OpenOperationBody } },
    ),
    async (context) => {
      const operation = await heldOperation(context, services, context.req.valid('param').operationId);
      await say(services.options.client, operation, originFrom(context));
      context.set('operation', operation.id);
      services.state.changed(operation.host);
      return context.json((await openBody(services, operation)) as never, 200);
    },
  );
}

/** The operation, open on a host that a restore holds. Throws a Problem. */
async function heldOperation(context: Context<Env>, services: Services, id: string): Promise<OperationDetails> {
  const operation = await findOperation(context, services, id, undefined, () => 'change');
  if (operation.state !== 'running') throw notFound(`open operation ${id}`);
  await refuseUnrestored(services, operation.host);
  return operation;
}

async function refuseUnrestored({ options: { client } }: Services, host: string): Promise<void> {
  if ((await readControl(client, host)).restore !== undefined) return;
  throw contradicted([
    { field: 'host', reason: `${host} is not held by a restore`, advice: 'begin one, or cancel the operation' },
  ]);
}

async function openBody(services: Services, operation: OperationDetails) {
  const open = await openOperations(services.options.client, operation.host);
  const { goesOn = false } = open.find(({ id }) => id === operation.id) ?? {};
  return { ...operationBody(services, operation), goesOn };
}

async function restoreBody(services: Services, host: string) {
  const { client } = services.options;
  const { hold: _byOperator, ...control } = await readControl(client, host);
  const operations = control.restore === undefined ? [] : await openOperations(client, host);
  return {
    restore: holdViewOf(control),
    operations: operations.map((operation) => operationBody(services, operation)),
  };
}
