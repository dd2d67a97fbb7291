import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { MiddlewareHandler } from 'hono';
import { tracePlaceIn } from '../../temporal-config/trace-header.ts';

const FAILED = 500;

/** A span of each request, in the trace that its `traceparent` names. It does nothing while the process makes no traces. */
export const traced: MiddlewareHandler = (request, next) => {
  const { method, path } = request.req;
  const place = tracePlaceIn(request.req.header('traceparent'));
  const within =
    place === undefined ? context.active() : trace.setSpanContext(context.active(), { ...place, isRemote: true });
  const options = {
    kind: SpanKind.SERVER,
    attributes: { 'http.request.method': method, 'url.path': path },
  };
  return trace.getTracer('networking-zvm').startActiveSpan(method, options, within, async (span) => {
    try {
      await next();
    } finally {
      const { status } = request.res;
      const operation: unknown = request.get('operation');
      span.updateName(`${method} ${request.req.routePath}`);
      span.setAttribute('http.response.status_code', status);
      if (typeof operation === 'string') span.setAttribute('zvm.operation', operation);
      if (status >= FAILED) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    }
  });
};
