import { isGrpcServiceError, ServiceError, WorkflowFailedError } from '@temporalio/client';
import type { Context, MiddlewareHandler } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { requestId } from 'hono/request-id';
import { secureHeaders } from 'hono/secure-headers';
import { messageOf } from '../domain/text/error-message.ts';
import { HostCache } from './cache.ts';
import { errorRoutes } from './error-pages.ts';
import { authorised, fromThisMachine, jsonBody, limitedBody, rateLimited, readsAll } from './http/middleware.ts';
import { openApiRoute } from './http/openapi.ts';
import { answerWith, notJson, Problem, temporalDoesNotAnswer } from './http/problem.ts';
import { type App, newApp, type Services } from './http/routing.ts';
import { traced } from './http/traced.ts';
import { type GatewayOptions, LIMITS, type Limits } from './options.ts';
import { loginRoute } from './picture/login.ts';
import { pageRoutes } from './picture/pages.ts';
import { eventRoutes } from './picture/sse.ts';
import { approvalRoutes } from './routes/approval.ts';
import { codecRoutes, fromTemporalUi } from './routes/codec.ts';
import { desiredRoutes } from './routes/desired.ts';
import { holdRoutes } from './routes/hold.ts';
import { hostRoutes } from './routes/hosts.ts';
import { Metrics } from './routes/metrics.ts';
import { nicRoutes } from './routes/nics.ts';
import { notificationRoutes } from './routes/notifications.ts';
import { operationRoutes } from './routes/operations.ts';
import { portRoutes } from './routes/ports.ts';
import { Readiness } from './routes/readiness.ts';
import { reconciliationRoutes } from './routes/reconciliation.ts';
import { restoreRoutes } from './routes/restore.ts';
import { vswitchRoutes } from './routes/vswitches.ts';

/**
 * The HTTP API as a web-standard handler: `app.fetch`. It stores nothing: operations are workflows, and state is read from z/VM. Hono,
 * since it runs on Node and serverless alike, and makes the OpenAPI document from the schemas that check the requests.
 */
export function createGateway(options: GatewayOptions): App {
  const limits: Limits = { ...LIMITS, ...options.limits };
  const state = new HostCache(options.client, limits);
  const metrics = new Metrics(options, limits, state);
  const services: Services = { options, limits, state, counted: metrics.counted };
  const app = newApp();
  app.use(requestId());
  app.use(traced);
  app.use(metrics.middleware);
  const logins = loginRoute(app, options);
  const strict = securedBy(logins.origins, "'self'");
  // Swagger UI writes styles into its elements.
  const ofDocs = securedBy(logins.origins, "'self'", "'unsafe-inline'");
  app.use((context, next) => (context.req.path === '/docs' ? ofDocs : strict)(context, next));
  app.use(logged(options));
  app.get('/healthz', (context) => context.json({ status: 'ok' }));
  const readiness = new Readiness(options.client);
  app.get('/readyz', (context) => ready(context, readiness, options));
  pageRoutes(app);
  errorRoutes(app);
  const withToken = authorised(options, limits);
  const fromHere = fromThisMachine(options);
  app.use('/metrics', fromHere, withToken, rateLimited(limits), readsAll(options));
  app.get('/metrics', async (context) =>
    context.body(await metrics.text(), 200, { 'content-type': metrics.contentType }),
  );
  app.use(
    '/codec/*',
    fromTemporalUi(options),
    fromHere,
    withToken,
    rateLimited(limits),
    readsAll(options),
    limitedBody(limits),
  );
  app.route('/', codecRoutes(options));
  app.use('/v1/*', fromHere, withToken, rateLimited(limits), limitedBody(limits), jsonBody, bounded(options, limits));
  for (const routes of [
    approvalRoutes,
    hostRoutes,
    desiredRoutes,
    holdRoutes,
    restoreRoutes,
    vswitchRoutes,
    portRoutes,
    nicRoutes,
    operationRoutes,
    reconciliationRoutes,
    notificationRoutes,
    eventRoutes,
  ])
    app.route('/', routes(services));
  openApiRoute(app, options);
  app.all('*', (context) => otherwise(app, context));
  app.onError((error, context) => answerWith(context, asProblem(error, options, context), options.publicUrl));
  return app;
}

/** The headers by which browsers keep other sites out of a page: no frame around it, no script, form or base from elsewhere. */
function securedBy(origins: (context: Context) => string, ...styleSrc: string[]): MiddlewareHandler {
  return secureHeaders({
    strictTransportSecurity: 'max-age=15552000',
    contentSecurityPolicy: {
      defaultSrc: ["'self'"],
      baseUri: ["'none'"],
      formAction: ["'self'"],
      frameAncestors: ["'none'"],
      // The picture fetches its token from the identity provider.
      connectSrc: ["'self'", origins],
      imgSrc: ["'self'", 'data:'],
      styleSrc,
    },
  });
}

/** A path that exists for other methods is 405 with them, any other is 404; OPTIONS answers the methods. */
function otherwise(app: App, context: Context): Response {
  const { method, path } = context.req;
  const found = app.routes.filter((route) => route.method !== 'ALL' && matches(route.path, path));
  if (found.length === 0) throw new Problem(404, 'not-found', 'Not found', `there is no resource at ${path}`);
  const allowed = new Set(found.map((route) => route.method));
  if (allowed.has('GET')) allowed.add('HEAD');
  context.header('allow', [...allowed, 'OPTIONS'].join(', '));
  if (method === 'OPTIONS') return context.body(null, 204);
  throw new Problem(405, 'method-not-allowed', 'Method not allowed', `the resource does not support ${method}`);
}

function matches(pattern: string, path: string): boolean {
  const parts = pattern.split('/');
  const given = path.split('/');
  return (
    parts.length === given.length &&
    parts.every((part, index) => (part.startsWith(':') ? given[index] !== '' : part === given[index]))
  );
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
      caller: context.get('caller')?.name,
      request: context.get('requestId'),
      operation: context.get('operation'),
    };
    log(context.res.status >= 500 ? 'error' : 'info', fields, 'request');
  };
}

/** A deadline for calls to Temporal: a hanging Temporal must not make callers hang. Longer calls have a deadline of their own. */
function bounded({ client }: GatewayOptions, { temporalSeconds }: Limits): MiddlewareHandler {
  return (context, next) =>
    context.req.path.endsWith('/events')
      ? next()
      : client.withDeadline(Date.now() + temporalSeconds * 1_000, async () => next());
}

async function ready(context: Context, readiness: Readiness, { log }: GatewayOptions): Promise<Response> {
  const reason = await readiness.problem();
  if (reason === undefined) return context.json({ status: 'ready' });
  // Callers need no token here: the address of Temporal and its error stand in the log only.
  log('error', { reason }, 'Temporal does not accept changes');
  const detail = 'Temporal does not accept changes; the log of the gateway has the reason';
  throw new Problem(503, 'not-ready', 'Not ready', detail);
}

/** The problem of a failure. Internals go to the log alone. */
function asProblem(error: unknown, { log }: GatewayOptions, context: Context): Problem {
  if (error instanceof Problem) return error;
  // Its message may quote the body.
  if (error instanceof HTTPException && error.status === 415) return notJson();
  if (error instanceof HTTPException)
    return error.status === 400
      ? new Problem(400, 'invalid-request', 'The request is malformed', 'the body is malformed JSON')
      : new Problem(error.status as 400, 'http', 'The request failed', `status ${error.status}`);
  const reason = messageOf(error);
  log('error', { reason, path: context.req.path, request: context.get('requestId') }, 'request failed');
  if (error instanceof ServiceError || error instanceof WorkflowFailedError || isGrpcServiceError(error))
    return temporalDoesNotAnswer();
  return new Problem(500, 'internal', 'Internal error', 'the request failed; the log has the reason', {
    request: context.get('requestId'),
  });
}
