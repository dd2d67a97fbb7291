import { context, trace } from '@opentelemetry/api';
import type { WorkflowClientInterceptor } from '@temporalio/client';
import type { Payload } from '@temporalio/common';
import { tracePlaceIn, traceparentOf, withTrace } from '../temporal-config/trace-header.ts';

/** The variable by which a pipeline gives its place in a trace to the programs that it calls. */
export const TRACE_VARIABLES = { TRACEPARENT: "the place in a caller's trace, of W3C's Trace Context" };

/** The `traceparent` of the work that goes on: that of the active span, else of the process. Undefined when nobody traces it. */
export function activeTraceparent(): string | undefined {
  const active = trace.getSpanContext(context.active());
  const place = active ?? tracePlaceIn(process.env.TRACEPARENT);
  return place && traceparentOf(place);
}

const traced = (headers: Record<string, Payload>) => withTrace(headers, activeTraceparent());

/** Interceptor of Temporal's client: what it starts and signals continues the caller's trace. */
export const tracedCalls: WorkflowClientInterceptor = {
  startWithDetails: (input, next) => next({ ...input, headers: traced(input.headers) }),
  signal: (input, next) => next({ ...input, headers: traced(input.headers) }),
  signalWithStart: (input, next) => next({ ...input, headers: traced(input.headers) }),
  startUpdate: (input, next) => next({ ...input, headers: traced(input.headers) }),
  startUpdateWithStart: (input, next) =>
    next({
      ...input,
      workflowStartHeaders: traced(input.workflowStartHeaders),
      updateHeaders: traced(input.updateHeaders),
    }),
};
