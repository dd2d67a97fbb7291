import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { OperationDetails } from '../../client/operations.ts';
import { defined } from '../../domain/defined.ts';
import { isOvertaken } from '../../domain/planning/refusal.ts';

/** A field of the request that is not valid. */
export type FieldProblem = { field: string; reason: string; advice?: string };

/** A request's failure: an RFC 9457 problem. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly status: ContentfulStatusCode;
  /** Last part of the type's URI: what programs decide by. */
  readonly kind: string;
  readonly title: string;
  readonly extra: Record<string, unknown>;

  constructor(
    status: ContentfulStatusCode,
    kind: string,
    title: string,
    detail: string,
    extra: Record<string, unknown> = {},
  ) {
    super(detail);
    this.status = status;
    this.kind = kind;
    this.title = title;
    this.extra = extra;
  }
}

export function notFound(what: string): Problem {
  return new Problem(404, 'not-found', 'Not found', `there is no ${what}`);
}

/** `extra` names the operation when it has begun already. */
export function temporalDoesNotAnswer(extra: Record<string, unknown> = {}): Problem {
  return new Problem(503, 'unavailable', 'Not available', 'Temporal does not answer as it should; try again', extra);
}

export function notJson(): Problem {
  return new Problem(415, 'not-json', 'The body is not JSON', 'content-type has to be application/json');
}

export function invalid(status: 400 | 422, errors: readonly FieldProblem[]): Problem {
  const detail = errors.map(({ field, reason }) => `${field}: ${reason}`).join('; ');
  return new Problem(status, 'invalid-request', 'The request is not valid', detail, { errors });
}

/** The problem for a caller who waited for an operation that ended without reaching all of its goal; undefined when it reached it. */
export function endingProblem(operation: OperationDetails & { run?: string }): Problem | undefined {
  const { id, userid, run, state, outcome, failure, result } = operation;
  const about = defined({ operation: id, run });
  if (state === 'running') return undefined;
  if (state === 'completed') {
    if ((outcome !== 'failed' && outcome !== 'refused') || isDryRun(result)) return undefined;
    const detail = 'part of it was done, part was not: `result` says what';
    return new Problem(outcome === 'failed' ? 502 : 409, 'incomplete', 'The operation was done in part', detail, {
      ...about,
      result,
    });
  }
  if (state === 'cancelled') {
    const undone = userid === undefined ? '' : `: ${userid} is as it was before`;
    return new Problem(
      409,
      'cancelled',
      'The operation was cancelled',
      `operation ${id} was cancelled${undone}`,
      about,
    );
  }
  if (failure === undefined)
    return new Problem(502, 'failed', 'The operation failed', `operation ${id} is ${state}`, about);
  const { type, message, refusals, step, advice, undone } = failure;
  const extra = {
    ...about,
    ...defined({ errors: refusals.length === 0 ? undefined : refusals, step, advice, undone }),
  };
  if (isOvertaken(refusals)) return new Problem(412, 'changed', 'Precondition failed', message, extra);
  if (type === 'Refused') return new Problem(409, 'refused', 'The request cannot be granted', message, extra);
  return new Problem(502, 'failed', 'z/VM or xCAT failed', message, extra);
}

const TRY_AGAIN_SECONDS = '5';

/** A problem as the answer. */
export function answerWith(context: Context, { status, kind, title, message, extra }: Problem): Response {
  const body = {
    type: `urn:networking-zvm:problem:${kind}`,
    title,
    status,
    detail: message,
    instance: context.req.path,
    ...extra,
  };
  if (status === 503 || status === 504) context.header('retry-after', TRY_AGAIN_SECONDS);
  return context.body(JSON.stringify(body), status, { 'content-type': 'application/problem+json' });
}

/** A dry run succeeds whatever it plans. */
function isDryRun(result: unknown): boolean {
  return typeof result === 'object' && result !== null && 'dryRun' in result && result.dryRun === true;
}
