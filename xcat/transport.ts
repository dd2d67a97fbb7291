import { readFileSync } from 'node:fs';
import { errors, Pool } from 'undici';
import { type Elem, parseAnswer, plainText } from './answers.ts';
import { XcatError, type XcatErrorCode } from './errors.ts';

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
  /** Calls at a time; each is a process on the MN (contract xcat.md 9). */
  connections?: number;
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

/**
 * The way to one xCAT MN: a pool of kept-alive connections to its v1 REST API (contract xcat.md 1). It never tries again by itself. Its
 * calls throw an XcatError, or the signal's reason when the caller aborts; neither holds credentials or the URL. Throws XcatError
 * 'refused' when the options are wrong: a URL that is none, or a CA file that cannot be read.
 */
export function createTransport(options: TransportOptions): Transport {
  const { origin, basePath, tls } = endpointOf(options.url);
  const onWarning = options.onWarning ?? (() => {});
  if (!tls) onWarning('xCAT is reached over plain HTTP: its password is readable on the network');
  else if (!options.verifyTls)
    onWarning("the certificate of xCAT's management node is not verified (verifyTls is off)");
  if (options.credentialsInQuery) onWarning("xCAT's credentials are sent in the URL and stand in its access log");
  const ca = options.caFile === undefined ? options.ca : readCa(options.caFile);
  const pool = new Pool(origin, {
    connections: options.connections ?? CONNECTIONS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: {
      timeout: CONNECT_TIMEOUT_MS,
      rejectUnauthorized: options.verifyTls,
      ...(ca === undefined ? {} : { ca }),
    },
  });
  const credentials = { userName: headerValue(options.username), password: headerValue(options.password) };
  const secret = options.credentialsInQuery
    ? `&userName=${encodeURIComponent(options.username)}&password=${encodeURIComponent(options.password)}`
    : '';

  const request = async ({ method, path, query, body, signal }: XcatRequest): Promise<Elem[]> => {
    const operation = `${method} ${path}`;
    signal?.throwIfAborted();
    const timeout = AbortSignal.timeout(options.timeoutMs);
    const search = new URLSearchParams({ ...query, format: 'json' }).toString();
    let status: number;
    let text: string;
    try {
      const response = await pool.request({
        method,
        path: `${basePath}${path}?${search}${secret}`,
        headers: {
          accept: 'application/json',
          ...(options.credentialsInQuery ? {} : credentials),
          // Form-urlencoded, the CGI would not see the body (contract xcat.md 1.1).
          ...(body === undefined ? {} : { 'content-type': 'text/plain' }),
        },
        body: body === undefined ? null : JSON.stringify(body),
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      });
      status = response.statusCode;
      text = await response.body.text();
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason;
      throw timeout.aborted ? tooLate(operation, options.timeoutMs) : connectionError(operation, error);
    }
    if (status < 200 || status > 299) throw statusError(operation, status, text);
    return parseAnswer(text, operation);
  };
  return { request, close: () => pool.destroy() };
}

function endpointOf(text: string): { origin: string; basePath: string; tls: boolean } {
  const url = URL.parse(text);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw new XcatError({
      code: 'refused',
      operation: 'configure xCAT',
      message: "xCAT's URL is not one of http or https",
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
  throw new XcatError({ code: 'refused', operation: 'configure xCAT', message, advice: 'change them in xCAT' });
}

// A missing CA file must not mean an unverified connection (contract xcat.md 6, defect 2).
function readCa(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    throw new XcatError({
      code: 'refused',
      operation: 'configure xCAT',
      message: `the CA file ${file} cannot be read (${reason})`,
      advice: 'correct the path of the CA file',
    });
  }
}

function tooLate(operation: string, timeoutMs: number): XcatError {
  return new XcatError({
    code: 'timeout',
    operation,
    message: `${operation}: no complete answer within ${timeoutMs / 1_000} s`,
  });
}

function connectionError(operation: string, error: unknown): XcatError {
  if (error instanceof errors.ConnectTimeoutError) {
    const message = `${operation}: no connection within ${CONNECT_TIMEOUT_MS / 1_000} s`;
    return new XcatError({ code: 'timeout', operation, message });
  }
  const reason = error instanceof Error && 'code' in error ? String(error.code) : 'connection lost';
  const untrusted = /CERT|SELF_SIGNED|ISSUER|SIGNATURE|ALTNAME/.test(reason);
  return new XcatError({
    code: 'unreachable',
    operation,
    message: `${operation}: ${untrusted ? 'the certificate of the management node is not trusted' : 'no answer from xCAT'} (${reason})`,
    // Another certificate, or another CA file, which is read again when it changes, may come within the operation's time.
    ...(untrusted ? { advice: 'configure the CA file of the management node' } : {}),
  });
}

// contract xcat.md 1.3
function statusError(operation: string, status: number, body: string): XcatError {
  const text = plainText(body);
  const message = `${operation}: HTTP ${status}${text === '' ? '' : `: ${text}`}`;
  return new XcatError({ code: codeOf(status, text), operation, message });
}

function codeOf(status: number, text: string): XcatErrorCode {
  if (status === 401) return 'unauthorised';
  if (status === 403 && /noderange/i.test(text)) return 'unknown-node';
  if (status === 408) return 'timeout';
  // 502 and 504 are a proxy's words for what the CGI calls 503.
  if ([502, 503, 504].includes(status)) return 'busy';
  return status >= 400 && status < 500 ? 'refused' : 'bad-answer';
}
