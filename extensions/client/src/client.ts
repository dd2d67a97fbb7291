import createFetchClient, { type Client } from 'openapi-fetch';
import type { paths } from './api.js';
import { endOf, type Operation, passed, type Waiting } from './operation.ts';
import { problemOf } from './problem.ts';

export type ClientOptions = {
  /** URL of the gateway, with its path if it has one. */
  url: string;
  /** The token, or a function that answers the present one. */
  token?: string | (() => string | Promise<string>);
  /** Why changes are made, such as the number of a ticket. */
  reason?: string;
  /** In place of the platform's own. */
  fetch?: (request: Request) => Promise<Response>;
};

type Called = { data?: unknown; response: Response };

export type ZvmClient = {
  /** Each path of the API with its types, by openapi-fetch. Throws a ZvmProblem. */
  readonly api: Client<paths, 'application/json'>;
  /** The body of an answer. */
  body<Call extends Called>(call: Promise<Call>): Promise<NonNullable<Call['data']>>;
  /** Wait until an operation has ended with success. Throws OperationFailed, OperationOpen, or a ZvmProblem. Nothing is cancelled. */
  ended(operation: Pick<Operation, 'id' | 'runId'>, waiting?: Waiting): Promise<Operation>;
};

/**
 * A client of a gateway. Readings, and changes with an `idempotency-key`, are repeated when no answer comes, or one of *try again*; other changes
 * never.
 */
export function createClient(options: ClientOptions): ZvmClient {
  const api = createFetchClient<paths, 'application/json'>({ baseUrl: options.url, fetch: sender(options) });
  return {
    api,
    body,
    ended: ({ id, runId }, waiting = {}) =>
      endOf(() => {
        const params = { path: { operationId: id }, query: { runId } };
        const { signal = null } = waiting;
        return body(api.GET('/v1/operations/{operationId}', { params, signal }));
      }, waiting),
  };
}

async function body<Call extends Called>(call: Promise<Call>): Promise<NonNullable<Call['data']>> {
  const { data, response } = await call;
  if (data === undefined || data === null)
    throw new Error(`${response.url} answered ${response.status} without a body`);
  return data;
}

const MOST_TRIES = 4;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 8_000;
/** Answers of *try again*. */
const TRANSIENT: readonly number[] = [429, 503, 504];

function sender({ token, reason, fetch = globalThis.fetch }: ClientOptions) {
  return async (request: Request): Promise<Response> => {
    const given = typeof token === 'function' ? await token() : token;
    if (given !== undefined) request.headers.set('authorization', `Bearer ${given}`);
    const isReading = request.method === 'GET' || request.method === 'HEAD';
    if (reason !== undefined && !isReading) request.headers.set('change-reason', encodeURIComponent(reason));
    const mostTries = isReading || request.headers.has('idempotency-key') ? MOST_TRIES : 1;
    let pause = FIRST_PAUSE_MS;
    for (let tries = 1; ; tries += 1) {
      const isLast = tries === mostTries || request.signal.aborted;
      try {
        const answer = await fetch(request.clone());
        if (answer.status < 400) return answer;
        if (isLast || !TRANSIENT.includes(answer.status)) throw await problemOf(answer);
        pause = Math.max(pause, Number(answer.headers.get('retry-after') ?? 0) * 1_000);
        await answer.body?.cancel();
      } catch (error) {
        // The platform's own error of a request without an answer.
        if (isLast || !(error instanceof TypeError)) throw error;
      }
      pause = Math.min(pause, LONGEST_PAUSE_MS);
      await passed(pause, request.signal);
      pause *= 2;
    }
  };
}
