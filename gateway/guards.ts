import type { Context, MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { GatewayOptions, Limits } from './options.ts';
import { notJson, Problem } from './problem.ts';
import type { Env } from './routing.ts';
import { allows, isKnown, knownNow, ownerOf } from './tokens.ts';

/**
 * Lets pass whoever bears a token that is known. An address that tries many others is told no more whether they are: those who share it with
 * callers must not lock them out, and a token is too long to be guessed.
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
        await consume(context, strangers, address, `at most ${strangersPerMinute} tokens a minute that are not known`);
      throw unauthorised(context, token === undefined ? 'a bearer token is missing' : 'the token is not known');
    }
    context.set('caller', caller);
    await next();
    if (isKnown(caller, tokens)) return;
    // A token may be revoked while its caller waits.
    for (const told of ['location', 'preference-applied', 'etag']) context.header(told, undefined);
    throw unauthorised(context, 'the token is not known any more');
  };
}

function unauthorised(context: Context, reason: string): Problem {
  context.header('www-authenticate', 'Bearer realm="networking-zvm"');
  return new Problem(401, 'unauthorised', 'Not authorised', reason);
}

/**
 * Where no tokens are asked for, lets pass what this machine's own programs and pages send. A browser on it would send changes for pages of
 * other sites too, also under a name of theirs that is made to mean this machine.
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
    const reason = 'without tokens only programs and pages of this machine are answered';
    throw new Problem(403, 'forbidden', 'Not allowed', reason);
  };
}

/** Lets pass who may read all hosts: what follows is not cut to the caller's. */
export function readsAll({ hosts }: GatewayOptions): MiddlewareHandler<Env> {
  return (context, next) => {
    const caller = context.get('caller');
    if (caller !== undefined && !hosts.every(({ host }) => allows(caller, 'read', host)))
      throw new Problem(403, 'forbidden', 'Not allowed', `the token ${caller.name} is not for read on every host`);
    return next();
  };
}

/** So many requests a second of each caller. */
export function rateLimited({ requestsPerSecond }: Limits): MiddlewareHandler<Env> {
  const limiter = new RateLimiterMemory({ points: requestsPerSecond, duration: 1 });
  return async (context, next) => {
    await consume(context, limiter, context.get('caller')?.name ?? 'anybody', `at most ${requestsPerSecond} a second`);
    return next();
  };
}

/** Throws a Problem when it is more than the limiter allows. */
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

/** Bodies up to a size, whether they say it beforehand or not. */
export function limitedBody({ bodyBytes }: Limits): MiddlewareHandler {
  return bodyLimit({
    maxSize: bodyBytes,
    onError: () => {
      throw new Problem(413, 'too-large', 'The body is too large', `at most ${bodyBytes} bytes`);
    },
  });
}

/** A body that is not said to be JSON would be taken for none. */
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
      'it must not be compressed: content-encoding is not taken',
    );
  // The handlers know one of the many ways to write it.
  if (isJson) context.req.raw.headers.set('content-type', 'application/json');
  return next();
};
