import {
  AsyncLocalStorage,
  ContinueAsNew,
  proxySinks,
  type Sinks,
  uuid4,
  type WorkflowExecuteInput,
  type WorkflowInboundCallsInterceptor,
  type WorkflowInterceptorsFactory,
  type WorkflowOutboundCallsInterceptor,
  workflowInfo,
} from '@temporalio/workflow';
import { ZVM_HOST, ZVM_OUTCOME, ZVM_USERID } from '../temporal-config/search-attributes.ts';
import { type TracePlace, tracePlaceOf, traceparentOf, withTrace } from '../temporal-config/trace-header.ts';

/** A part of a trace that a workflow has done. It is told once, at its end, since only a replay-safe id exists before. */
export type RunSpan = {
  name: string;
  own: TracePlace;
  parent: TracePlace;
  /** Milliseconds of Unix time. */
  startedAt: number;
  endedAt: number;
  attributes: Record<string, string>;
  failed: boolean;
};

/** Sinks of the worker that take what workflows tell of themselves. */
export interface TelemetrySinks extends Sinks {
  telemetry: {
    spanEnded(span: RunSpan): void;
    runEnded(run: { host: string; type: string; outcome: string }): void;
    queueChanged(queue: { host: string; userid: string; waiting: number }): void;
  };
}

const tell = () => proxySinks<TelemetrySinks>().telemetry;

const current = new AsyncLocalStorage<TracePlace | undefined>();

/** The `traceparent` of the work that goes on, for requests to other runs; undefined when nobody traces it. */
export function currentTraceparent(): string | undefined {
  const place = current.getStore();
  return place === undefined ? undefined : traceparentOf(place);
}

/** Do some work as a part of a trace. Without a well-formed parent nothing is traced. */
export async function traced<Result>(
  name: string,
  parent: TracePlace | undefined,
  attributes: Record<string, string>,
  work: () => Promise<Result>,
): Promise<Result> {
  if (parent === undefined) return current.run(undefined, work);
  const own = { ...parent, spanId: uuid4().replaceAll('-', '').slice(0, 16) };
  const startedAt = Date.now();
  const end = (failed: boolean) =>
    tell().spanEnded({
      ...{ name, own, parent, startedAt, endedAt: Date.now() },
      ...{ attributes, failed },
    });
  try {
    const result = await current.run(own, work);
    end(false);
    return result;
  } catch (error) {
    end(!(error instanceof ContinueAsNew));
    throw error;
  }
}

const tracedRun: WorkflowInboundCallsInterceptor = {
  execute(input, next) {
    const { workflowId, runId, workflowType } = workflowInfo();
    const attributes = { temporalWorkflowID: workflowId, temporalRunID: runId };
    return traced(`RunWorkflow:${workflowType}`, tracePlaceOf(input.headers), attributes, () => next(input));
  },
};

const countedRun: WorkflowInboundCallsInterceptor = {
  async execute(input, next) {
    try {
      const result = await next(input);
      countEnd('completed');
      return result;
    } catch (error) {
      if (!(error instanceof ContinueAsNew)) countEnd('failed');
      throw error;
    }
  },
};

const continued = (headers: WorkflowExecuteInput['headers']) => withTrace(headers, currentTraceparent());

const traceHeaders: WorkflowOutboundCallsInterceptor = {
  scheduleActivity: (input, next) => next({ ...input, headers: continued(input.headers) }),
  scheduleLocalActivity: (input, next) => next({ ...input, headers: continued(input.headers) }),
  startChildWorkflowExecution: (input, next) => next({ ...input, headers: continued(input.headers) }),
  continueAsNew: (input, next) => next({ ...input, headers: continued(input.headers) }),
  getLogAttributes(input, next) {
    const place = current.getStore();
    return next(place === undefined ? input : { ...input, trace_id: place.traceId, span_id: place.spanId });
  },
};

/** Interceptors of every run: its trace goes on in activities, children and later runs, and its end is counted. */
export const interceptors: WorkflowInterceptorsFactory = () => ({
  inbound: [tracedRun, countedRun],
  outbound: [traceHeaders],
});

function countEnd(status: 'completed' | 'failed'): void {
  const { typedSearchAttributes: known, workflowType: type } = workflowInfo();
  tell().runEnded({ host: known.get(ZVM_HOST) ?? '', type, outcome: known.get(ZVM_OUTCOME) ?? status });
}

/** Tell how many requests wait in the queue of this guest. */
export function measureQueue(waiting: number): void {
  const { typedSearchAttributes: known } = workflowInfo();
  tell().queueChanged({ host: known.get(ZVM_HOST) ?? '', userid: known.get(ZVM_USERID) ?? '', waiting });
}
