import { context, SpanKind, trace } from '@opentelemetry/api';
import type { Context } from '@temporalio/activity';
import type { ActivityInboundCallsInterceptor, InjectedSinks, WorkerOptions } from '@temporalio/worker';
import { tracedCalls } from '../../client/trace-context.ts';
import { tracePlaceOf } from '../../temporal-config/trace-header.ts';
import type { TelemetrySinks } from '../../workflows/run-telemetry.ts';
import { countRun, measureQueue } from './run-metrics.ts';
import { ended, recordRunSpan, tracer } from './tracing.ts';

const inHistory = { callDuringReplay: false };
const sinks: InjectedSinks<TelemetrySinks> = {
  telemetry: {
    spanEnded: { fn: (_info, span) => recordRunSpan(span), ...inHistory },
    runEnded: { fn: (_info, run) => countRun(run), ...inHistory },
    queueChanged: { fn: (_info, queue) => measureQueue(queue), ...inHistory },
  },
};

/** Options of a worker whose runs and activities are measured, and belong to the traces of their callers. */
export const observedWorker: Required<Pick<WorkerOptions, 'interceptors' | 'sinks'>> = {
  interceptors: {
    activity: [(activity) => ({ inbound: tracedActivity(activity) })],
    client: { workflow: [tracedCalls] },
  },
  sinks,
};

function tracedActivity({ info }: Context): ActivityInboundCallsInterceptor {
  return {
    execute(input, next) {
      const place = tracePlaceOf(input.headers);
      if (place === undefined) return next(input);
      const within = trace.setSpanContext(context.active(), { ...place, isRemote: true });
      const attributes = {
        ...{ temporalWorkflowID: info.workflowExecution?.workflowId ?? '', temporalActivityID: info.activityId },
        'temporal.attempt': info.attempt,
      };
      const options = { kind: SpanKind.SERVER, attributes };
      return tracer().startActiveSpan(`RunActivity:${info.activityType}`, options, within, async (span) => {
        try {
          const result = await next(input);
          ended(span, undefined);
          return result;
        } catch (error) {
          ended(span, error);
          throw error;
        }
      });
    },
  };
}
