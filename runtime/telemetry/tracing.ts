import { randomBytes } from 'node:crypto';
import { context, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { NodeSDK } from '@opentelemetry/sdk-node';
import { type ObservedCall, type ObservedChain, observedCalls, observedChains } from '../../backend/observation.ts';
import { messageOf } from '../../domain/text/error-message.ts';
import type { RunSpan } from '../../workflows/run-telemetry.ts';
import { observe } from './observe.ts';

/** The variables that turn tracing on, as OpenTelemetry names them; it reads many more. */
export const TRACING_VARIABLES = {
  'OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_EXPORTER, …': 'OpenTelemetry: send traces there; without it none are made',
};

const NAME = 'networking-zvm';

/** Traces of this process. */
export type Tracing = {
  /** Send what is left, and end. */
  stop(): Promise<void>;
};

const OFF: Tracing = { stop: () => Promise.resolve() };

/**
 * Begin to trace when the environment asks for it (`OTEL_*`), under the name of the program unless `OTEL_SERVICE_NAME` gives another. The
 * library is loaded only then.
 */
export async function startTracing(program: string, env: NodeJS.ProcessEnv = process.env): Promise<Tracing> {
  if (!isAskedFor(env)) return OFF;
  // Metrics and logs go their own ways; by default the library would send them too.
  env.OTEL_METRICS_EXPORTER ??= 'none';
  env.OTEL_LOGS_EXPORTER ??= 'none';
  const { NodeSDK } = await import('@opentelemetry/sdk-node');
  const sdk: NodeSDK = new NodeSDK({
    serviceName: env.OTEL_SERVICE_NAME ?? `${NAME}-${program}`,
    idGenerator: runSpanIds,
    instrumentations: [],
  });
  sdk.start();
  const ends = [observe(observedCalls, callSpan), observe(observedChains, chainSpan)];
  return {
    async stop() {
      for (const end of ends) end();
      // A collector that is away must not keep the program from ending.
      await sdk.shutdown().catch(() => undefined);
    },
  };
}

function isAskedFor(env: NodeJS.ProcessEnv): boolean {
  if (env.OTEL_SDK_DISABLED === 'true' || env.OTEL_TRACES_EXPORTER === 'none') return false;
  const asking = [env.OTEL_TRACES_EXPORTER, env.OTEL_EXPORTER_OTLP_ENDPOINT, env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT];
  return asking.some((value) => value !== undefined && value !== '');
}

/** Ids of spans. A run has chosen that of its own span before, since its activities belong to it. */
const runSpanIds = {
  next: undefined as string | undefined,
  generateTraceId: () => randomBytes(16).toString('hex'),
  generateSpanId() {
    const { next = randomBytes(8).toString('hex') } = runSpanIds;
    runSpanIds.next = undefined;
    return next;
  },
};

/** Make the span that a run tells at its end. */
export function recordRunSpan({ name, own, parent, startedAt, endedAt, attributes, failed }: RunSpan): void {
  const within = trace.setSpanContext(context.active(), { ...parent, isRemote: true });
  runSpanIds.next = own.spanId;
  const span = tracer().startSpan(name, { startTime: startedAt, attributes }, within);
  runSpanIds.next = undefined;
  if (failed) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end(endedAt);
}

/** The tracer of this package; it makes nothing while tracing is off. */
export function tracer() {
  return trace.getTracer(NAME);
}

function callSpan(seen: ObservedCall): (error: unknown) => void {
  const { host, server, operation } = seen;
  const span = tracer().startSpan(`${server} ${operation}`, {
    kind: SpanKind.CLIENT,
    attributes: { 'zvm.host': host, 'peer.service': server, 'http.request.method': operation.split(' ')[0] ?? '' },
  });
  return (error) => {
    if (seen.status !== undefined) span.setAttribute('http.response.status_code', seen.status);
    ended(span, error);
  };
}

function chainSpan(seen: ObservedChain): (error: unknown) => void {
  const { host, node, lane, commands } = seen;
  const [first] = commands;
  const span = tracer().startSpan(commands.length === 1 && first ? first.name : `${commands.length} commands`, {
    attributes: {
      ...{ 'zvm.host': host, 'zvm.node': node, 'zvm.lane': lane },
      'smcli.function': commands.map(({ name }) => name),
    },
  });
  return (error) => {
    for (const { name, exitStatus, rc = exitStatus, rs = 0 } of seen.commands)
      span.addEvent(name, rc === undefined ? { run: false } : { 'smapi.rc': rc, 'smapi.rs': rs });
    const ran = seen.commands.filter(({ exitStatus }) => exitStatus !== undefined);
    // A change that ends well is read back by the same chain.
    const last = ran.findLast(({ reads }) => !reads) ?? ran.at(-1);
    if (last !== undefined)
      span.setAttributes({ 'smapi.rc': last.rc ?? last.exitStatus ?? 0, 'smapi.rs': last.rs ?? 0 });
    ended(span, error);
  };
}

/** End a span; with an error as failed, with the reason. */
export function ended(span: Span, error: unknown): void {
  if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(error) });
  span.end();
}
