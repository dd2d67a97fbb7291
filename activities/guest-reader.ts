import type { ZvmBackend } from '../backend/backend.ts';
import type { HostRequest, Reading } from '../backend/reading.ts';
import { waitUnlessAborted } from '../backend/waiting.ts';
import type { Userid } from '../domain/text/identifiers.ts';
import type { DirectoryReading } from '../workflows/guest-request.ts';

/** Reads guests of one host; those that are asked for while a reading is under way share the next one. */
export type GuestReader = {
  /**
   * All that a decision about the guest looks at, read after it was asked for; its directory entry unless that is taken as recorded, and the record
   * unless a reading since a time is recent enough. Throws what the backend says of this guest.
   */
  read(userid: Userid, signal: AbortSignal, extent?: Extent): Promise<Reading>;
};

/** The parts of a guest that need not be read anew. */
type Extent = { directory?: DirectoryReading } & Pick<HostRequest, 'recordSince'>;

type Asked = { userid: Userid; extent: Extent; answer: PromiseWithResolvers<Reading> };

/** Create a reader of one host: reads that wait together share one call. `single` readings wait for none of bulk operations. */
export function createGuestReader(
  backend: Pick<ZvmBackend, 'readHost'>,
  { single }: Required<Pick<HostRequest, 'single'>> = { single: false },
): GuestReader {
  let waiting: Asked[] = [];
  let busy = false;

  const work = async (): Promise<void> => {
    if (busy) return;
    busy = true;
    // Readings requested in the same tick share one call.
    await Promise.resolve();
    while (waiting.length > 0) {
      const round = waiting;
      waiting = [];
      await readRound(round);
    }
    busy = false;
  };

  const readRound = async (round: readonly Asked[]): Promise<void> => {
    try {
      const userids = [...new Set(round.map((asked) => asked.userid))];
      const looked = new Set(round.filter(({ extent }) => extent.directory === undefined).map((asked) => asked.userid));
      const since = Math.max(...round.map(({ extent }) => extent.recordSince ?? Number.POSITIVE_INFINITY));
      const { read } = await backend.readHost({
        userids,
        directoryOf: (userid) => looked.has(userid),
        recordSince: since,
        single,
      });
      for (const { userid, answer } of round) {
        try {
          answer.resolve(read(userid));
        } catch (error) {
          answer.reject(error);
        }
      }
    } catch (error) {
      for (const { answer } of round) answer.reject(error);
    }
  };

  return {
    async read(userid, signal, extent = {}) {
      signal.throwIfAborted();
      const asked = { userid, extent, answer: Promise.withResolvers<Reading>() };
      // Nobody may be left to hear of a failure after an abort.
      asked.answer.promise.catch(() => undefined);
      waiting.push(asked);
      void work();
      try {
        return await waitUnlessAborted(asked.answer.promise, signal);
      } finally {
        waiting = waiting.filter((other) => other !== asked);
      }
    },
  };
}
