import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { Pool } from 'undici';
import { defined } from '../../domain/defined.ts';
import { BackendError } from '../backend-error.ts';
import { type ObservedCall, observed, observedCalls } from '../observation.ts';
import { connectionFailure } from './connection-failure.ts';
import { limitedText, TooLong } from './limited-body.ts';
import { retryAfterMs } from './retry-after.ts';

export type HttpOptions = {
  /** The server's name in messages. */
  server: string;
  /** The z/VM host that it serves, for those who observe its calls. */
  host?: string;
  /** `https://server.example.org`, with a path where its API is below one. */
  url: string;
  /** A whole call, from asking to the last byte of the answer; milliseconds. */
  timeoutMs: number;
  /** PEM file of the certificate authority; or the PEM text itself as `ca`. */
  caFile?: string;
  ca?: string;
  /** False only when the operator asks for it. */
  verifyTls: boolean;
  /** Calls at a time. */
  connections?: number;
  /** The longest answer that is read; bytes. */
  maxAnswerBytes?: number;
  /** The advice on one that is longer. */
  tooLongAdvice?: string;
  onWarning?: (warning: string) => void;
};

export type HttpCall = {
  /** The call in messages, without query, headers or credentials: `GET /tables/switch`. */
  operation: string;
  method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** With the query; names in it are already encoded. */
  path: string;
  headers: Readonly<Record<string, string>>;
  body?: string | undefined;
  signal?: AbortSignal | undefined;
};

/** An answer of whatever status; of one without success, its beginning. */
export type HttpAnswer = {
  status: number;
  text: string;
  header(name: string): string | undefined;
};

/** A pool of kept-alive connections to one server. */
export type HttpClient = {
  call(call: HttpCall): Promise<HttpAnswer>;
  close(): Promise<void>;
};

const CONNECT_TIMEOUT_MS = 15_000;
const KEEP_ALIVE_MS = 4_000;
const CONNECTIONS = 8;
const MEBIBYTE = 1024 * 1024;
const MAX_ANSWER_BYTES = 64 * MEBIBYTE;
// A failure is quoted by its beginning.
const MAX_FAILURE_BYTES = 64 * 1024;

/**
 * The way to one server. It never tries again by itself, and calls no sooner than an answer has asked for (Retry-After). Its calls throw a
 * BackendError, or the signal's reason when the caller aborts. Throws BackendError 'refused' when the options are wrong: a URL that is none, or
 * a CA file that cannot be read.
 */
export function createHttpClient(options: HttpOptions): HttpClient {
  const { server, host = '', timeoutMs, verifyTls, onWarning = () => {} } = options;
  const url = URL.parse(options.url);
  if (url === null || !['http:', 'https:'].includes(url.protocol))
    throw misconfigured(server, `${server}'s URL must begin with http or https`);
  const tls = url.protocol === 'https:';
  if (!tls) onWarning(`plain HTTP to ${server}: the network carries its password unencrypted`);
  else if (!verifyTls) onWarning(`the certificate of ${server}'s server is not verified (verifyTls is off)`);
  const ca = options.caFile === undefined ? options.ca : readText(server, 'CA file', options.caFile);
  const pool = new Pool(url.origin, {
    connections: options.connections ?? CONNECTIONS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { timeout: CONNECT_TIMEOUT_MS, rejectUnauthorized: verifyTls, ...defined({ ca }) },
  });
  const { maxAnswerBytes = MAX_ANSWER_BYTES } = options;
  let notBefore = 0;

  const send = async (
    { operation, method, path, headers, body, signal }: HttpCall,
    seen: ObservedCall,
  ): Promise<HttpAnswer> => {
    signal?.throwIfAborted();
    const timeout = AbortSignal.timeout(timeoutMs);
    const ended = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
    const wait = notBefore - Date.now();
    if (wait >= timeoutMs) throw notYet(server, operation, wait);
    try {
      if (wait > 0) await pause(wait, undefined, { signal: ended, ref: false });
      const response = await pool.request({ method, path, headers, body: body ?? null, signal: ended });
      const { statusCode: status } = response;
      seen.status = status;
      const isSuccess = status >= 200 && status <= 299;
      const text = await limitedText(response.body, isSuccess ? maxAnswerBytes : MAX_FAILURE_BYTES, !isSuccess);
      const header = (name: string) => [response.headers[name]].flat()[0];
      const later = status === 429 || status === 503 ? retryAfterMs(header('retry-after')) : undefined;
      if (later !== undefined) notBefore = Math.max(notBefore, Date.now() + later);
      return { status, text, header };
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason;
      if (error instanceof TooLong) throw tooLong(operation, maxAnswerBytes, options.tooLongAdvice);
      throw timeout.aborted
        ? tooLate(operation, timeoutMs)
        : connectionFailure(server, operation, error, CONNECT_TIMEOUT_MS);
    }
  };
  const call = (wanted: HttpCall) => {
    const seen = { host, server, operation: wanted.operation };
    return observed(observedCalls, seen, () => send(wanted, seen));
  };
  return { call, close: () => pool.destroy() };
}

/** The failure of options that no call can be made with. */
export function misconfigured(server: string, message: string, advice?: string): BackendError {
  return new BackendError({ code: 'refused', operation: `configure ${server}`, message, ...defined({ advice }) });
}

/** A file that a configuration names. A missing CA file must not mean an unverified connection: throws BackendError 'refused'. */
export function readText(server: string, what: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    throw misconfigured(server, `the ${what} ${file} cannot be read (${reason})`, `correct the path of the ${what}`);
  }
}

function tooLate(operation: string, timeoutMs: number): BackendError {
  const message = `${operation}: no complete answer within ${timeoutMs / 1_000} s`;
  return new BackendError({ code: 'timeout', operation, message });
}

function tooLong(operation: string, limit: number, advice: string | undefined): BackendError {
  const message = `${operation}: the answer is longer than ${Math.floor(limit / MEBIBYTE)} MiB`;
  return new BackendError({ code: 'bad-answer', operation, message, retryable: true, ...defined({ advice }) });
}

/** The failure of a call that may not wait for the pause which the server or a proxy in front of it requested. */
function notYet(server: string, operation: string, pauseMs: number): BackendError {
  const message = `${operation}: not sent, ${server} accepts no call within the next ${Math.ceil(pauseMs / 1_000)} s (Retry-After)`;
  return new BackendError({ code: 'busy', operation, message, retryAfterMs: pauseMs });
}
