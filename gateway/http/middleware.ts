import type { Context, MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { GatewayOptions, Limits } from '../options.ts';
import { notJson, Problem } from './problem.ts';
import type { Env } from './routing.ts';
import { allows, isKnown, knownNow, ownerOf } from './tokens.ts';

/**
 * Lets callers with a known token pass. The limit for an address applies to unknown tokens only: it must not lock out callers who share
 * the address, and a token is too long to be guessed.
 */
export function authorised(
  { tokens, addressOf }: GatewayOptions,
  { strangersPerMinute }: Limits,
): MiddlewareHandler<Env> {
  const strangers = new RateLimiterMemory({ points: strangersPerMinute, duration: 60 });
  return async (context, next) => {
    const known = knownNow(tokens);
    if (known === undefined) return next();
    const [, token] = /^Bearer +(\S+) *$/i.exec(context.req.header('authorization') ?? '') ?? [];
    const caller = token === undefined ? undefined : ownerOf(token, known);
    if (caller === undefined) {
      const address = addressOf?.(context) ?? 'unknown';
      if (token !== undefined)
        await consume(
          context,
          strangers,
          address,
          `at most ${strangersPerMinute} requests with unknown tokens a minute`,
        );
      throw unauthorised(context, token === undefined ? 'the request has no bearer token' : 'the token is unknown');
    }
    context.set('caller', caller);
    await next();
    if (isKnown(caller, tokens)) return;
    // A token may have been revoked while its bearer waited.
    for (const told of ['location', 'preference-applied', 'etag']) context.header(told, undefined);
    throw unauthorised(context, 'the token is no longer valid');
  };
}

function unauthorised(context: Context, reason: string): Problem {
  context.header('www-authenticate', 'Bearer realm="networking-zvm"');
  return new Problem(401, 'unauthorised', 'Not authorised', reason);
}

/**
 * Without tokens, lets requests of this machine's own programs and pages pass. A browser on this machine would send changes for pages of
 * other sites too, also under a foreign name that resolves to this machine (DNS rebinding).
 */
export function fromThisMachine({ tokens, publicUrl }: GatewayOptions): MiddlewareHandler<Env> {
  const own = publicUrl === undefined ? undefined : new URL(publicUrl).host;
  return (context, next) => {
    if (tokens !== undefined) return next();
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
