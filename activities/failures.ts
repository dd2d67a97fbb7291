import { ApplicationFailure } from '@temporalio/common';
import type { Mac } from '../network/mac.ts';
import { describeRefusals, type Refusal } from '../network/refusal.ts';
import { NeutronError } from '../neutron/errors.ts';
import type { FailureType } from '../workflows/failures.ts';
import { XcatError } from '../xcat/errors.ts';

/**
 * What an activity fails with: an XcatError keeps its own word on whether another try can help; anything else is a defect of ours, for
 * which it cannot.
 */
export function asActivityFailure(error: unknown): Error {
  if (error instanceof ApplicationFailure) return error;
  if (error instanceof XcatError || error instanceof NeutronError) {
    return ApplicationFailure.create({
      type: 'StepFailed',
      message: `${error.message}. ${error.advice}`,
      nonRetryable: !error.retryable,
      details: [{ code: error.code, operation: error.operation }],
    });
  }
  return error instanceof Error
    ? ApplicationFailure.fromError(error, { nonRetryable: true, type: 'StepFailed' })
    : new Error(String(error));
}

/** The failure of a request that cannot be granted. */
export function refusedFailure(refusals: readonly Refusal[]): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'Refused' satisfies FailureType,
    nonRetryable: true,
    message: describeRefusals(refusals),
    details: [refusals],
  });
}

/** The failure of a recording that found addresses given to somebody else at the same moment. */
export function takenFailure(macs: readonly Mac[], refusals: readonly Refusal[]): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'Taken' satisfies FailureType,
    nonRetryable: true,
    message: describeRefusals(refusals),
    details: [macs, refusals],
  });
}
