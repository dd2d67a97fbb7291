import { BackendError } from '../../backend-error.ts';
import { createHttpClient, type HttpOptions, misconfigured } from '../../http/http-client.ts';
import { redactorOf } from '../../http/redaction.ts';
import { type Elem, parseAnswer } from './answers.ts';
import { httpFailure } from './http-failure.ts';

export type TransportOptions = Omit<HttpOptions, 'server' | 'tooLongAdvice'> & {
  username: string;
  password: string;
  /** Put the credentials into the query, for what takes them nowhere else; they then stand in the MN's access log. */
  credentialsInQuery: boolean;
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

/**
 * The way to one xCAT MN: its v1 REST API (docs/reference/xcat.md 1); each call is a process on the MN. Its calls throw what those of
 * createHttpClient throw; no error holds credentials or the URL. Throws what createHttpClient throws, and BackendError 'refused' for
 * credentials that cannot be sent.
 */
export function createTransport(options: TransportOptions): Transport {
  const client = createHttpClient({
    ...options,
    server: 'xCAT',
    tooLongAdvice: 'check the URL, or raise zvm_xcat_max_answer for large tables',
  });
  if (options.credentialsInQuery)
    options.onWarning?.("xCAT's credentials are sent in the URL: its access log holds them");
  const basePath = basePathOf(options.url);
  const credentials = { userName: headerValue(options.username), password: headerValue(options.password) };
  const secret = options.credentialsInQuery
    ? `&userName=${encodeURIComponent(options.username)}&password=${encodeURIComponent(options.password)}`
    : '';
  const redacted = redactorOf(options.password);

  const request = async ({ method, path, query, body, signal }: XcatRequest): Promise<Elem[]> => {
    const operation = `${method} ${path}`;
    const search = new URLSearchParams({ ...query, format: 'json' }).toString();
    const { status, text, header } = await client.call({
      operation,
      method,
      path: `${basePath}${path}?${search}${secret}`,
      headers: {
        accept: 'application/json',
        ...(options.credentialsInQuery ? {} : credentials),
        // Form-urlencoded, the CGI would not see the body (docs/reference/xcat.md 1.1).
        ...(body === undefined ? {} : { 'content-type': 'text/plain' }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
    });
    if (status >= 200 && status <= 299) return parsed(text, operation, redacted);
    const [retryAfter, location] = [header('retry-after'), header('location')];
    throw httpFailure(operation, { status, body: redacted(text), retryAfter, location });
  };
  return { request, close: () => client.close() };
}

function parsed(text: string, operation: string, redacted: (text: string) => string): Elem[] {
  try {
    return parseAnswer(text, operation);
  } catch (error) {
    throw error instanceof BackendError ? error.with({ message: redacted(error.message) }) : error;
  }
}

function basePathOf(url: string): string {
  const path = new URL(url).pathname.replace(/\/+$/, '');
  return path === '' ? '/xcatws' : path;
}

// The CGI takes headers as they are, without decoding (zvmxcatws.cgi, `http('userName')`); beyond ASCII it sees UTF-8 bytes.
function headerValue(text: string): string {
  const unsendable = [...text].some((character) => character < ' ' || character === '\x7f') || text !== text.trim();
  if (!unsendable) return Buffer.from(text, 'utf8').toString('latin1');
  const message = 'the user name or password of xCAT holds control characters, or begins or ends with a blank';
  throw misconfigured('xCAT', message, 'change them in xCAT');
}
