import type { ProbeRecord } from '../domain/host/probed-behaviour.ts';
import { mergedRecords } from '../domain/probe/record.ts';

/** The answers that this worker knows of probes of its host: its own, and those that a reconciliation has carried over. */
export type ProbeAnswers = {
  /** Undefined before the first. */
  known(): ProbeRecord | undefined;
  take(record: ProbeRecord): void;
};

/** Create the memory of one host, in which nothing is known. */
export function createProbeAnswers(): ProbeAnswers {
  let record: ProbeRecord | undefined;
  return {
    known: () => record,
    take(other) {
      record = record === undefined ? other : mergedRecords(record, other);
    },
  };
}
