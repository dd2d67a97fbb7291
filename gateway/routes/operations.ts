import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import {
  cancelOperation,
  cursorAt,
  describeOperation,
  listOperations,
  type OperationCursor,
  type OperationDetails,
} from '../../client/operations.ts';
import { OPERATION_TYPES } from '../../domain/operations/operations.ts';
import { operationBody } from '../http/idempotent-start.ts';
import { notFound, Problem } from '../http/problem.ts';
import { type App, type Env, newApp, permit, route, type Services } from '../http/routing.ts';
import { allows, isFor, type Verb } from '../http/tokens.ts';
import type { GatewayOptions } from '../options.ts';
import { Operation, OperationFilter, OperationIdParam, OperationPaging, Operations } from '../schemas.ts';

const OfOperation = z.object({ operationId: OperationIdParam });
const OneRun = z.strictObject({
  runId: z
    .string()
    .regex(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/)
    .optional()
    .openapi({ description: 'One run of several with the same id; default: the newest' }),
});

/** Operations that callers started, without guest runs, readings and Neutron followers. */
const CANCELLABLE: ReadonlySet<string> = new Set(OPERATION_TYPES);

/** Operations: list, show, cancel. */
export function operationRoutes(services: Services): App {
  const app = newApp();
  for (const add of [listOperationsRoute, showOperationRoute, cancelOperationRoute]) add(app, services);
  return app;
}

function listOperationsRoute(app: App, services: Services): void {
  app.openapi(
    route(
      {
        method: 'get',
        path: '/v1/operations',
        operationId: 'listOperations',
        tags: ['Operations'],
        summary: 'Operations, newest first: running ones by start, then ended ones by end',
        request: { query: OperationPaging.extend(OperationFilter.shape) },
      },
      { 200: { description: 'A page of operations', schema: Operations } },
    ),
    async (context) => {
      const { host, userid, port, type, state, outcome, limit, after } = context.req.valid('query');
      permit(context, 'read', host);
      const caller = context.get('caller');
      const filter = {
        host,
        ...(caller === undefined || caller.hosts.includes('*') ? {} : { hosts: caller.hosts }),
        userid,
        portId: port,
        type,
        state,
        outcome,
        after: cursorOf(after),
      };
      const found = await listOperations(services.options.client, filter, limit);
      const last = found.at(-1);
      const next = found.length < limit || last === undefined ? {} : { next: textOf(cursorAt(last)) };
      return context.json({ operations: found.map((each) => operationBody(services, each)), ...next } as never, 200);
    },
  );
}

function showOperationRoute(app: App, services: Services): void {
  app.openapi(
    route(
      {
        method: 'get',
        path: '/v1/operations/{operationId}',
        operationId: 'showOperation',
        tags: ['Operations'],
        summary: 'An operation with its progress or outcome',
        request: { params: OfOperation, query: OneRun },
      },
      { 200: { description: 'The operation', schema: Operation } },
    ),
    async (context) => {
      const { operationId } = context.req.valid('param');
      const operation = await findOperation(
        context,
        services,
        operationId,
        context.req.valid('query').runId,
        () => 'read',
      );
      if (operation.closedAt !== undefined) services.state.changed(operation.host, Date.parse(operation.closedAt));
      return context.json(operationBody(services, operation) as never, 200);
    },
  );
}

function cancelOperationRoute(app: App, services: Services): void {
  app.openapi(
    route(
      {
        method: 'post',
        path: '/v1/operations/{operationId}/cancel',
        operationId: 'cancelOperation',
        tags: ['Operations'],
        summary: 'Cancel an operation and roll it back',
        request: { params: OfOperation, query: OneRun },
      },
      { 202: { description: 'The operation is being cancelled', schema: Operation } },
    ),
    async (context) => {
      const { operationId } = context.req.valid('param');
      const { runId } = context.req.valid('query');
      const operation = await findOperation(context, services, operationId, runId, ({ type }) =>
        type.startsWith('reconcile') ? 'reconcile' : 'change',
      );
      if (!CANCELLABLE.has(operation.type))
        throw new Problem(409, 'not-cancellable', 'Not an operation', `${operation.type} is not an operation`);
      const run = runId === undefined ? undefined : operation.runId;
      if (operation.state !== 'running' || !(await cancelOperation(services.options.client, operationId, run)))
        throw new Problem(409, 'ended', 'The operation has ended', `operation ${operationId} is ${operation.state}`);
      const body = operationBody(services, operation);
      context.header('location', body.url);
      return context.json(body as never, 202);
    },
  );
}

/** The operation, if the caller may do this with it. Throws a Problem. */
async function findOperation(
  context: Context<Env>,
  { options }: Services,
  id: string,
  runId: string | undefined,
  verbFor: (operation: OperationDetails) => Verb,
): Promise<OperationDetails> {
  const operation = await describeOperation(options.client, id, runId);
  const caller = context.get('caller');
  // The existence of an operation on another host is not disclosed.
  if (operation === undefined || operation.host === '' || !isFor(caller, operation.host))
    throw notFound(`operation ${id}`);
  const verb = verbFor(operation);
  permit(context, verb, operation.host);
  if (!hostsOf(operation, options).every((host) => caller === undefined || allows(caller, verb, host)))
    throw new Problem(
      403,
      'forbidden',
      'Not allowed',
      `the token ${caller?.name} does not allow ${verb} on all hosts of the operation`,
    );
  return operation;
}

/** The hosts that the operation names or works on. An operation started by another client may not name them. */
function hostsOf({ type, host, hosts }: OperationDetails, options: GatewayOptions): readonly string[] {
  return hosts ?? (type === 'reconcileFleet' ? options.hosts.map((each) => each.host) : [host]);
}

function textOf({ ended, at, runId }: OperationCursor): string {
  return `${ended ? 'ended' : 'running'}|${at}|${runId}`;
}

function cursorOf(after: string | undefined): OperationCursor | undefined {
  if (after === undefined) return undefined;
  const [phase, at = '', runId = ''] = after.split('|');
  // An impossible date ends the list.
  if (Number.isNaN(Date.parse(at))) return undefined;
  return { ended: phase === 'ended', at, runId };
}
