import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { OperationDetails } from '../../client/operations.ts';
import { defined } from '../../domain/defined.ts';
import { isOvertaken } from '../../domain/planning/refusal.ts';
import { fieldPage } from '../../domain/planning/refused-field.ts';

/** The kinds of problems. Programs decide by them; each has a section of the documentation (docs/errors/problems.md). */
export const PROBLEM_KINDS = [
  'invalid-request',
  'unauthorised',
  'forbidden',
  'not-found',
  'method-not-allowed',
  'refused',
  'incomplete',
  'cancelled',
  'failed',
  'busy',
  'key-reused',
  'ended',
  'not-waiting',
  'not-cancellable',
  'not-retryable',
  'not-undoable',
  'changed',
  'too-large',
  'not-json',
  'too-many',
  'no-worker',
  'unreadable',
  'unavailable',
  'not-ready',
  'slow',
  'http',
  'internal',
] as const;
export type ProblemKind = (typeof PROBLEM_KINDS)[number];

/** A field of the request that is not valid. */
export type FieldProblem = { field: string; reason: string; advice?: string };

/** A request's failure: an RFC 9457 problem. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly status: ContentfulStatusCode;
  /** Last part of the type's URI. */
  readonly kind: ProblemKind;
  readonly title: string;
  readonly extra: Record<string, unknown>;

  constructor(
    status: ContentfulStatusCode,
    kind: ProblemKind,
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

/** `extra` names the operation when it has started already. */
export function temporalDoesNotAnswer(extra: Record<string, unknown> = {}): Problem {
  return new Problem(503, 'unavailable', 'Not available', 'Temporal gives no valid answer; try again', extra);
}

export function notJson(): Problem {
  return new Problem(415, 'not-json', 'The body is not JSON', 'content-type must be application/json');
}

export function invalid(status: 400 | 422, errors: readonly FieldProblem[]): Problem {
  return new Problem(status, 'invalid-request', 'The request is not valid', detailOf(errors), withPages(errors));
}

/** The request has the form that the document asks for, and cannot be granted as things are. */
export function contradicted(errors: readonly FieldProblem[]): Problem {
  return new Problem(409, 'refused', 'The request was refused', detailOf(errors), withPages(errors));
}

function detailOf(errors: readonly FieldProblem[]): string {
  return errors.map(({ field, reason }) => `${field}: ${reason}`).join('; ');
}

function withPages(errors: readonly FieldProblem[]) {
  return { errors: errors.map((error) => ({ ...error, page: fieldPage(error.field) })) };
}

/** The problem of an awaited operation that failed, wholly or in part; undefined when it succeeded. */
export function endingProblem(operation: OperationDetails & { run?: string }): Problem | undefined {
  const { id, userid, run, state, outcome, failure, result } = operation;
  const about = defined({ operation: id, run });
  if (state === 'running') return undefined;
  if (state === 'completed') {
    if ((outcome !== 'failed' && outcome !== 'refused') || isDryRun(result)) return undefined;
    const detail = 'a part of the operation succeeded, a part failed: see `result`';
    return new Problem(outcome === 'failed' ? 502 : 409, 'incomplete', 'The operation succeeded in part', detail, {
      ...about,
      result,
    });
  }
  if (state === 'cancelled') {
    const undone = userid === undefined ? '' : ` and rolled back: ${userid} is in the state before it`;
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
  const { type, message, refusals, step, advice, undone, page } = failure;
  const extra = {
    ...about,
    ...defined({ errors: refusals.length === 0 ? undefined : refusals, step, advice, undone, page }),
  };
  if (isOvertaken(refusals)) return new Problem(412, 'changed', 'Precondition failed', message, extra);
  if (type === 'Refused') return new Problem(409, 'refused', 'The request was refused', message, extra);
  return new Problem(502, 'failed', 'z/VM or xCAT failed', message, extra);
}

const TRY_AGAIN_SECONDS = '5';

/** A problem as the answer. Its type is the URL of the section about it, at the callers' URL of the gateway. */
export function answerWith(
  context: Context,
  { status, kind, title, message, extra }: Problem,
  publicUrl = '',
): Response {
  const body = {
    type: `${publicUrl.replace(/\/+$/, '')}/errors/${kind}`,
    title,
    status,
    detail: message,
    instance: context.req.path,
    ...extra,
  };
  if (status === 503 || status === 504) context.header('retry-after', TRY_AGAIN_SECONDS);
  return context.body(JSON.stringify(body), status, { 'content-type': 'application/problem+json' });
}

/** True for the result of a dry run, which succeeds whatever its plan. */
function isDryRun(result: unknown): boolean {
  return typeof result === 'object' && result !== null && 'dryRun' in result && result.dryRun === true;
}
