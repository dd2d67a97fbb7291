import { setTimeout as sleep } from 'node:timers/promises';
import { isGrpcServiceError, ServiceError } from '@temporalio/client';
import type { Context } from 'hono';
import { digestOf } from '../../client/digest.ts';
import { describeOperation, type OperationDetails, runUrl } from '../../client/operations.ts';
import { type Origin, reasonFrom } from '../../client/origin.ts';
import {
  hostOf,
  type OperationRequest,
  requestDigest,
  type StartedOperation,
  type StartOptions,
  startedBefore,
  startOperation,
  workflowIdFor,
} from '../../client/start-operation.ts';
import { defined } from '../../domain/defined.ts';
import { workflowIdOf } from '../../temporal-config/names.ts';
import { endingProblem, notFound, Problem, temporalDoesNotAnswer } from './problem.ts';
import type { Env, Services } from './routing.ts';

/** Start an operation with a Workflow ID of its own; requests of one caller with the same Idempotency-Key start one operation. */
export function startOwn(
  context: Context<Env>,
  services: Services,
  request: OperationRequest,
  prepare?: Prepare,
): Promise<Response> {
  const key = keyOf(context);
  if (key === undefined)
    return startAndAnswer(context, services, request, { workflowId: workflowIdFor(request) }, prepare);
  const once = { digest: requestDigest(request) };
  return startAndAnswer(context, services, request, { workflowId: `request/${hostOf(request)}/${key}`, once }, prepare);
}

/** Start an operation whose Workflow ID names the changed resource: one operation at a time changes it, other requests are a conflict. */
export function startAlone(
  context: Context<Env>,
  services: Services,
  request: OperationRequest,
  prepare?: Prepare,
): Promise<Response> {
  const key = keyOf(context);
  const lock = { digest: requestDigest(request), ...defined({ key }) };
  return startAndAnswer(context, services, request, { workflowId: workflowIdFor(request), lock }, prepare);
}

/**
 * Checks before an operation starts, not made again for its repeat: throws a Problem when it must not start, and answers fields of its input
 * that are not part of the request.
 */
type Prepare = () => Promise<object>;

/** The request's Idempotency-Key, hashed with the caller: a guessed key never finds an operation of another caller, and no key can be read back. */
function keyOf(context: Context<Env>): string | undefined {
  const key = context.req.header('idempotency-key');
  return key === undefined ? undefined : digestOf([context.get('caller')?.name ?? null, key]).slice(0, 32);
}

async function startAndAnswer(
  context: Context<Env>,
  services: Services,
  request: OperationRequest,
  start: StartOptions,
  prepare: Prepare = async () => ({}),
): Promise<Response> {
  const { options, limits, state } = services;
  const arrivedAt = Date.now();
  // The readings for a condition, and the wait, may have taken longer than the deadline of a call.
  const soon = <Result>(call: () => Promise<Result>) =>
    options.client.withDeadline(Date.now() + limits.temporalSeconds * 1_000, call);
  const host = hostOf(request);
  const origin = originFrom(context);
  const before = () => soon(() => startedBefore(options.client, start));
  const begin = async () => {
    const besides = await prepare();
    return soon(() => startOperation(options.client, request, { ...start, origin, besides }));
  };
  const started =
    (await before()) ??
    (await begin().catch(async (error: unknown) => {
      // A repeat of the request may have started meanwhile and have changed the state that the condition names.
      const repeat = error instanceof Problem ? await before() : undefined;
      if (repeat === undefined) throw error;
      return repeat;
    }));
  context.set('operation', started.id);
  if (started.conflict !== undefined) throw conflictOf(started);
  state.changed(host);
  services.counted('started', request.type, host);
  const wait = waitOf(context.req.header('prefer'), limits.waitSeconds);
  // The readings before the start count against the time that the caller waits.
  const until = arrivedAt + (wait ?? 0) * 1_000;
  if (until > Date.now()) await ended(context, services, started, until);
  context.header('location', operationUrl(services, started));
  const operation = await soon(() =>
    describeOperation(options.client, started.id, started.runId, { ask: false }),
  ).catch((error: unknown) => {
    throw isUnanswered(error) ? temporalDoesNotAnswer({ operation: started.id }) : error;
  });
  if (operation === undefined) throw notFound(`operation ${started.id}`);
  const body = operationBody(services, operation);
  if (wait === undefined || operation.state === 'running') {
    if (wait !== undefined) context.header('preference-applied', `wait=${wait}`);
    return context.json(body, 202);
  }
  state.changed(host);
  context.header('preference-applied', `wait=${wait}`);
  const problem = endingProblem(body);
  services.counted('waited', request.type, host, problem?.kind ?? 'done');
  if (problem !== undefined) throw problem;
  return context.json(body, 200);
}

/** The name of callers of a gateway without tokens. */
const ANONYMOUS = 'anonymous';

/** The name of the caller, as operations show it. */
export function callerName(context: Context<Env>): string {
  return context.get('caller')?.name ?? ANONYMOUS;
}

/** The caller as the origin of an operation, with its reason. */
export function originFrom(context: Context<Env>): Origin {
  const reason = reasonFrom(decoded(context.req.header('change-reason')));
  return { by: callerName(context), via: 'http', requestId: context.get('requestId'), ...defined({ reason }) };
}

/** The header's text; as it stands when it is not percent-encoded. */
function decoded(header: string | undefined): string | undefined {
  try {
    return header === undefined ? undefined : decodeURIComponent(header);
  } catch {
    return header;
  }
}

function conflictOf({ id, conflict }: StartedOperation): Problem {
  const extra = { operation: id };
  if (conflict === 'busy')
    return new Problem(409, 'busy', 'Another operation is in progress', `operation ${id} must end first`, extra);
  return new Problem(
    409,
    'key-reused',
    'The Idempotency-Key belongs to another request',
    'use another Idempotency-Key',
    extra,
  );
}

/** The seconds of `Prefer: wait`, RFC 7240; undefined when the caller does not wait. */
function waitOf(prefer: string | undefined, most: number): number | undefined {
  // A quoted value may hold commas.
  for (const preference of prefer?.match(/(?:[^",]|"(?:[^"\\]|\\.)*")+/g) ?? []) {
    const [, seconds] = /^\s*wait\s*=\s*"?(\d+)"?\s*(?:;|$)/i.exec(preference) ?? [];
    if (seconds !== undefined) return Math.min(most, Number(seconds));
  }
  return undefined;
}

const AGAIN_MS = 1_000;

/** Wait for the end of the operation, of the time, of the caller's connection or of the gateway. Short outages of Temporal are waited out. */
async function ended(
  context: Context,
  { options: { client, closing } }: Services,
  { id, runId }: StartedOperation,
  until: number,
): Promise<void> {
  const enough = AbortSignal.any([
    AbortSignal.timeout(until - Date.now()),
    context.req.raw.signal,
    ...(closing === undefined ? [] : [closing]),
  ]);
  // The result is read afterwards, with the rest of the operation.
  const result = () => client.workflow.getHandle(workflowIdOf(id), runId).result();
  const answered = () =>
    client
      .withDeadline(until, () => client.withAbortSignal(enough, result))
      .then(
        () => true,
        (error: unknown) => !isUnanswered(error),
      );
  while (!enough.aborted && !(await answered())) await sleep(AGAIN_MS, undefined, { signal: enough }).catch(() => {});
}

function isUnanswered(error: unknown): boolean {
  return error instanceof ServiceError || isGrpcServiceError(error);
}

/** An operation with its own URL and that of its run in the Temporal UI. */
export function operationBody(
  services: Services,
  operation: OperationDetails,
): OperationDetails & { url: string; run?: string } {
  const { uiUrl, namespace } = services.options;
  const url = operationUrl(services, operation);
  const run = uiUrl === undefined ? undefined : runUrl(uiUrl, namespace, operation);
  return { ...operation, url, ...defined({ run }) };
}

/** The URL of an operation. */
export function operationUrl(
  { options: { publicUrl = '' } }: Services,
  { id, runId }: Pick<OperationDetails, 'id' | 'runId'>,
): string {
  return `${publicUrl.replace(/\/+$/, '')}/v1/operations/${encodeURIComponent(id)}?runId=${runId}`;
}
