import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { stream } from 'hono/streaming';
import { askedRequest } from '../../client/asked-request.ts';
import { auditPage, auditTrail } from '../../client/audit.ts';
import { standingOf } from '../../client/follow-operation.ts';
import {
  cancelOperation,
  cursorAt,
  describeOperation,
  type OperationFilter as Filter,
  listOperations,
  type OperationCursor,
  type OperationDetails,
} from '../../client/operations.ts';
import { knownBefore } from '../../client/reconcile-now.ts';
import type { OperationRequest } from '../../client/start-operation.ts';
import { undoOf } from '../../client/undo.ts';
import { defined } from '../../domain/defined.ts';
import { definitionOf, isGuestOperationType, OPERATION_TYPES, OPERATIONS } from '../../domain/operations/operations.ts';
import { Audit, AuditTimes } from '../audit-schemas.ts';
import { allows, hostsOf, isFor } from '../http/callers.ts';
import { callerName, operationBody, startAlone, startOwn } from '../http/idempotent-start.ts';
import { contradicted, notFound, Problem } from '../http/problem.ts';
import {
  type App,
  ChangeHeaders,
  type Env,
  hostFor,
  newApp,
  optionOf,
  PortOperationQuery,
  permit,
  route,
  type Services,
  STARTED,
} from '../http/routing.ts';
import type { Verb } from '../http/tokens.ts';
import type { GatewayOptions } from '../options.ts';
import { Operation, OperationFilter, OperationIdParam, OperationPaging, Operations } from '../schemas.ts';

export const OfOperation = z.object({ operationId: OperationIdParam });
const OneRun = z.strictObject({
  runId: z
    .string()
    .regex(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/)
    .optional()
    .openapi({ description: 'One run of several with the same id; default: the newest' }),
});

/** Operations that callers started, without guest runs, readings and Neutron followers. */
const CANCELLABLE: ReadonlySet<string> = new Set(OPERATION_TYPES);

/** Operations: list, audit, show, cancel, undo, retry. */
export function operationRoutes(services: Services): App {
  const app = newApp();
  for (const add of [
    listOperationsRoute,
    auditRoute,
    showOperationRoute,
    cancelOperationRoute,
    undoOperationRoute,
    retryOperationRoute,
  ])
    add(app, services);
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
      const { limit, after, ...asked } = context.req.valid('query');
      const filter = filterFor(context, asked, after);
      const found = await listOperations(services.options.client, filter, limit);
      const last = found.at(-1);
      const next = found.length < limit || last === undefined ? {} : { next: textOf(cursorAt(last)) };
      return context.json({ operations: found.map((each) => operationBody(services, each)), ...next } as never, 200);
    },
  );
}

/** The filter of a request for a list, with the hosts that the caller may read. Throws a Problem. */
function filterFor(
  context: Context<Env>,
  { host, port, ...asked }: z.output<typeof OperationFilter>,
  after: string | undefined,
): Filter {
  permit(context, 'read', host);
  const hosts = hostsOf(context.get('caller'), 'read');
  return { ...asked, host, hosts, portId: port, after: cursorOf(after) };
}

function auditRoute(app: App, { options }: Services): void {
  app.openapi(
    route(
      {
        method: 'get',
        path: '/v1/audit',
        operationId: 'audit',
        tags: ['Operations'],
        summary: 'The audit: operations with who asked for them and why, and the steps that they carried out',
        request: { query: OperationPaging.extend({ ...OperationFilter.shape, ...AuditTimes.shape }) },
      },
      {
        200: {
          description: 'A page of entries; as lines of JSON all of them, whatever `limit` says',
          schema: Audit,
          lines: true,
        },
      },
    ),
    async (context) => {
      const { limit, after, since, until, ...asked } = context.req.valid('query');
      const filter = { ...filterFor(context, asked, after), since, until, withoutIdle: true };
      if (!accepts(context, 'application/x-ndjson')) {
        const { entries, next } = await auditPage(options.client, filter, limit);
        return context.json({ entries, ...(next === undefined ? {} : { next: textOf(next) }) } as never, 200);
      }
      context.header('content-type', 'application/x-ndjson');
      return stream(context, (lines) =>
        // An export takes longer than one answer of Temporal.
        options.client.withDeadline(Date.now() + LONGEST_EXPORT_MS, async () => {
          for await (const entry of auditTrail(options.client, filter, LINES_AT_ONCE)) {
            if (lines.aborted) return;
            await lines.write(`${JSON.stringify(entry)}\n`);
          }
        }),
      ) as never;
    },
  );
}

const LINES_AT_ONCE = 100;
const LONGEST_EXPORT_MS = 600_000;

function accepts(context: Context, type: string): boolean {
  return (context.req.header('accept') ?? '').split(',').some((each) => each.split(';')[0]?.trim() === type);
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
      const standing = await standingNow(services.options, operation);
      return context.json({ ...operationBody(services, operation), ...defined({ standing }) } as never, 200);
    },
  );
}

/** The standing of an operation on one guest while it runs. */
async function standingNow({ client }: GatewayOptions, { id, type, host, userid, state }: OperationDetails) {
  if (state !== 'running' || userid === undefined || !isGuestOperationType(type)) return undefined;
  return standingOf(client, id, { host, userid });
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
      const operation = await findOperation(context, services, operationId, runId, verbOf);
      if (!CANCELLABLE.has(operation.type))
        throw new Problem(409, 'not-cancellable', 'Not an operation', `${operation.type} is not an operation`);
      const run = runId === undefined ? undefined : operation.runId;
      if (
        operation.state !== 'running' ||
        !(await cancelOperation(services.options.client, operationId, run, callerName(context)))
      )
        throw new Problem(409, 'ended', 'The operation has ended', `operation ${operationId} is ${operation.state}`);
      const body = operationBody(services, operation);
      context.header('location', body.url);
      return context.json(body as never, 202);
    },
  );
}

function undoOperationRoute(app: App, services: Services): void {
  app.openapi(
    route(
      {
        method: 'post',
        path: '/v1/operations/{operationId}/undo',
        operationId: 'undoOperation',
        tags: ['Operations'],
        summary: 'Take what an operation has changed back to what was before it, by an operation of its own',
        request: {
          params: OfOperation,
          headers: ChangeHeaders,
          query: PortOperationQuery.extend({ ...OneRun.shape, force: optionOf(RESTORE.force) }),
        },
      },
      STARTED,
    ),
    async (context) => {
      const { operationId } = context.req.valid('param');
      const { runId, plan, ...options } = context.req.valid('query');
      const operation = await findOperation(context, services, operationId, runId, () => 'change');
      const undo = undoOf(operation, { ...options, ...(plan === undefined ? {} : { onlyIf: { plan } }) });
      if ('impossible' in undo)
        throw new Problem(409, 'not-undoable', 'Cannot be undone', `operation ${operationId}: ${undo.impossible}`);
      const { request } = undo;
      return request.type === 'restorePorts'
        ? startOwn(context, services, request)
        : startAlone(context, services, request);
    },
  );
}

const RESTORE = OPERATIONS.restorePorts.input.shape;

const RetryQuery = PortOperationQuery.pick({ dryRun: true, plan: true }).extend(OneRun.shape);

function retryOperationRoute(app: App, services: Services): void {
  app.openapi(
    route(
      {
        method: 'post',
        path: '/v1/operations/{operationId}/retry',
        operationId: 'retryOperation',
        tags: ['Operations'],
        summary: 'Asks once more, by a new operation, for what an ended one was asked for',
        request: { params: OfOperation, query: RetryQuery, headers: ChangeHeaders },
      },
      STARTED,
    ),
    async (context) => {
      const { operationId } = context.req.valid('param');
      const { runId, dryRun, plan } = context.req.valid('query');
      const { client } = services.options;
      const operation = await findOperation(context, services, operationId, runId, verbOf);
      if (operation.state === 'running')
        throw new Problem(409, 'busy', 'The operation is in progress', `operation ${operationId} has not ended`, {
          operation: operationId,
        });
      const asked = await askedRequest(client, operation, dryRun);
      if (asked === undefined)
        throw new Problem(409, 'not-retryable', 'The operation cannot be retried', 'its request cannot be made again');
      // Its input names the hosts; its search attributes could name others.
      for (const host of 'hosts' in asked.input ? asked.input.hosts : [asked.input.host])
        hostFor(context, services, host, verbOf(operation));
      const request = onlyBy(plan, asked);
      const start = definitionOf(request.type).lock === undefined ? startOwn : startAlone;
      return start(context, services, request, async () =>
        request.type === 'reconcileHost' ? knownBefore(client, request.input.host) : {},
      );
    },
  );
}

/** The request with the plan that it must have. Throws a Problem for a type of operation whose plans have no name. */
function onlyBy(plan: string | undefined, request: OperationRequest): OperationRequest {
  if (plan === undefined) return request;
  if (!('onlyIf' in OPERATIONS[request.type].input.shape))
    throw contradicted([{ field: 'plan', reason: `plans of ${request.type} have no name` }]);
  return { ...request, input: { ...request.input, onlyIf: { plan } } } as OperationRequest;
}

/** The verb that changing an operation takes. */
function verbOf({ type }: OperationDetails): Verb {
  return type.startsWith('reconcile') ? 'reconcile' : 'change';
}

/** The operation, if the caller may do this with it. Throws a Problem. */
export async function findOperation(
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
  if (!hostsNamedBy(operation, options).every((host) => caller === undefined || allows(caller, verb, host)))
    throw new Problem(
      403,
      'forbidden',
      'Not allowed',
      `the token ${caller?.name} does not allow ${verb} on all hosts of the operation`,
    );
  return operation;
}

/** The hosts that the operation names or works on. An operation started by another client may not name them. */
function hostsNamedBy({ type, host, hosts }: OperationDetails, options: GatewayOptions): readonly string[] {
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
