import { context, trace } from '@opentelemetry/api';
import type { MetricMeter } from '@temporalio/common';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { type Logger, pino } from 'pino';
import { HISTOGRAM_BUCKETS, measureBackends } from '../telemetry/metrics.ts';

/** The paths of secrets in a log entry; `taskToken` lets its holder complete an activity (docs/reference/temporal.md 4.1). */
const SECRETS = ['password', 'xcat.password', '*.password', '*.*.password', 'taskToken', '*.taskToken'];

/** The logger of a process. It writes to standard error; standard output is for results. */
export function createLogger(level: string): Logger {
  const redact = { paths: SECRETS, censor: '[redacted]' };
  return pino({ level, redact, serializers: { error: serializeError }, mixin: placeInTrace }, pino.destination(2));
}

/** The place of an entry in the trace that goes on, by OpenTelemetry's names. */
function placeInTrace(): object {
  const place = trace.getSpanContext(context.active());
  return place === undefined ? {} : { trace_id: place.traceId, span_id: place.spanId };
}

/** An error for the log: the messages of a failure and its causes, or the stack of a defect. A workflow's failures have no stack. */
function serializeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { message, stack } = pino.stdSerializers.err(error);
  return stack === '' || error.name.endsWith('Failure') ? message : stack;
}

/** Settings of Temporal's part of a process. */
export type TemporalRuntimeOptions = {
  /** Serve metrics for Prometheus there, `ADDRESS:PORT`. */
  metrics?: string | undefined;
};

/**
 * Make Temporal's part of this process log through this logger, and serve metrics where asked for. To be called once per process, before any
 * connection. Temporal handles no `shutdownSignals`: the process stops its workers itself.
 */
export function installTemporalRuntime(logger: Logger, { metrics: bindAddress }: TemporalRuntimeOptions = {}): void {
  const levels = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;
  const prometheus = { countersTotalSuffix: true, unitSuffix: true, useSecondsForDurations: true };
  Runtime.install({
    shutdownSignals: [],
    logger: new DefaultLogger('INFO', ({ level, message, meta }) => logger[levels[level]](meta ?? {}, message)),
    telemetryOptions: {
      logging: { forward: {}, filter: { core: 'WARN', other: 'WARN' } },
      ...(bindAddress === undefined
        ? {}
        : { metrics: { prometheus: { ...prometheus, bindAddress, histogramBucketOverrides: HISTOGRAM_BUCKETS } } }),
    },
  });
  if (bindAddress !== undefined) measureBackends(temporalMeter());
}

/** End Temporal's part of a process that has run no worker; a worker's ends by itself. */
export function shutDownTemporalRuntime(): Promise<void> {
  return Runtime.instance().shutdown();
}

/** The meter of this process; without `metrics` what it measures goes nowhere. */
export function temporalMeter(): MetricMeter {
  return Runtime.instance().metricMeter;
}
