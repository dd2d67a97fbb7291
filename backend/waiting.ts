import { setImmediate as nextTurn } from 'node:timers/promises';

/**
 * Wait for a promise until the signal aborts; then reject with the signal's reason. What the promise stands for goes on for others who
 * wait for it.
 */
export async function waitUnlessAborted<T>(promise: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (signal === undefined) return promise;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/**
 * Let callers share calls: those that come at the same moment share one, and while one is in flight, new callers wait and then share one
 * next call. No caller gets the result of a call that began before its own, so a result is never older than the request for it.
 */
export function singleFlight<T>(call: () => Promise<T>): () => Promise<T> {
  let next: Promise<T> | undefined;
  let last: Promise<unknown> = Promise.resolve();
  const begin = async (): Promise<T> => {
    await last;
    // Callers of the same moment share the call.
    await nextTurn();
    next = undefined;
    return call();
  };
  return () => {
    if (next === undefined) {
      next = begin();
      last = next.catch(() => undefined);
    }
    return next;
  };
}
