import { BackendError } from '../backend/backend-error.ts';
import { waitUnlessAborted } from '../backend/waiting.ts';
import { type BackendKind, serverName } from '../domain/host/host.ts';

/** Time limits of a reading; those of a change are longer. */
export type Patience = {
  /** Retry time of an unreachable server. */
  troubleMs: number;
  /** Longest wait for a silent one: a large host or a busy DirMaint takes time. */
  silenceMs: number;
};

const PATIENCE: Patience = { troubleMs: 10_000, silenceMs: 60_000 };
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 3_000;

/**
 * Read for somebody who waits, and try again as long as that may help soon. Throws what `read` throws when it is permanent; else the last BackendError
 * when the time is over, and one that says so when the server has said nothing at all. `what` is
 * read from `server`, by its name.
 */
export async function readInTime<Result>(
  what: string,
  server: BackendKind,
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
      if (enough.aborted) throw last ?? silent(what, server, silenceMs);
      if (!(error instanceof BackendError && error.retryable)) throw error;
      last = error;
      if (performance.now() - begun + pause > troubleMs) throw error;
    }
    await waitUnlessAborted(new Promise((resolve) => setTimeout(resolve, pause)), enough).catch(() => undefined);
  }
}

function silent(what: string, server: BackendKind, silenceMs: number): BackendError {
  return new BackendError({
    code: 'timeout',
    operation: what,
    message: `${what}: no answer from ${serverName(server)} within ${silenceMs / 1_000} s`,
    advice: `check the load of ${server === 'feilong' ? 'the Feilong server' : 'the xCAT management node, of the zHCP'} and of DirMaint`,
  });
}
