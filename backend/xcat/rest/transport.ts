import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { Pool } from 'undici';
import { defined } from '../../../domain/defined.ts';
import { BackendError } from '../../backend-error.ts';
import { type Elem, parseAnswer } from './answers.ts';
import { connectionFailure } from './connection-failure.ts';
import { httpFailure } from './http-failure.ts';
import { limitedText, TooLong } from './limited-body.ts';
import { redactorOf } from './redaction.ts';

export type TransportOptions = {
  /** `https://mn.example.org`, or with a path other than `/xcatws`. */
  url: string;
  username: string;
  password: string;
  /** A whole call, from asking to the last byte of the answer; milliseconds. */
  timeoutMs: number;
  /** PEM file of the certificate authority; or the PEM text itself as `ca`. */
  caFile?: string;
  ca?: string;
  /** False only when the operator asks for it. */
  verifyTls: boolean;
  /** Put the credentials into the query, for what takes them nowhere else; they then stand in the MN's access log. */
  credentialsInQuery: boolean;
  /** Calls at a time; each is a process on the MN (docs/reference/xcat.md 5). */
  connections?: number;
  /** The longest answer that is read; bytes. */
  maxAnswerBytes?: number;
  onWarning?: (warning: string) => void;
};

export type XcatRequest = {
  method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** Below the base path: `/tables/switch`. Names in it are already encoded. */
  path: string;
  query?: Readonly<Record<string, string>>;
  body?: readonly string[];
  signal?: AbortSignal;
};

export type Transport = {
  request(request: XcatRequest): Promise<Elem[]>;
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
 * The way to one xCAT MN: a pool of kept-alive connections to its v1 REST API (docs/reference/xcat.md 1). It never tries again by itself,
 * and calls no sooner than an answer has asked for (Retry-After). Its calls throw a BackendError, or the signal's reason when the caller
 * aborts; neither holds credentials or the URL. Throws BackendError 'refused' when the options are wrong: a URL that is none, or a CA file
 * that cannot be read.
 */
export function createTransport(options: TransportOptions): Transport {
  const { origin, basePath, tls } = endpointOf(options.url);
  const onWarning = options.onWarning ?? (() => {});
  if (!tls) onWarning('plain HTTP to xCAT: the network carries its password unencrypted');
  else if (!options.verifyTls)
    onWarning("the certificate of xCAT's management node is not verified (verifyTls is off)");
  if (options.credentialsInQuery) onWarning("xCAT's credentials are sent in the URL: its access log holds them");
  const ca = options.caFile === undefined ? options.ca : readCa(options.caFile);
  const pool = new Pool(origin, {
    connections: options.connections ?? CONNECTIONS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: {
      timeout: CONNECT_TIMEOUT_MS,
      rejectUnauthorized: options.verifyTls,
      ...defined({ ca }),
    },
  });
  const credentials = { userName: headerValue(options.username), password: headerValue(options.password) };
  const secret = options.credentialsInQuery
    ? `&userName=${encodeURIComponent(options.username)}&password=${encodeURIComponent(options.password)}`
    : '';

  const { maxAnswerBytes = MAX_ANSWER_BYTES } = options;
  const redacted = redactorOf(options.password);
  let notBefore = 0;

  const request = async ({ method, path, query, body, signal }: XcatRequest): Promise<Elem[]> => {
    const operation = `${method} ${path}`;
    signal?.throwIfAborted();
    const timeout = AbortSignal.timeout(options.timeoutMs);
    const search = new URLSearchParams({ ...query, format: 'json' }).toString();
    const ended = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
    const wait = notBefore - Date.now();
    if (wait >= options.timeoutMs) throw notYet(operation, wait);
    let failure: BackendError;
    try {
      if (wait > 0) await pause(wait, undefined, { signal: ended, ref: false });
      const response = await pool.request({
        method,
        path: `${basePath}${path}?${search}${secret}`,
        headers: {
          accept: 'application/json',
          ...(options.credentialsInQuery ? {} : credentials),
          // Form-urlencoded, the CGI would not see the body (docs/reference/xcat.md 1.1).
          ...(body === undefined ? {} : { 'content-type': 'text/plain' }),
        },
        body: body === undefined ? null : JSON.stringify(body),
        signal: ended,
      });
      const { statusCode: status, headers } = response;
      if (status >= 200 && status <= 299)
        return parseAnswer(await limitedText(response.body, maxAnswerBytes), operation);
      const text = redacted(await limitedText(response.body, MAX_FAILURE_BYTES, true));
      const [retryAfter, location] = [headers['retry-after'], headers.location].map((value) => [value].flat()[0]);
      failure = httpFailure(operation, { status, body: text, retryAfter, location });
    } catch (error) {
      if (error instanceof BackendError) throw error.with({ message: redacted(error.message) });
      if (signal?.aborted === true) throw signal.reason;
      if (error instanceof TooLong) throw tooLong(operation, maxAnswerBytes);
      throw timeout.aborted
        ? tooLate(operation, options.timeoutMs)
        : connectionFailure(operation, error, CONNECT_TIMEOUT_MS);
    }
    if (failure.retryAfterMs !== undefined) notBefore = Math.max(notBefore, Date.now() + failure.retryAfterMs);
    throw failure;
  };
  return { request, close: () => pool.destroy() };
}

function endpointOf(text: string): { origin: string; basePath: string; tls: boolean } {
  const url = URL.parse(text);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw new BackendError({
      code: 'refused',
      operation: 'configure xCAT',
      message: "xCAT's URL must begin with http or https",
    });
  }
  const path = url.pathname.replace(/\/+$/, '');
  return { origin: url.origin, basePath: path === '' ? '/xcatws' : path, tls: url.protocol === 'https:' };
}

// The CGI takes headers as they are, without decoding (zvmxcatws.cgi, `http('userName')`); beyond ASCII it sees UTF-8 bytes.
function headerValue(text: string): string {
  const unsendable = [...text].some((character) => character < ' ' || character === '\x7f') || text !== text.trim();
  if (!unsendable) return Buffer.from(text, 'utf8').toString('latin1');
  const message = 'the user name or password of xCAT holds control characters, or begins or ends with a blank';
  throw new BackendError({ code: 'refused', operation: 'configure xCAT', message, advice: 'change them in xCAT' });
}

// A missing CA file must not mean an unverified connection (docs/reference/xcat.md 6.2).
function readCa(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    throw new BackendError({
      code: 'refused',
      operation: 'configure xCAT',
      message: `the CA file ${file} cannot be read (${reason})`,
      advice: 'correct the path of the CA file',
    });
  }
}

function tooLate(operation: string, timeoutMs: number): BackendError {
  return new BackendError({
    code: 'timeout',
    operation,
    message: `${operation}: no complete answer within ${timeoutMs / 1_000} s`,
  });
}

function tooLong(operation: string, limit: number): BackendError {
  return new BackendError({
    code: 'bad-answer',
    operation,
    message: `${operation}: the answer is longer than ${Math.floor(limit / MEBIBYTE)} MiB`,
    advice: 'check the URL, or raise zvm_xcat_max_answer for large tables',
    retryable: true,
  });
}

/** The failure of a call that may not wait for the pause which xCAT or a proxy in front of it requested. */
function notYet(operation: string, pauseMs: number): BackendError {
  const message = `${operation}: not sent, xCAT accepts no call within the next ${Math.ceil(pauseMs / 1_000)} s (Retry-After)`;
  return new BackendError({ code: 'busy', operation, message, retryAfterMs: pauseMs });
}
