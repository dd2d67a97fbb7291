import { setTimeout as pause } from 'node:timers/promises';
import { CancelledFailure, Context, heartbeat } from '@temporalio/activity';
import type { Cancellation } from '../backend/backend.ts';
import { BackendError } from '../backend/backend-error.ts';
import { messageOf } from '../domain/text/error-message.ts';
import { asActivityFailure } from './failures.ts';

/** Have Temporal keep something that is to outlive this worker. Throws when nobody waits for the activity any more. */
export type Keep = (details: object) => Promise<void>;

// Well inside the timeout, so that a slow machine is not taken for a dead worker.
const BEATS_IN_TIMEOUT = 2.5;
// A server that restarts is away for seconds.
const KEEP_TRIES = 60;
const KEEP_PAUSE_MS = 1_000;
const GIVEN_UP = ['ActivityCancelledError', 'ActivityNotFoundError', 'ActivityPausedError', 'ActivityResetError'];

/**
 * Run an activity's work with heartbeats, so that the death of its worker is noticed while a call is under way, and with the signal that
 * cancels the call. A local activity needs none: it ends with its workflow task. What the work throws is turned into the failure that
 * workflows know.
 */
export async function withHeartbeat<Result>(
  work: (signal: AbortSignal, keep: Keep) => Promise<Result>,
): Promise<Result> {
  const { info, cancellationSignal, cancelled, client } = Context.current();
  const { heartbeatTimeoutMs, taskToken } = info;
  let kept: object | undefined;
  const beat = () => heartbeat(kept);
  const beating = heartbeatTimeoutMs ? setInterval(beat, heartbeatTimeoutMs / BEATS_IN_TIMEOUT) : undefined;
  const keep = async (details: object) => {
    kept = details;
    for (let tries = 1; ; tries += 1) {
      try {
        return await client.activity.heartbeat(taskToken, details);
      } catch (error) {
        if (error instanceof Error && GIVEN_UP.includes(error.name)) {
          // A heartbeat of the worker's own has it end the activity as Temporal expects.
          beat();
          await cancelled;
        }
        if (tries >= KEEP_TRIES) throw notKept(error);
      }
      await pause(KEEP_PAUSE_MS, undefined, { signal: cancellationSignal });
    }
  };
  try {
    return await work(cancellationSignal, keep);
  } catch (error) {
    if (!(error instanceof CancelledFailure)) cancellationSignal.throwIfAborted();
    throw asActivityFailure(error);
  } finally {
    clearInterval(beating);
  }
}

/** Temporal does not take the details: nothing may begin that could not be undone without them. */
function notKept(error: unknown): BackendError {
  const operation = 'give the plan to Temporal';
  const message = `${operation}: ${messageOf(error)}`;
  return new BackendError({ code: 'unreachable', operation, message, advice: 'check that Temporal answers' });
}

/** The same for work that changes z/VM. */
export function withCancellation<Result>(
  work: (cancellation: Cancellation, keep: Keep) => Promise<Result>,
): Promise<Result> {
  return withHeartbeat((stop, keep) => {
    const context = Context.current();
    const leaving = new AbortController();
    const leave = () => {
      if (context.cancellationDetails?.workerShutdown === true) leaving.abort(stop.reason);
    };
    if (stop.aborted) leave();
    stop.addEventListener('abort', leave, { once: true });
    return work({ stop, leave: leaving.signal }, keep);
  });
}
