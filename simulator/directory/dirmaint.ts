import { Semaphore, sleep } from '../flow.ts';
import { DEFAULT_PROFILE, type Profile } from './devices.ts';

/** The times that one request takes DirMaint. */
export type Pace = { intervalMs: number; serviceMs: number };

/** The directory manager of a system, or of all members of an SSI cluster: it works off one request after another. */
export class DirMaint {
  readonly profiles = new Map<string, Profile>([[DEFAULT_PROFILE.name, DEFAULT_PROFILE]]);
  readonly subconfigs = new Map<string, Profile>();
  #idleSince = Number.NEGATIVE_INFINITY;
  readonly #servers: Semaphore;

  constructor(parallelism: number) {
    this.#servers = new Semaphore(parallelism);
  }

  /** Carries out so many requests as one piece of work, each after the pause between two requests (zvm-modern.md 5). */
  async carryOut<T>(requests: number, pace: Pace, work: () => T): Promise<T> {
    return this.#servers.use(async () => {
      for (let request = 0; request < requests; request += 1) {
        const pause = this.#idleSince + pace.intervalMs - performance.now();
        if (pause > 0) await sleep(pause);
        if (pace.serviceMs > 0) await sleep(pace.serviceMs);
        this.#idleSince = performance.now();
      }
      return work();
    });
  }
}
