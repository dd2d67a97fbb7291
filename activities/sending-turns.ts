import { waitUnlessAborted } from '../backend/waiting.ts';

/**
 * The windows of bulk operations begin one after another: the guests of one are read together while those of the one before are changed. The Temporal
 * server hands out the tasks of guests that have their own work at one pace: windows that are sent at the same moment all come late.
 */
export type SendingTurns = {
  /**
   * Send in turn: when those before have sent and their guests have come. The turn ends when `come` resolves, or when the sending fails. Throws what
   * `send` throws, or the signal's reason when it aborts before the turn has come.
   */
  take<Result>(come: Promise<void>, signal: AbortSignal, send: () => Promise<Result>): Promise<Result>;
};

/** Guests may be busy with other operations, or another worker's: the next window waits no longer for them. */
const LONGEST_TURN_MS = 10_000;
/** The activity that sends has a minute: half of it is left for the sending. */
const LONGEST_WAIT_MS = 30_000;

/** Create the turns of one worker, so many at once. */
export function createSendingTurns(atOnce = 1): SendingTurns {
  const lasts: Promise<void>[] = Array.from({ length: atOnce }, () => Promise.resolve());
  let next = 0;
  return {
    async take(come, signal, send) {
      const place = next++ % atOnce;
      const before = waitAtMost(lasts[place] ?? Promise.resolve(), LONGEST_WAIT_MS);
      const failed = Promise.withResolvers<void>();
      // One that gives its turn up while it waits lets nobody pass those before it.
      lasts[place] = before.then(() => waitAtMost(Promise.race([come, failed.promise]), LONGEST_TURN_MS));
      try {
        await waitUnlessAborted(before, signal);
        return await send();
      } catch (error) {
        failed.resolve();
        throw error;
      }
    },
  };
}

async function waitAtMost(promise: Promise<void>, milliseconds: number): Promise<void> {
  const { promise: enough, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds).unref();
  try {
    await Promise.race([promise, enough]);
  } finally {
    clearTimeout(timer);
  }
}
