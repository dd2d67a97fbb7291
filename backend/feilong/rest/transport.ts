import { z } from 'zod';
import { BackendError } from '../../backend-error.ts';
import { createHttpClient, type HttpAnswer, type HttpOptions, misconfigured } from '../../http/http-client.ts';
import { redactorOf } from '../../http/redaction.ts';
import { retryAfterMs } from '../../http/retry-after.ts';
import { type FailedEnvelope, failureOf, foreignAnswer } from './failure.ts';

export type FeilongOptions = Omit<HttpOptions, 'server' | 'tooLongAdvice'> & {
  /** The administrator's token, for which the server gives tokens; none where it asks for none. */
  token?: string;
  /** User and password of a proxy in front of the server. */
  basic?: { username: string; password: string };
};

export type FeilongRequest = {
  method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** With the query; names in it are already encoded. */
  path: string;
  body?: object;
  /** SMAPI's function that the call stands for, by which some of its codes are judged. */
  functionName?: string;
  signal?: AbortSignal | undefined;
};

/** The way to one Feilong server. */
export type FeilongTransport = {
  /** The `output` of the answer. */
  request(request: FeilongRequest): Promise<unknown>;
  close(): Promise<void>;
};

const Envelope = z.object({
  overallRC: z.int(),
  modID: z.int().nullish(),
  rc: z.int(),
  rs: z.int(),
  errmsg: z.string().nullish(),
  output: z.unknown(),
});

/**
 * Feilong's REST API (docs/reference/feilong.md 1). It never tries again by itself, but for a token that has become old, with which nothing was
 * done. Its calls throw what those of createHttpClient throw; no error holds a token, a password or the URL. Throws what createHttpClient throws,
 * and BackendError 'refused' for a token that cannot be sent.
 */
export function createFeilongTransport(options: FeilongOptions): FeilongTransport {
  const client = createHttpClient({
    ...options,
    server: 'Feilong',
    tooLongAdvice: 'check the URL of Feilong',
  });
  const { token: secret, basic } = options;
  if (secret !== undefined && !/^[\x21-\x7e]+$/.test(secret))
    throw misconfigured('Feilong', 'its token is empty, or holds blanks or control characters', 'check the token file');
  const hiders = [secret, basic?.password].flatMap((each) => (each === undefined ? [] : [redactorOf(each)]));
  const redacted = (text: string) => hiders.reduce((rest, hide) => hide(rest), text);
  const basePath = new URL(options.url).pathname.replace(/\/+$/, '');
  const common = { accept: 'application/json', ...(basic === undefined ? {} : { authorization: basicOf(basic) }) };
  let token: Promise<string> | undefined;

  // Shared by all calls that wait for it, so that no caller's signal ends it.
  const fetchToken = async (): Promise<string> => {
    const operation = 'POST /token';
    const headers = { ...common, 'x-admin-token': secret ?? '' };
    const answer = await client.call({ operation, method: 'POST', path: `${basePath}/token`, headers });
    const given = answer.header('x-auth-token');
    if (given !== undefined) return given;
    outputOf(operation, answer, redacted);
    throw new BackendError({ code: 'bad-answer', operation, message: `${operation}: the answer holds no token` });
  };
  const call = async ({ method, path, body, signal }: FeilongRequest, authorized: string | undefined) =>
    client.call({
      operation: operationOf(method, path),
      method,
      path: `${basePath}${path}`,
      headers: {
        ...common,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(authorized === undefined ? {} : { 'x-auth-token': authorized }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
    });
  const request = async (wanted: FeilongRequest): Promise<unknown> => {
    const operation = operationOf(wanted.method, wanted.path);
    if (secret === undefined) return outputOf(operation, await call(wanted, undefined), redacted, wanted.functionName);
    const used = token ?? fetchToken();
    token = used;
    let answer = await call(wanted, await forgetting(used));
    if (answer.status === 401) {
      const next: Promise<string> = token === used ? fetchToken() : token;
      token = next;
      answer = await call(wanted, await forgetting(next));
    }
    return outputOf(operation, answer, redacted, wanted.functionName);
  };
  /** A token that could not be fetched is asked for again by the next call. */
  const forgetting = async (promise: Promise<string>): Promise<string> => {
    try {
      return await promise;
    } catch (error) {
      if (token === promise) token = undefined;
      throw error;
    }
  };
  return { request, close: () => client.close() };
}

function operationOf(method: string, path: string): string {
  return `${method} ${path.replace(/\?.*$/, '')}`;
}

function basicOf({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`;
}

function outputOf(
  operation: string,
  { status, text, header }: HttpAnswer,
  redacted: (text: string) => string,
  functionName = '',
): unknown {
  const envelope = envelopeIn(text);
  if (envelope === undefined)
    throw foreignAnswer(operation, status, redacted(text), retryAfterMs(header('retry-after')));
  const { overallRC, modID = null, rc, rs, errmsg, output } = envelope;
  if (overallRC === 0 && status >= 200 && status <= 299) return output;
  const failed: FailedEnvelope = { overallRC, modID: modID ?? null, rc, rs, errmsg: redacted(errmsg ?? '') };
  throw failureOf(operation, failed, functionName);
}

function envelopeIn(text: string): z.infer<typeof Envelope> | undefined {
  try {
    return Envelope.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
