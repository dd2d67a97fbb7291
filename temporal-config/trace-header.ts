import { defaultPayloadConverter, type Payload } from '@temporalio/common';

/** The header in which Temporal's own OpenTelemetry interceptors carry a trace, in every language. */
const TRACE_HEADER = '_tracer-data';

/** A place in a trace, as W3C's Trace Context names it: ids in lower-case hexadecimal digits, and the flags (1: sampled). */
export type TracePlace = { traceId: string; spanId: string; traceFlags: number };

const TRACEPARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/;

/** The place that a `traceparent` of version 00 names; undefined when the text is none. */
export function tracePlaceIn(text: unknown): TracePlace | undefined {
  const [, traceId, spanId, flags] = (typeof text === 'string' && TRACEPARENT.exec(text)) || [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) };
}

/** The `traceparent` of a place. */
export function traceparentOf({ traceId, spanId, traceFlags }: TracePlace): string {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}

type Headers = Record<string, Payload>;

/** Headers that carry the place; the same ones without a place. */
export function withTrace(headers: Headers, traceparent: string | undefined): Headers {
  if (traceparent === undefined) return headers;
  return { ...headers, [TRACE_HEADER]: defaultPayloadConverter.toPayload({ traceparent }) };
}

/** The place that headers carry, which anybody may have written; undefined when they carry none that can be read. */
export function tracePlaceOf(headers: Headers): TracePlace | undefined {
  const payload = headers[TRACE_HEADER];
  if (payload === undefined) return undefined;
  try {
    return tracePlaceIn(defaultPayloadConverter.fromPayload<{ traceparent?: unknown } | null>(payload)?.traceparent);
  } catch {
    return undefined;
  }
}
