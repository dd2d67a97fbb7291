import { setTimeout as sleep } from 'node:timers/promises';
import { isGrpcServiceError, ServiceError } from '@temporalio/client';
import type { Context } from 'hono';
import {
  type Beginning,
  type Begun,
  beginOperation,
  begunBefore,
  requestDigest,
} from '../../client/begin-operation.ts';
import { digestOf } from '../../client/digest.ts';
import { workflowIdOf } from '../../client/operation-id.ts';
import { describeOperation, type OperationDetails, runUrl } from '../../client/operations.ts';
import { defined } from '../../domain/defined.ts';
import { endingProblem, notFound, Problem, temporalDoesNotAnswer } from './problem.ts';
import type { Env, Services } from './routing.ts';

/**
 * Start an operation of its own; requests of one caller with the same Idempotency-Key are one. Others never are: of three changes A, B, A the
 * last must not join the first.
 */
export function startOwn(
  context: Context<Env>,
  services: Services,
  beginning: Beginning,
  prepare?: Prepare,
): Promise<Response> {
  const key = keyOf(context);
  if (key === undefined) return startAndAnswer(context, services, beginning, prepare);
  const once = { digest: requestDigest(beginning) };
  const workflowId = `request/${beginning.host}/${key}`;
  return startAndAnswer(context, services, { ...beginning, workflowId, once }, prepare);
}

/** Start an operation whose Workflow ID stands for what it changes: one at a time changes it, the others are told so. */
export function startAlone(
  context: Context<Env>,
  services: Services,
  beginning: Beginning,
  prepare?: Prepare,
): Promise<Response> {
  const key = keyOf(context);
  const lock = { digest: requestDigest(beginning), ...defined({ key }) };
  return startAndAnswer(context, services, { ...beginning, lock }, prepare);
}

/**
 * Check before an operation begins, which a repeated request skips: throws a Problem when the operation must not begin, and answers further input
 * that is not part of the caller's request.
 */
type Prepare = () => Promise<object>;

/** The request's Idempotency-Key, made the caller's own: nobody meets another's operations by guessing keys, and none can be read back. */
function keyOf(context: Context<Env>): string | undefined {
  const key = context.req.header('idempotency-key');
  return key === undefined ? undefined : digestOf([context.get('caller')?.name ?? null, key]).slice(0, 32);
}

async function startAndAnswer(
  context: Context<Env>,
  services: Services,
  beginning: Beginning,
  prepare: Prepare = async () => ({}),
): Promise<Response> {
  const { options, limits, state } = services;
  const arrivedAt = Date.now();
  // Reading what a condition is about may have taken longer than a call may, and so may waiting.
  const soon = <Result>(call: () => Promise<Result>) =>
    options.client.withDeadline(Date.now() + limits.temporalSeconds * 1_000, call);
  const before = () => soon(() => begunBefore(options.client, beginning));
  const begin = async () => {
    const input = { ...(beginning.input as object), ...(await prepare()) };
    return soon(() => beginOperation(options.client, { ...beginning, input }));
  };
  const begun =
    (await before()) ??
    (await begin().catch(async (error: unknown) => {
      // Its repeat may have begun meanwhile, and be what has changed the state that it asks for.
      const repeat = error instanceof Problem ? await before() : undefined;
      if (repeat === undefined) throw error;
      return repeat;
    }));
  if (begun.clash !== false) throw clashOf(begun);
  state.changed(beginning.host);
  services.counted('started', beginning.type, beginning.host);
  const wait = waitOf(context.req.header('prefer'), limits.waitSeconds);
  // Reading before the start has taken some of the time that the caller waits.
  const until = arrivedAt + (wait ?? 0) * 1_000;
  if (until > Date.now()) await ended(context, services, begun, until);
  context.header('location', operationUrl(services, begun));
  const operation = await soon(() => describeOperation(options.client, begun.id, begun.runId, { ask: false })).catch(
    (error: unknown) => {
      throw isUnanswered(error) ? temporalDoesNotAnswer({ operation: begun.id }) : error;
    },
  );
  if (operation === undefined) throw notFound(`operation ${begun.id}`);
  const body = operationBody(services, operation);
  if (wait === undefined || operation.state === 'running') {
    if (wait !== undefined) context.header('preference-applied', `wait=${wait}`);
    return context.json(body, 202);
  }
  state.changed(beginning.host);
  context.header('preference-applied', `wait=${wait}`);
  const problem = endingProblem(body);
  services.counted('waited', beginning.type, beginning.host, problem?.kind ?? 'done');
  if (problem !== undefined) throw problem;
  return context.json(body, 200);
}

function clashOf({ id, clash }: Begun): Problem {
  const extra = { operation: id };
  if (clash !== 'key')
    return new Problem(409, 'busy', 'Another operation is in progress', `${id} has to end first`, extra);
  return new Problem(409, 'key-reused', 'The key belongs to another request', 'use another Idempotency-Key', extra);
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

/** Wait until it has ended, the time is over, the caller has gone or the gateway ends; also while Temporal is away for a moment. */
async function ended(
  context: Context,
  { options: { client, closing } }: Services,
  { id, runId }: Begun,
  until: number,
): Promise<void> {
  const enough = AbortSignal.any([
    AbortSignal.timeout(until - Date.now()),
    context.req.raw.signal,
    ...(closing === undefined ? [] : [closing]),
  ]);
  // The result is read afterwards, with everything else that is known of the operation.
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

function operationUrl(
  { options: { publicUrl = '' } }: Services,
  { id, runId }: Pick<OperationDetails, 'id' | 'runId'>,
): string {
  return `${publicUrl.replace(/\/+$/, '')}/v1/operations/${encodeURIComponent(id)}?runId=${runId}`;
}
