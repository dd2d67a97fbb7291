import { ServiceError, WorkflowFailedError } from '@temporalio/client';
import type { Context, MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { HTTPException } from 'hono/http-exception';
import { requestId } from 'hono/request-id';
import { secureHeaders } from 'hono/secure-headers';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { hostRoutes } from './host-routes.ts';
import { liveRoutes } from './live.ts';
import { Metrics } from './metrics.ts';
import { operationRoutes } from './operation-routes.ts';
import { type GatewayOptions, LIMITS, type Limits } from './options.ts';
import { pageRoutes } from './pages.ts';
import { portRoutes } from './port-routes.ts';
import { answerWith, Problem } from './problem.ts';
import { type App, type Env, newApp, type Services } from './routing.ts';
import { StateCache } from './state-cache.ts';
import { ownerOf } from './tokens.ts';

const VERSION = '1.0.0';

/**
 * The HTTP API as a web-standard handler: `app.fetch`. It keeps nothing: operations are workflows, and what it shows is read from z/VM. Hono,
 * since it is that everywhere, Node and serverless alike, and its OpenAPI document is made from the schemas that requests are checked by.
 */
export function createGateway(options: GatewayOptions): App {
  const limits: Limits = { ...LIMITS, ...options.limits };
  const services: Services = { options, limits, state: new StateCache(options.client, limits.stateSeconds) };
  const metrics = new Metrics();
  const app = newApp();
  app.use(requestId());
  app.use(metrics.middleware);
  app.use(
    secureHeaders({
      contentSecurityPolicy: {
        defaultSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        styleSrc: ["'self'", "'unsafe-inline'"],
      },
    }),
  );
  app.use(logged(options));
  app.get('/healthz', (context) => context.json({ status: 'ok' }));
  app.get('/readyz', (context) => ready(context, options));
  app.use('/metrics', authorised(options));
  app.get('/metrics', async (context) => {
    for (const { host } of options.hosts) {
      const view = await services.state.get(host).catch(() => undefined);
      if (view !== undefined) metrics.seen(view);
    }
    return context.body(await metrics.text(), 200, { 'content-type': metrics.contentType });
  });
  pageRoutes(app);
  app.use('/v1/*', authorised(options));
  app.use('/v1/*', rateLimited(limits));
  app.use('/v1/*', limitedBody(limits));
  app.use('/v1/*', jsonBody);
  app.route('/', hostRoutes(services));
  app.route('/', portRoutes(services));
  app.route('/', operationRoutes(services));
  app.route('/', liveRoutes(services));
  describe(app, options.tokens !== undefined);
  app.all('*', (context) => answerWith(context, unknownPath(app, context)));
  app.onError((error, context) => answerWith(context, asProblem(error, options, context)));
  return app;
}

/** The document is made once, from the schemas of the routes. Where no tokens are asked for, it asks for none. */
function describe(app: App, withTokens: boolean): void {
  if (withTokens) app.openAPIRegistry.registerComponent('securitySchemes', 'token', { type: 'http', scheme: 'bearer' });
  const document = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'networking-zvm',
      version: VERSION,
      description:
        'Network of z/VM guests: ports, NICs, VLANs and VSWITCHes. Changes are durable operations. What is read has an ETag; a change of a port with `If-Match` is made only if the port is as it was read, else it answers 412.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    servers: [{ url: '/', description: 'This gateway' }],
    tags: ['Hosts', 'VSWITCHes', 'Guests', 'Ports', 'NICs', 'Operations', 'Reconciliation'].map((name) => ({
      name,
      description: `${name} of the API`,
    })),
  });
  for (const operations of Object.values(document.paths ?? {}))
    for (const operation of Object.values(operations) as { security?: unknown }[])
      if (!withTokens) operation.security = [];
  app.get('/openapi.json', (context) => context.json(document as never));
}

/** A path that exists for other methods is 405 with them, any other is 404. */
function unknownPath(app: App, context: Context): Problem {
  const allowed = new Set(
    app.routes
      .filter(({ method, path }) => method !== 'ALL' && matches(path, context.req.path))
      .map(({ method }) => method),
  );
  if (allowed.size === 0) return new Problem(404, 'not-found', 'Not found', `there is nothing at ${context.req.path}`);
  context.header('allow', [...allowed].join(', '));
  return new Problem(405, 'method-not-allowed', 'Method not allowed', `${context.req.method} is not allowed here`);
}

function matches(pattern: string, path: string): boolean {
  const parts = pattern.split('/');
  const given = path.split('/');
  return parts.length === given.length && parts.every((part, index) => part.startsWith(':') || part === given[index]);
}

function logged({ log }: GatewayOptions): MiddlewareHandler {
  return async (context, next) => {
    const started = performance.now();
    await next();
    const { method, path } = context.req;
    const fields = {
      method,
      path,
      status: context.res.status,
      ms: Math.round(performance.now() - started),
      request: context.get('requestId'),
    };
    log(context.res.status >= 500 ? 'error' : 'info', fields, 'request');
  };
}

async function ready(context: Context, { client }: GatewayOptions): Promise<Response> {
  try {
    await client.withDeadline(Date.now() + 5_000, () => client.workflowService.getSystemInfo({}));
    return context.json({ status: 'ready' });
  } catch {
    return answerWith(context, new Problem(503, 'not-ready', 'Not ready', 'Temporal does not answer'));
  }
}

function authorised({ tokens }: GatewayOptions): MiddlewareHandler<Env> {
  return async (context, next) => {
    if (tokens === undefined) return next();
    const [, token] = /^Bearer +(\S+) *$/i.exec(context.req.header('authorization') ?? '') ?? [];
    const caller = token === undefined ? undefined : ownerOf(token, tokens);
    if (caller === undefined) {
      context.header('www-authenticate', 'Bearer realm="networking-zvm"');
      throw new Problem(
        401,
        'unauthorised',
        'Not authorised',
        token === undefined ? 'a bearer token is missing' : 'the token is not known',
      );
    }
    context.set('caller', caller);
    return next();
  };
}

function rateLimited({ requestsPerSecond }: Limits): MiddlewareHandler<Env> {
  const limiter = new RateLimiterMemory({ points: requestsPerSecond, duration: 1 });
  return async (context, next) => {
    try {
      await limiter.consume(context.get('caller')?.name ?? 'anybody');
    } catch (error) {
      if (!(error instanceof RateLimiterRes)) throw error;
      context.header('retry-after', String(Math.max(1, Math.ceil(error.msBeforeNext / 1_000))));
      throw new Problem(429, 'too-many', 'Too many requests', `at most ${requestsPerSecond} a second`);
    }
    return next();
  };
}

function limitedBody({ bodyBytes }: Limits): MiddlewareHandler {
  return bodyLimit({
    maxSize: bodyBytes,
    onError: () => {
      throw new Problem(413, 'too-large', 'The body is too large', `at most ${bodyBytes} bytes`);
    },
  });
}

/** A body that is not said to be JSON would be taken for none. */
const jsonBody: MiddlewareHandler = async (context, next) => {
  const type = context.req.header('content-type');
  const hasBody = ['POST', 'PUT', 'PATCH'].includes(context.req.method) && (await context.req.text()) !== '';
  if (hasBody && !/^application\/(json|[a-z.+-]+\+json)\b/i.test(type ?? ''))
    throw new Problem(422, 'invalid-request', 'The request is not valid', 'the body has to be application/json', {
      errors: [{ field: 'content-type', reason: 'is not application/json' }],
    });
  return next();
};

/** Every failure is a problem; what is not meant for the caller goes to the log alone. */
function asProblem(error: unknown, { log }: GatewayOptions, context: Context): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof HTTPException)
    return new Problem(
      error.status as 400,
      error.status === 400 ? 'invalid-request' : 'http',
      'The request cannot be read',
      error.message || 'malformed JSON',
    );
  const reason = error instanceof Error ? error.message : String(error);
  log('error', { reason, path: context.req.path, request: context.get('requestId') }, 'a request failed');
  if (error instanceof ServiceError || error instanceof WorkflowFailedError)
    return new Problem(503, 'unavailable', 'Not available', 'Temporal does not answer as it should; try again');
  return new Problem(500, 'internal', 'A defect', 'the request failed; the log has the reason', {
    request: context.get('requestId'),
  });
}
