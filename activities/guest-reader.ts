import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ReadBack, ZvmBackend } from '../backend/backend.ts';
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

/** The parts of a guest that need not be read anew; all of z/VM where a call has read it back. */
export type Extent = { directory?: DirectoryReading; readBack?: ReadBack } & Pick<HostRequest, 'recordSince'>;

type Asked = { userid: Userid; extent: Extent; answer: PromiseWithResolvers<Reading> };

/** Create a reader of one host: reads that wait together share one call. `single` readings wait for none of bulk operations. */
export function createGuestReader(
  backend: Pick<ZvmBackend, 'readHost'>,
  { single }: Required<Pick<HostRequest, 'single'>> = { single: false },
): GuestReader {
  const ofHost = new Rounds(backend, single);
  const readBacks = new WeakMap<ReadBack, Rounds>();

  const roundsOf = ({ readBack }: Extent): Rounds => {
    if (readBack === undefined) return ofHost;
    const rounds = readBacks.get(readBack) ?? new Rounds(readBack, single);
    readBacks.set(readBack, rounds);
    return rounds;
  };

  return {
    async read(userid, signal, extent = {}) {
      signal.throwIfAborted();
      const asked = { userid, extent, answer: Promise.withResolvers<Reading>() };
      // Nobody may be left to hear of a failure after an abort.
      asked.answer.promise.catch(() => undefined);
      const rounds = roundsOf(extent);
      rounds.add(asked);
      try {
        return await waitUnlessAborted(asked.answer.promise, signal);
      } finally {
        rounds.drop(asked);
      }
    },
  };
}

/** Readings of one source, one after another. */
class Rounds {
  readonly #source: Pick<ZvmBackend, 'readHost'>;
  readonly #single: boolean;
  #waiting: Asked[] = [];
  #busy = false;

  constructor(source: Pick<ZvmBackend, 'readHost'>, single: boolean) {
    this.#source = source;
    this.#single = single;
  }

  add(asked: Asked): void {
    this.#waiting.push(asked);
    void this.#work();
  }

  drop(asked: Asked): void {
    this.#waiting = this.#waiting.filter((other) => other !== asked);
  }

  async #work(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    // Readings requested at the same moment share one call.
    await nextTurn();
    while (this.#waiting.length > 0) {
      const round = this.#waiting;
      this.#waiting = [];
      await this.#read(round);
    }
    this.#busy = false;
  }

  async #read(round: readonly Asked[]): Promise<void> {
    try {
      const userids = [...new Set(round.map((asked) => asked.userid))];
      const looked = new Set(round.filter(({ extent }) => extent.directory === undefined).map((asked) => asked.userid));
      const { read } = await this.#source.readHost({
        userids,
        directoryOf: (userid) => looked.has(userid),
        recordSince: Math.max(...round.map(({ extent }) => extent.recordSince ?? Number.POSITIVE_INFINITY)),
        single: this.#single,
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
  }
}
