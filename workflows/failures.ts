import { ActivityFailure, ApplicationFailure, ChildWorkflowFailure, TimeoutFailure } from '@temporalio/common';
import type { Mac } from '../network/mac.ts';
import { describeRefusals, type Refusal } from '../network/refusal.ts';

/** Failure types that callers and operators meet. */
export type FailureType =
  /** The request cannot be granted; nothing was touched. Details: the refusals, each with its field. */
  | 'Refused'
  /** A step failed for good. Details: a FailureReport. */
  | 'StepFailed'
  /** A step went on failing for now until the operation's time was over. Details: a FailureReport. */
  | 'GaveUp'
  /** An address that was to be recorded is somebody else's too. Inside of operations only; details: the addresses, the refusals. */
  | 'Taken';

/** What failed, and what became of the guest. */
export type FailureReport = {
  host: string;
  userid: string;
  step: string;
  reason: string;
  advice: string;
  /** True when the guest is as it was before the operation. */
  undone: boolean;
};

/** A permanent failure with its refusals; names the fields in the message. */
export function refused(refusals: readonly Refusal[]): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'Refused' satisfies FailureType,
    nonRetryable: true,
    message: describeRefusals(refusals),
    details: [refusals],
  });
}

/** A permanent failure of an operation. */
export function operationFailed(type: 'StepFailed' | 'GaveUp', report: FailureReport): ApplicationFailure {
  const after = report.undone
    ? 'What the operation had done was undone.'
    : 'What the operation had done was left for repair.';
  const message = `${report.reason} (host ${report.host}, userid ${report.userid}). ${report.advice} ${after}`;
  return ApplicationFailure.create({ type, nonRetryable: true, message, details: [report] });
}

/** The failure of an operation on a host that cannot be finished; says whether trying went on for too long. */
export function hostFailed(where: { host: string; vswitch?: string }, error: unknown): ApplicationFailure {
  const place = `host ${where.host}${where.vswitch === undefined ? '' : `, VSWITCH ${where.vswitch}`}`;
  const retryable = isRetryable(error);
  const advice = retryable
    ? 'See that the management node and z/VM answer, then start the operation again.'
    : 'Correct the cause and start the operation again.';
  return ApplicationFailure.create({
    type: (retryable ? 'GaveUp' : 'StepFailed') satisfies FailureType,
    nonRetryable: true,
    message: `${reasonOf(error)} (${place}). ${advice}`,
    details: [{ ...where, step: failedStep(error), reason: reasonOf(error), advice }],
  });
}

/** The ApplicationFailure inside what an activity or child threw. */
export function applicationFailureOf(error: unknown): ApplicationFailure | undefined {
  if (error instanceof ApplicationFailure) return error;
  if (error instanceof ActivityFailure || error instanceof ChildWorkflowFailure)
    return applicationFailureOf(error.cause);
  return undefined;
}

/** True when the failure is for now: not marked permanent, a timeout, or a worker that went away. */
export function isRetryable(error: unknown): boolean {
  if (error instanceof ActivityFailure && error.cause instanceof TimeoutFailure) return true;
  const failure = applicationFailureOf(error);
  return failure !== undefined && failure.nonRetryable !== true;
}

/** The addresses of a `Taken` failure, and the refusals that it comes to when no other can be chosen. */
export function takenBy(error: unknown): { macs: Mac[]; refusals: Refusal[] } | undefined {
  const failure = applicationFailureOf(error);
  if (failure?.type !== 'Taken') return undefined;
  const [macs, refusals] = failure.details ?? [];
  return { macs: (macs ?? []) as Mac[], refusals: (refusals ?? []) as Refusal[] };
}

/** What an activity had done, as sentences, before the step that it failed at. */
export function doneBefore(error: unknown): string[] {
  const detail = applicationFailureOf(error)?.details?.[0];
  const done = typeof detail === 'object' && detail !== null && 'done' in detail ? detail.done : undefined;
  return Array.isArray(done) ? done.map(String) : [];
}

/** The step that an activity failed at, if it says so. */
export function failedStep(error: unknown): string | undefined {
  const detail = applicationFailureOf(error)?.details?.[0];
  const named = typeof detail === 'object' && detail !== null && 'operation' in detail ? detail.operation : undefined;
  return typeof named === 'string' ? named : undefined;
}

/** The sentence that says why. */
export function reasonOf(error: unknown): string {
  const failure = applicationFailureOf(error);
  if (failure !== undefined) return failure.message;
  if (error instanceof ActivityFailure && error.cause instanceof Error) return error.cause.message;
  return error instanceof Error ? error.message : String(error);
}
