import { BackendError } from '../backend/backend-error.ts';
import { waitUnlessAborted } from '../backend/waiting.ts';

/** Time limits of a reading; those of a change are longer. */
export type Patience = {
  /** Retry time of an unreachable xCAT. */
  troubleMs: number;
  /** Longest wait for a silent xCAT: a large host or a busy DirMaint takes time. */
  silenceMs: number;
};

const PATIENCE: Patience = { troubleMs: 10_000, silenceMs: 60_000 };
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 3_000;

/**
 * Read for somebody who waits, and try again as long as that may help soon. Throws what `read` throws when it is permanent; else the last BackendError
 * when the time is over, and one that says so when xCAT has said nothing at all.
 */
export async function readInTime<Result>(
  what: string,
  read: () => Promise<Result>,
  { troubleMs, silenceMs }: Patience = PATIENCE,
): Promise<Result> {
  const begun = performance.now();
  const enough = AbortSignal.timeout(silenceMs);
  let last: BackendError | undefined;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    try {
      return await waitUnlessAborted(read(), enough);
    } catch (error) {
      if (enough.aborted) throw last ?? silent(what, silenceMs);
      if (!(error instanceof BackendError && error.retryable)) throw error;
      last = error;
      if (performance.now() - begun + pause > troubleMs) throw error;
    }
    await waitUnlessAborted(new Promise((resolve) => setTimeout(resolve, pause)), enough).catch(() => undefined);
  }
}

function silent(what: string, silenceMs: number): BackendError {
  return new BackendError({
    code: 'timeout',
    operation: what,
    message: `${what}: no answer from xCAT within ${silenceMs / 1_000} s`,
    advice: 'check the load of the xCAT management node, of the zHCP and of DirMaint',
  });
}
