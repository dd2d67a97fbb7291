import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { BackendError, type TakenAddresses } from '../backend/backend-error.ts';
import { defined } from '../domain/defined.ts';
import { describeRefusals, type Refusal } from '../domain/planning/refusal.ts';
import { NeutronError } from '../neutron/errors.ts';
import type { FailureType } from '../workflows/failures.ts';

/**
 * The failure of an activity: a cancel keeps the steps before it, a BackendError its own word on whether another try can help; anything else is a defect of ours, for
 * which it cannot, and alone keeps its stack trace.
 */
export function asActivityFailure(error: unknown): Error {
  if (error instanceof ApplicationFailure || error instanceof CancelledFailure) return error;
  if (error instanceof BackendError && error.code === 'not-defined') return refusedFailure(error.refusals);
  if (error instanceof BackendError && error.code === 'address-conflict')
    return addressConflictFailure(error.taken, error.refusals);
  if (error instanceof BackendError || error instanceof NeutronError) {
    const { code, operation, advice, page } = error;
    return withoutTrace(
      ApplicationFailure.create({
        type: (code === 'held' ? 'Held' : 'StepFailed') satisfies FailureType,
        message: `${error.message}. What to do: ${advice}.`,
        nonRetryable: !error.retryable,
        ...retryLater(error),
        details: [{ code, operation, reason: reasonOf(error), advice, page, ...smapiCodeOf(error) }],
      }),
    );
  }
  if (!(error instanceof Error)) return new Error(String(error));
  if (isAwayOrBusy(error)) return temporalFailure(error);
  const failure = ApplicationFailure.create({
    type: 'StepFailed',
    message: `a defect of this program: ${error.message}. What to do: report the defect with its stack trace.`,
    nonRetryable: true,
  });
  if (error.stack !== undefined) failure.stack = error.stack;
  return failure;
}

/** gRPC's code of a call that is wrong. */
export const INVALID_ARGUMENT = 3;
const UNIMPLEMENTED = 12;
/** Calls that will be wrong the next time, too. */
const WRONG_CALLS: readonly unknown[] = [INVALID_ARGUMENT, UNIMPLEMENTED];

/** True of an answer of Temporal's client after which another try can help. */
function isAwayOrBusy(error: Error): boolean {
  return error.name === 'ServiceError' && !WRONG_CALLS.includes(grpcCodeOf(error));
}

/** gRPC's code of a failure of Temporal's client; undefined of any other error. */
export function grpcCodeOf(error: unknown): unknown {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause ? cause.code : undefined;
}

function temporalFailure({ message }: Error): ApplicationFailure {
  const [operation, advice] = ['ask Temporal', 'check that Temporal answers'];
  return withoutTrace(
    ApplicationFailure.create({
      type: 'StepFailed' satisfies FailureType,
      message: `${operation}: ${message}. What to do: ${advice}.`,
      nonRetryable: false,
      details: [{ code: 'unreachable', operation, reason: message, advice }],
    }),
  );
}

/** The pause that xCAT or a proxy in front of it requested (Retry-After). */
function retryLater(error: BackendError | NeutronError): { nextRetryDelay?: number } {
  return error instanceof BackendError && error.retryAfterMs !== undefined
    ? { nextRetryDelay: error.retryAfterMs }
    : {};
}

/** SMAPI's codes, by which workflows tell a failure from others. */
function smapiCodeOf(error: BackendError | NeutronError): { rc?: number; rs?: number } {
  return error instanceof BackendError ? defined({ rc: error.rc, rs: error.rs }) : {};
}

/** The message without the operation that it begins with. */
function reasonOf({ message, operation }: BackendError | NeutronError): string {
  return message.startsWith(`${operation}: `) ? message.slice(operation.length + 2) : message;
}

/** An understood failure needs no stack trace: an operator would have to read past it. */
function withoutTrace(failure: ApplicationFailure): ApplicationFailure {
  failure.stack = '';
  return failure;
}

/** The failure of a request that cannot be granted. */
export function refusedFailure(refusals: readonly Refusal[]): ApplicationFailure {
  return withoutTrace(
    ApplicationFailure.create({
      type: 'Refused' satisfies FailureType,
      nonRetryable: true,
      message: describeRefusals(refusals),
      details: [refusals],
    }),
  );
}

/** Throws that failure, unless there is no refusal. */
export function refuse(refusals: readonly Refusal[]): void {
  if (refusals.length > 0) throw refusedFailure(refusals);
}

/** The failure of steps whose addresses were given to another guest at the same moment. */
export function addressConflictFailure(
  { macs, ports }: TakenAddresses,
  refusals: readonly Refusal[],
): ApplicationFailure {
  return withoutTrace(
    ApplicationFailure.create({
      type: 'AddressConflict' satisfies FailureType,
      nonRetryable: true,
      message: describeRefusals(refusals),
      details: [macs, refusals, ports],
    }),
  );
}
