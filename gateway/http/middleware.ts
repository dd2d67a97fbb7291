import type { Context, MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { IssuerDoesNotAnswer, TokenRefused } from '../oidc/issuer.ts';
import { isJwt } from '../oidc/oidc.ts';
import type { GatewayOptions, Limits } from '../options.ts';
import { allows, type Caller, callerOfToken } from './callers.ts';
import { notJson, Problem } from './problem.ts';
import type { Env } from './routing.ts';
import { knownNow } from './tokens.ts';

/**
 * Lets callers with a known token pass. The limit for an address applies to unknown tokens only: it must not lock out callers who share
 * the address, and a token is too long to be guessed.
 */
export function authorised(options: GatewayOptions, { strangersPerMinute }: Limits): MiddlewareHandler<Env> {
  const strangers = new RateLimiterMemory({ points: strangersPerMinute, duration: 60 });
  return async (context, next) => {
    if (!wantsTokens(options)) return next();
    const [, token] = /^Bearer +(\S+) *$/i.exec(context.req.header('authorization') ?? '') ?? [];
    const caller = await callerOf(token, options);
    if (typeof caller === 'string') {
      const address = options.addressOf?.(context) ?? 'unknown';
      const most = `at most ${strangersPerMinute} requests with unknown tokens a minute`;
      if (token !== undefined) await consume(context, strangers, address, most);
      throw unauthorised(context, caller);
    }
    context.set('caller', caller);
    await next();
    if (!caller.isRevoked()) return;
    // A token may have been revoked while its bearer waited.
    for (const told of ['location', 'preference-applied', 'etag']) context.header(told, undefined);
    throw unauthorised(context, 'the token is no longer valid');
  };
}

/** False when everybody who reaches the gateway may do everything. */
export function wantsTokens({ tokens, oidc }: Pick<GatewayOptions, 'tokens' | 'oidc'>): boolean {
  return tokens !== undefined || oidc !== undefined;
}

/** The caller of a token, or the reason why there is none. Throws a Problem when an identity provider must be asked and does not answer. */
async function callerOf(
  token: string | undefined,
  { tokens, oidc, used, log }: GatewayOptions,
): Promise<Caller | string> {
  if (token === undefined) return 'the request has no bearer token';
  if (oidc === undefined || !isJwt(token)) {
    const caller = callerOfToken(token, tokens);
    if (caller !== undefined) used?.(caller.name);
    return caller ?? 'the token is unknown or has expired';
  }
  try {
    const caller = await oidc.callerOf(token);
    // One name stands for one caller in the audit.
    if (knownNow(tokens)?.some(({ name }) => name === caller.name))
      return `a token of the file has the name ${caller.name}`;
    return caller;
  } catch (error) {
    if (error instanceof TokenRefused) return error.message;
    if (!(error instanceof IssuerDoesNotAnswer)) throw error;
    log('error', { reason: error.message }, 'identity provider does not answer');
    throw new Problem(503, 'unavailable', 'Not available', 'the identity provider does not answer; try again');
  }
}

function unauthorised(context: Context, reason: string): Problem {
  context.header('www-authenticate', 'Bearer realm="networking-zvm"');
  return new Problem(401, 'unauthorised', 'Not authorised', reason);
}

/**
 * Without tokens, lets requests of this machine's own programs and pages pass. A browser on this machine would send changes for pages of
 * other sites too, also under a foreign name that resolves to this machine (DNS rebinding).
 */
export function fromThisMachine(options: GatewayOptions): MiddlewareHandler<Env> {
  const { publicUrl } = options;
  const own = publicUrl === undefined ? undefined : new URL(publicUrl).host;
  return (context, next) => {
    if (wantsTokens(options)) return next();
    const { host, hostname } = new URL(context.req.url);
    const origin = context.req.header('origin');
    const site = origin !== undefined && URL.canParse(origin) ? new URL(origin).host : origin;
    const isOwn = host === own || /^(127(\.\d+){3}|\[::1\]|(.+\.)?localhost)$/.test(hostname);
    if (isOwn && (site === undefined || site === host || site === own)) return next();
    const reason = 'a gateway without tokens answers only programs and pages of its own machine';
    throw new Problem(403, 'forbidden', 'Not allowed', reason);
  };
}

/** Lets callers who may read all hosts pass: the handler does not filter by caller. */
export function readsAll({ hosts }: GatewayOptions): MiddlewareHandler<Env> {
  return (context, next) => {
    const caller = context.get('caller');
    if (caller !== undefined && !hosts.every(({ host }) => allows(caller, 'read', host)))
      throw new Problem(403, 'forbidden', 'Not allowed', `the token ${caller.name} does not allow read on every host`);
    return next();
  };
}

/** Limits the requests a second of each caller. */
export function rateLimited({ requestsPerSecond }: Limits): MiddlewareHandler<Env> {
  const limiter = new RateLimiterMemory({ points: requestsPerSecond, duration: 1 });
  return async (context, next) => {
    await consume(
      context,
      limiter,
      context.get('caller')?.name ?? 'anybody',
      `at most ${requestsPerSecond} requests a second`,
    );
    return next();
  };
}

/** Throws a Problem when the limiter allows no more. */
async function consume(context: Context, limiter: RateLimiterMemory, key: string, detail: string): Promise<void> {
  try {
    await limiter.consume(key);
  } catch (error) {
    if (!(error instanceof RateLimiterRes)) throw error;
    throw tooMany(context, error, detail);
  }
}

function tooMany(context: Context, { msBeforeNext }: RateLimiterRes, detail: string): Problem {
  context.header('retry-after', String(Math.max(1, Math.ceil(msBeforeNext / 1_000))));
  return new Problem(429, 'too-many', 'Too many requests', detail);
}

/** Limits the size of bodies, with or without a content-length. */
export function limitedBody({ bodyBytes }: Limits): MiddlewareHandler {
  return bodyLimit({
    maxSize: bodyBytes,
    onError: () => {
      throw new Problem(413, 'too-large', 'The body is too large', `at most ${bodyBytes} bytes`);
    },
  });
}

/** Requires the content type of JSON: a body with another would be ignored. */
export const jsonBody: MiddlewareHandler = async (context, next) => {
  const [type = ''] = (context.req.header('content-type') ?? '').split(';');
  const isJson = /^application\/([\w.-]+\+)?json$/i.test(type.trim());
  const hasBody = ['POST', 'PUT', 'PATCH'].includes(context.req.method) && (await context.req.text()) !== '';
  if (hasBody && !isJson) {
    context.header('accept', 'application/json');
    throw notJson();
  }
  const coding = context.req.header('content-encoding') ?? 'identity';
  if (hasBody && coding.trim().toLowerCase() !== 'identity')
    throw new Problem(
      415,
      'not-json',
      'The body is not JSON',
      'the gateway accepts no content-encoding: send the body uncompressed',
    );
  // The handlers know one spelling of the media type.
  if (isJson) context.req.raw.headers.set('content-type', 'application/json');
  return next();
};
