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
 * Let callers share calls: while one is in flight, new callers wait and then share one next call. Nobody gets the result of a call that
 * began before they asked, so what they read is never older than their question.
 */
export function shareCalls<T>(call: () => Promise<T>): () => Promise<T> {
  let inFlight: Promise<unknown> | undefined;
  let next: Promise<T> | undefined;
  const begin = (): Promise<T> => {
    const begun = call();
    const settled = begun.then(
      () => undefined,
      () => undefined,
    );
    inFlight = settled;
    void settled.then(() => {
      if (inFlight === settled) inFlight = undefined;
    });
    return begun;
  };
  return () => {
    if (inFlight === undefined) return begin();
    next ??= inFlight.then(() => {
      next = undefined;
      return begin();
    });
    return next;
  };
}
