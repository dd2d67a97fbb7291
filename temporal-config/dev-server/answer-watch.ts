import { setTimeout as sleep } from 'node:timers/promises';

/** When a server counts as hung: so many questions in a row, that far apart, had no good answer in their time. */
export type Patience = { everyMs: number; answerMs: number; misses: number };

/** A server on a busy machine answers late; one that hangs gives no answer in a whole minute. */
export const PATIENCE: Patience = { everyMs: 5_000, answerMs: 10_000, misses: 4 };

/** The outcome of a question: `gone` when the process has ended. */
export type Answer = 'good' | 'none' | 'gone';

/**
 * Ask a server again and again until `signal` is aborted, and call `onHang` with the seconds without an answer when it hangs, or at once when it is gone.
 * `ask` answers within the time that it is given. A server that fails at once has the same time to recover as one that is silent.
 */
export async function watchAnswers(
  ask: (answerMs: number) => Promise<Answer>,
  { everyMs, answerMs, misses }: Patience,
  onHang: (silentSeconds: number) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const pause = (ms: number) => sleep(ms, undefined, { signal }).catch(() => undefined);
  let answeredAt = performance.now();
  let missed = 0;
  for (await pause(everyMs); !signal.aborted; await pause(everyMs)) {
    const askedAt = performance.now();
    const answer = await ask(answerMs);
    const tookMs = performance.now() - askedAt;
    if (signal.aborted) return;
    if (answer === 'good') {
      answeredAt = performance.now();
      missed = 0;
    } else if (answer === 'none') {
      // A process that had no CPU itself has not read an answer that may be there.
      if (tookMs < 2 * answerMs) missed += 1;
      await pause(Math.max(0, answerMs - tookMs));
    }
    if (signal.aborted || (answer !== 'gone' && missed < misses)) continue;
    await onHang((performance.now() - answeredAt) / 1_000);
    answeredAt = performance.now();
    missed = 0;
  }
}
