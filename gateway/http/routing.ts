import { createRoute, OpenAPIHono, type RouteConfig, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { LONGEST_REASON } from '../../client/origin.ts';
import { defined } from '../../domain/defined.ts';
import { OPERATIONS, type OperationType } from '../../domain/operations/operations.ts';
import { DEFAULT_OPTIONS, guestOptions, hostOptions, PlanId } from '../../domain/operations/requests.ts';
import { refusalsOf } from '../../domain/planning/refusal.ts';
import type { HostCache } from '../cache.ts';
import type { GatewayHost, GatewayOptions, Limits } from '../options.ts';
import { Operation, Problem as ProblemSchema } from '../schemas.ts';
import { allows, type Caller } from './callers.ts';
import { invalid, notFound, Problem } from './problem.ts';
import type { Verb } from './tokens.ts';

/** Values of a request's context. */
export type Env = {
  Variables: {
    caller: Caller | undefined;
    requestId: string;
    /** The id of the operation that the request has started or found. */
    operation: string | undefined;
  };
};
export type App = OpenAPIHono<Env>;

/** Services that routes use. */
export type Services = {
  options: GatewayOptions;
  limits: Limits;
  state: HostCache;
  /** An operation was started, or a caller has waited for one. */
  counted(event: 'started' | 'waited', type: string, host: string, outcome?: string): void;
};

/** An app that checks requests against their schemas; a mismatch is a problem that names the field. */
export function newApp(): App {
  return new OpenAPIHono<Env>({
    defaultHook: (result) => {
      if (!result.success) throw notUnderstood(result.error, result.target);
    },
  });
}

function notUnderstood(error: z.core.$ZodError, target: string): Problem {
  const errors = refusalsOf(error, target).map(({ field, reason }) => ({ field, reason }));
  return invalid(422, errors);
}

/** For a route without a schema. Throws a Problem when the query has any parameter. */
export function refuseQuery(context: Context): void {
  const { error } = NO_QUERY.safeParse(context.req.query());
  if (error !== undefined) throw notUnderstood(error, 'query');
}

const PROBLEMS = {
  400: 'The request is malformed',
  401: 'The token is missing or unknown',
  403: 'The token does not allow the request',
  404: 'Not found',
  409: 'The state of the host does not permit the request',
  412: 'The precondition of `If-Match` or `If-None-Match` is not met',
  413: 'The body is too large',
  415: 'The body is not JSON',
  422: 'The request is not valid',
  429: 'Too many requests',
  502: 'The operation that the caller waited for has failed',
  503: 'Temporal, the worker or z/VM does not answer',
  504: 'The reading takes longer than the gateway waits',
} as const;
const OF_ALL = [400, 401, 403, 404, 422, 429, 503] as const;
const OF_READINGS = [504] as const;
const OF_TAGGED = [412] as const;
const OF_CHANGES = [409, 412, 413, 415, 502, 504] as const;

const text = (description: string) => ({ description, schema: { type: 'string' as const } });
const PROBLEM_HEADERS: Readonly<Record<string, Record<string, ReturnType<typeof text>>>> = {
  401: { 'WWW-Authenticate': text('`Bearer`') },
  429: { 'Retry-After': text('Seconds') },
  503: { 'Retry-After': text('Seconds') },
  504: { 'Retry-After': text('Seconds') },
};
const TAG = { ETag: text('The ETag, for `If-None-Match` and `If-Match`') };

type Answer = {
  description: string;
  schema: z.ZodType;
  /** Also answered as lines of JSON, one an entry, where the request accepts `application/x-ndjson`. */
  lines?: true;
  /** True for a resource with an ETag: 304 is a possible answer. */
  tagged?: boolean;
  headers?: Record<string, ReturnType<typeof text>>;
  links?: Record<string, { operationId: string; parameters: Record<string, string>; description: string }>;
};

/** A query parameter that no route reads is refused: a `dryRun` must not be ignored. */
const NO_QUERY = z.strictObject({});

/** A route with its possible problems; its query accepts the parameters of its schema only. */
export function route<const Config extends Omit<RouteConfig, 'responses'>>(
  config: Config,
  answers: Readonly<Record<number, Answer>>,
) {
  const described = Object.entries(answers).map(
    ([status, { schema, description, lines, tagged = false, headers, links }]) => [
      status,
      {
        description,
        headers: { ...headers, ...(tagged ? TAG : {}) },
        content: {
          'application/json': { schema },
          ...(lines === undefined ? {} : { 'application/x-ndjson': { schema: { type: 'string' as const } } }),
        },
        ...defined({ links }),
      },
    ],
  );
  const isTagged = Object.values(answers).some(({ tagged }) => tagged);
  const notModified = isTagged
    ? { 304: { description: 'The resource still has the ETag of `If-None-Match`', headers: TAG } }
    : {};
  const ofReadings = isTagged ? [...OF_READINGS, ...OF_TAGGED] : OF_READINGS;
  const statuses = [...OF_ALL, ...(config.method === 'get' ? ofReadings : OF_CHANGES)];
  const problems = statuses.map((status) => [
    status,
    {
      description: PROBLEMS[status],
      ...defined({ headers: PROBLEM_HEADERS[status] }),
      content: { 'application/problem+json': { schema: ProblemSchema } },
    },
  ]);
  type Whole = Config & Pick<RouteConfig, 'responses'>;
  return createRoute<Config['path'], Whole>({
    ...config,
    request: { query: NO_QUERY, ...config.request },
    security: [{ token: [] }],
    responses: { ...Object.fromEntries(problems), ...notModified, ...Object.fromEntries(described) },
  } as Whole);
}

/** A required body of JSON. */
export function jsonOf<Schema extends z.ZodType>(schema: Schema) {
  return { content: { 'application/json': { schema } }, required: true } as const;
}

const ITS_OPERATION = {
  headers: { Location: text('The operation'), 'Preference-Applied': text('The part of `Prefer` that was applied') },
  links: {
    operation: {
      operationId: 'showOperation',
      parameters: { operationId: '$response.body#/id' },
      description: 'The started operation',
    },
    cancel: {
      operationId: 'cancelOperation',
      parameters: { operationId: '$response.body#/id' },
      description: 'Cancel the operation',
    },
  },
};

/** The answers of a route that starts an operation. */
export const STARTED: Readonly<Record<number, Answer>> = {
  200: { description: 'The operation ended within the time of `Prefer: wait`', schema: Operation, ...ITS_OPERATION },
  202: {
    description: 'The operation has started, and had not ended within the time of `Prefer: wait`',
    schema: Operation,
    ...ITS_OPERATION,
  },
};

/** A reason of the greatest length, each of its characters percent-encoded. */
export const LONGEST_HEADER = LONGEST_REASON * 12;

/** Headers of requests that change something. */
export const ChangeHeaders = z.object({
  'idempotency-key': z
    .string()
    .regex(/^[\x21-\x7e]{1,200}$/)
    .optional()
    .openapi({ description: 'Requests of one caller to one host with the same key start one operation' }),
  'change-reason': z
    .string()
    .max(LONGEST_HEADER)
    .optional()
    .openapi({
      description: `Why the change is made, such as the number of a ticket; kept up to ${LONGEST_REASON} characters. Characters beyond ASCII are percent-encoded UTF-8`,
    }),
  prefer: z
    .string()
    .optional()
    .openapi({ description: '`wait=N`: answer at the end of the operation, or after N seconds' }),
});

const ifMatch = z
  .string()
  .optional()
  .openapi({ description: 'Only if the resource has this ETag; `*`: only if it exists' });

/** Headers of requests that change something which has an ETag. */
export const ConditionalHeaders = ChangeHeaders.extend({ 'if-match': ifMatch });

/** Headers of requests that may create something. */
export const CreateHeaders = ConditionalHeaders.extend({
  'if-none-match': z.string().optional().openapi({ description: '`*`: only if it does not exist' }),
});

/** A flag in a query, false when left out. */
export const flag = (description: string) =>
  z
    .enum(['true', 'false'], "must be 'true' or 'false'")
    .optional()
    .transform((word) => word === 'true')
    .openapi({ type: 'string', enum: ['true', 'false'], description });
/** A flag of a request, as the query has it. */
export const optionOf = ({ description = '' }: z.ZodType) => flag(description);
const { giveUpAfterMinutes } = hostOptions;

/** Options of an operation on a host. A misspelt `dryRun` must not change anything: an unknown parameter is refused. */
export const HostOperationQuery = z.strictObject({
  dryRun: optionOf(guestOptions.dryRun),
  giveUpAfterMinutes: z.coerce
    .number('must be a number of minutes')
    .pipe(giveUpAfterMinutes.unwrap())
    .optional()
    .transform((minutes) => minutes ?? DEFAULT_OPTIONS.giveUpAfterMinutes)
    .openapi({
      type: 'number',
      exclusiveMinimum: 0,
      maximum: 10_080,
      description: giveUpAfterMinutes.description ?? '',
    }),
});

/** Options of an operation on guests. */
export const GuestOperationQuery = HostOperationQuery.extend({ keepOnFailure: optionOf(guestOptions.keepOnFailure) });

/** Options of an operation on ports of one guest. */
export const PortOperationQuery = GuestOperationQuery.extend({
  plan: PlanId.optional().openapi({
    description: 'Carry out only this plan: the `plan` of a dry run. Refused when the plan has changed since',
  }),
});

/** The description of a route that starts an operation, from the list of operations. */
export function starts(type: OperationType, tag: string) {
  const { does } = OPERATIONS[type];
  return { operationId: type as string, tags: [tag], summary: `${does.charAt(0).toUpperCase()}${does.slice(1)}` };
}

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
  throw new Problem(403, 'forbidden', 'Not allowed', `the token ${caller.name} does not allow ${verb}${where}`);
}
