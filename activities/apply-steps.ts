import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type { Cancellation, CarriedOut, Company, ZvmBackend } from '../backend/backend.ts';
import { BackendError } from '../backend/backend-error.ts';
import { defined } from '../domain/defined.ts';
import type { Step } from '../domain/planning/steps.ts';
import { messageOf } from '../domain/text/error-message.ts';
import { asActivityFailure } from './failures.ts';

/**
 * Carry out the plan of a guest. A failure is thrown as the one that workflows know, with the ids of the steps before it; so is a cancel.
 */
export async function applySteps(
  backend: Pick<ZvmBackend, 'applySteps'>,
  steps: readonly Step[],
  cancellation: Cancellation,
  company: Company,
): Promise<Omit<CarriedOut, 'failure'>> {
  const { failure, ...carriedOut } = await backend.applySteps(steps, cancellation, company);
  if (failure === undefined) return carriedOut;
  const detail = { carriedOut: carriedOut.reports.map(({ id }) => id), possibly: failure.possibly };
  if (cancellation.stop.aborted) throw cancelled(cancellation.stop, detail);
  throw withDetail(asActivityFailure(failure.error), detail);
}

function cancelled({ reason }: AbortSignal, detail: object): Error {
  if (reason instanceof ApplicationFailure) return withDetail(reason, detail);
  if (reason instanceof BackendError) return withDetail(asActivityFailure(reason), detail);
  return new CancelledFailure(messageOf(reason), [detail]);
}

/** The failure with more in its first detail. */
export function withDetail(error: Error, detail: object): Error {
  if (error instanceof CancelledFailure) return new CancelledFailure(error.message, merged(error.details, detail));
  if (!(error instanceof ApplicationFailure)) return error;
  const failure = ApplicationFailure.create({
    ...defined({ type: error.type ?? undefined }),
    message: error.message,
    nonRetryable: error.nonRetryable ?? false,
    details: merged(error.details, detail),
    ...(typeof error.nextRetryDelay === 'number' ? { nextRetryDelay: error.nextRetryDelay } : {}),
  });
  // The trace is that of the failure as it came.
  if (error.stack !== undefined) failure.stack = error.stack;
  return failure;
}

function merged(details: readonly unknown[] | null | undefined, detail: object): unknown[] {
  const [first, ...more] = details ?? [];
  return isPlainObject(first) ? [{ ...first, ...detail }, ...more] : [...(details ?? []), detail];
}

function isPlainObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
