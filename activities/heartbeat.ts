import { activityInfo, CancelledFailure, Context, heartbeat } from '@temporalio/activity';
import type { Cancellation } from '../backend/backend.ts';
import { asActivityFailure } from './failures.ts';

// Well inside the heartbeat timeout of the workflows, so that a slow machine is not taken for a dead worker.
const BEAT_MS = 2_000;

/**
 * Run an activity's work with heartbeats, so that the death of its worker is noticed while a call is under way, and with the signal that
 * cancels the call. A local activity needs none: it ends with its workflow task. What the work throws is turned into the failure that
 * workflows know.
 */
export async function withHeartbeat<Result>(work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
  const beat = activityInfo().isLocal ? undefined : setInterval(() => heartbeat(), BEAT_MS);
  try {
    return await work(Context.current().cancellationSignal);
  } catch (error) {
    if (!(error instanceof CancelledFailure)) Context.current().cancellationSignal.throwIfAborted();
    throw asActivityFailure(error);
  } finally {
    clearInterval(beat);
  }
}

/** The same for work that changes z/VM. */
export function withCancellation<Result>(work: (cancellation: Cancellation) => Promise<Result>): Promise<Result> {
  return withHeartbeat((stop) => {
    const context = Context.current();
    const leaving = new AbortController();
    const leave = () => {
      if (context.cancellationDetails?.workerShutdown === true) leaving.abort(stop.reason);
    };
    if (stop.aborted) leave();
    stop.addEventListener('abort', leave, { once: true });
    return work({ stop, leave: leaving.signal });
  });
}
