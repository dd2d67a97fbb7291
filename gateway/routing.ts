import { createHash } from 'node:crypto';
import { createRoute, OpenAPIHono, type RouteConfig, z } from '@hono/zod-openapi';
import { WorkflowFailedError } from '@temporalio/client';
import type { Context } from 'hono';
import type { Beginning, Begun } from '../client/begin-operation.ts';
import { beginOperation } from '../client/begin-operation.ts';
import { describeOperation, failureOf, type OperationDetails, runUrl } from '../client/operations.ts';
import type { GatewayHost, GatewayOptions, Limits } from './options.ts';
import { invalid, notFound, operationProblem, Problem } from './problem.ts';
import { Operation, Problem as ProblemSchema } from './schemas.ts';
import type { StateCache } from './state-cache.ts';
import type { KnownToken, Verb } from './tokens.ts';
import { allows } from './tokens.ts';

/** What handlers find in the request's context. */
export type Env = { Variables: { caller: KnownToken | undefined; requestId: string } };
export type App = OpenAPIHono<Env>;

/** What routes work with. */
export type Services = { options: GatewayOptions; limits: Limits; state: StateCache };

/** An app whose requests are checked against their schemas; what does not fit is a problem that names the field. */
export function newApp(): App {
  return new OpenAPIHono<Env>({
    defaultHook: (result) => {
      if (result.success) return;
      const errors = result.error.issues.map(({ path, message }) => ({
        field: path.join('.') || result.target,
        reason: message,
      }));
      throw invalid(422, errors);
    },
  });
}

const PROBLEMS = {
  400: 'The request cannot be read',
  401: 'A token is missing, or is not known',
  403: 'The token is not for this',
  404: 'There is no such thing',
  409: 'It cannot be granted as things are',
  412: 'It has changed since it was read',
  413: 'The body is too large',
  422: 'The request is not valid',
  429: 'Too many requests',
  503: 'Temporal, xCAT or z/VM does not answer',
} as const;

type Answer = { description: string; schema: z.ZodType; headers?: Record<string, string> };

/** A route with the problems that any route can answer with. */
export function route<const Config extends Omit<RouteConfig, 'responses'>>(
  config: Config,
  answers: Readonly<Record<number, Answer>>,
) {
  const described = Object.fromEntries(
    Object.entries(answers).map(([status, { description, schema }]) => [
      status,
      { description, content: { 'application/json': { schema } } },
    ]),
  );
  const problems = Object.fromEntries(
    Object.entries(PROBLEMS).map(([status, description]) => [
      status,
      { description, content: { 'application/problem+json': { schema: ProblemSchema } } },
    ]),
  );
  type Whole = Config & Pick<RouteConfig, 'responses'>;
  return createRoute<Config['path'], Whole>({
    ...config,
    security: [{ token: [] }],
    responses: { ...problems, ...described },
  } as Whole);
}

/** The answers of a route that starts an operation. */
export const STARTED: Readonly<Record<number, Answer>> = {
  200: { description: 'Done, as asked for by `Prefer: wait`', schema: Operation },
  202: { description: 'Started; `Location` is its operation', schema: Operation },
};

/** Headers of requests that change something. */
export const ChangeHeaders = z.object({
  'idempotency-key': z
    .string()
    .regex(/^[\x21-\x7e]{1,200}$/)
    .optional()
    .openapi({ description: 'Requests with the same key are one operation' }),
  prefer: z.string().optional().openapi({ description: '`wait=N`: answer when it is done, or after N seconds' }),
});

/** The host, if the gateway serves it and the caller may do this on it. Throws a Problem. */
export function hostFor(context: Context<Env>, { options }: Services, name: string, verb: Verb): GatewayHost {
  permit(context, verb, name);
  const host = options.hosts.find((candidate) => candidate.host === name);
  if (host === undefined) throw notFound(`host ${name}`);
  return host;
}

/** Throws a Problem when the caller may not do this. */
export function permit(context: Context<Env>, verb: Verb, host?: string): void {
  const caller = context.get('caller');
  if (caller === undefined || allows(caller, verb, host)) return;
  const where = host === undefined ? '' : ` on ${host}`;
  throw new Problem(403, 'forbidden', 'Not allowed', `the token ${caller.name} is not for ${verb}${where}`);
}

/** Read what a workflow answers; what it refuses is a problem. */
export async function readingOf<Result>(read: () => Promise<Result>): Promise<Result> {
  try {
    return await read();
  } catch (error) {
    throw readingProblem(error);
  }
}

function readingProblem(error: unknown): unknown {
  if (!(error instanceof WorkflowFailedError)) return error;
  const failure = failureOf(deepest(error));
  if (failure.type === 'Refused')
    return new Problem(404, 'not-found', 'Not found', failure.message, { errors: failure.refusals });
  return new Problem(503, 'unreadable', 'It cannot be read now', failure.message);
}

function deepest(error: unknown): unknown {
  return error instanceof Error && error.cause instanceof Error ? deepest(error.cause) : error;
}

/** The Workflow ID of a request: its key's when it has one, else one of its own. */
export function requestSubject(
  context: Context,
  subject: string,
  input: unknown,
): { subject: string; once?: { digest: string } } {
  const digest = digestOf({ path: context.req.path, method: context.req.method, input });
  const key = context.req.header('idempotency-key');
  if (key === undefined) return { subject: `${subject}/${digest.slice(0, 8)}` };
  return { subject: `key-${digestOf(key).slice(0, 32)}`, once: { digest } };
}

export function digestOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex');
}

/** Start an operation and answer 202, or wait for it as the caller prefers. */
export async function startAndAnswer(
  context: Context<Env>,
  services: Services,
  beginning: Beginning,
): Promise<Response> {
  const { client } = services.options;
  const begun = await beginOperation(client, beginning);
  services.state.forget(beginning.host);
  if (begun.clash) {
    if (beginning.once !== undefined)
      throw new Problem(409, 'key-reused', 'The key belongs to another request', 'use another Idempotency-Key', {
        operation: begun.id,
      });
    throw new Problem(409, 'busy', 'Another operation is in progress', `${begun.id} has to end first`, {
      operation: begun.id,
    });
  }
  const seconds = waitOf(context.req.header('prefer'), services.limits.waitSeconds);
  const done = seconds > 0 && (await ended(services, begun, seconds));
  services.state.forget(beginning.host);
  const operation = await describeOperation(client, begun.id, begun.runId);
  if (operation === undefined) throw notFound(`operation ${begun.id}`);
  const body = operationBody(context, services, operation);
  if (operation.failure?.type === 'Refused') throw operationProblem(operation.failure, body);
  context.header('location', body.url);
  if (seconds > 0) context.header('preference-applied', `wait=${seconds}`);
  return context.json(body, done ? 200 : 202);
}

function waitOf(prefer: string | undefined, most: number): number {
  const [, text] = /(?:^|[,;\s])wait\s*=\s*"?(\d{1,6})"?/i.exec(prefer ?? '') ?? [];
  return text === undefined ? 0 : Math.min(most, Number(text));
}

async function ended({ options: { client } }: Services, { id, runId }: Begun, seconds: number): Promise<boolean> {
  const handle = client.workflow.getHandle(id.replaceAll('~', '/'), runId);
  const result = handle.result().then(
    () => true,
    (error: unknown) => error instanceof WorkflowFailedError,
  );
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), seconds * 1_000);
  });
  return Promise.race([result, tooLong]).finally(() => clearTimeout(timer));
}

/** An operation with its own URL and that of its run in the Temporal UI. */
export function operationBody(
  context: Context,
  { options }: Services,
  operation: OperationDetails,
): OperationDetails & { url: string; run?: string } {
  const { origin } = new URL(context.req.url);
  const url = `${origin}/v1/operations/${encodeURIComponent(operation.id)}?runId=${operation.runId}`;
  const { uiUrl, namespace } = options;
  return { ...operation, url, ...(uiUrl === undefined ? {} : { run: runUrl(uiUrl, namespace, operation) }) };
}

/** The answer with its ETag; 304 when the caller has it already. */
export function tagged(context: Context, body: unknown): Response {
  const tag = etagOf(body);
  context.header('etag', tag);
  if (
    context.req
      .header('if-none-match')
      ?.split(/\s*,\s*/)
      .includes(tag) === true
  )
    return context.body(null, 304);
  return context.json(body as never);
}

export function etagOf(body: unknown): string {
  return `"${digestOf(body).slice(0, 32)}"`;
}

/** Throws a Problem when the caller has read something else than there is. */
export function matchOrRefuse(ifMatch: string | undefined, current: unknown): void {
  if (ifMatch === undefined || ifMatch.trim() === '*') return;
  if (ifMatch.split(/\s*,\s*/).includes(etagOf(current))) return;
  throw new Problem(412, 'changed', 'It has changed', 'it is not as it was when the ETag was read', {
    etag: etagOf(current),
  });
}
