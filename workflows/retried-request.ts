import type { ApplicationFailure } from '@temporalio/common';
import { isCancellation } from '@temporalio/workflow';
import {
  applicationFailureOf,
  failureData,
  isHeld,
  isOperationEnded,
  isRetryable,
  operationFailed,
  permanently,
  refusedAt,
  sayTrouble,
  troubleOf,
} from './failures.ts';
import type { RequestOutcome } from './guest-queue-messages.ts';
import type { Target } from './host-activities.ts';
import { showProgress } from './progress.ts';
import type { RequestWork, WorkContext } from './request-work.ts';
import { pauseBeforeRetry, retriedUntil } from './run-visibility.ts';

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

/** The guest that the activities of a request work on. */
export function targetOf({ request }: Pick<RequestWork, 'request'>, { host, userid }: WorkContext): Target {
  return { host, userid, operation: request.operation, requestId: request.id };
}

/** Try a part of a request until the request's deadline, with growing pauses that are shown. Throws its failure when it is permanent, and the last one at the deadline. */
export async function retriedUntilDeadline<Result>(
  { forward: { deadline }, probe }: Pick<RequestWork, 'forward' | 'probe'>,
  { host, userid, report, awaitRelease }: WorkContext,
  what: string,
  attempt: (summary: string) => Promise<Result>,
): Promise<Result> {
  let pause = FIRST_PAUSE_MS;
  let heldMs = 0;
  for (;;) {
    try {
      return await attempt(what);
    } catch (error) {
      if (isHeld(error)) {
        // A probe that has begun goes on where it is; any other request goes back into the queue.
        if (probe === undefined) throw error;
        heldMs += await awaitRelease(error);
        continue;
      }
      if (isCancellation(error) || !isRetryable(error) || Date.now() + pause >= deadline + heldMs) throw error;
      const trouble = troubleOf(error, what);
      const reason = sayTrouble('transient', trouble);
      showProgress({ subject: `${userid} on ${host}`, state: retriedUntil(deadline), reason });
      await report(`${retriedUntil(deadline)}. ${reason}`);
      await pauseBeforeRetry(pause, trouble.reason);
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    }
  }
}

/** The outcome of a request that ended by the failure of an activity: `verb` says what it did to the guest, `left` what is left of it. */
export function outcomeOfFailure(
  error: unknown,
  { host, userid }: WorkContext,
  verb: string,
  left: Parameters<typeof operationFailed>[2],
): RequestOutcome {
  if (isCancellation(error) || isOperationEnded(error)) return { kind: 'cancelled' };
  const failure = applicationFailureOf(error);
  if (failure?.type === 'Refused') return failed(refusedAt(failure, { host, userid }));
  const type = isRetryable(error) ? 'DeadlineExceeded' : 'StepFailed';
  const report = { host, userid, portIds: [], ...permanently(troubleOf(error, `${verb} ${userid}`)), done: [] };
  return failed(operationFailed(type, report, left));
}

/** A request's outcome of a failure. */
export function failed(failure: ApplicationFailure): RequestOutcome {
  return { kind: 'failed', failure: failureData(failure) };
}
