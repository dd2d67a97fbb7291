import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';

export type ZvmWatchOptions = {
  host: string;
  /** Ask z/VM something; throws when it does not answer. */
  ask(signal: AbortSignal): Promise<void>;
  intervalMs: number;
  logger: Logger;
  /** z/VM answers again, or for the first time. */
  onReachable(): void;
};

/** A management node or SMAPI that is busy with many ports may let a question wait: so many intervals without an answer are unreachable. */
const PATIENCE = 4;
const LONGEST_ANSWER = 2;

/** Whether a z/VM system can be reached, as seen at intervals. */
export class ZvmWatch {
  readonly #options: ZvmWatchOptions;
  readonly #stop = new AbortController();
  #answeredAt: number | undefined;
  #isReachable = false;
  #loop: Promise<void> | undefined;

  constructor(options: ZvmWatchOptions) {
    this.#options = options;
  }

  /** Ask from now on. */
  start(): void {
    this.#loop ??= this.#run();
  }

  /** False until z/VM has answered, and when it has not for a while. */
  isReachable(): boolean {
    return this.#isReachable;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { intervalMs } = this.#options;
    const { signal } = this.#stop;
    let told = false;
    while (!signal.aborted) {
      const reason = await this.#ask();
      if (signal.aborted) return;
      if (reason === undefined) this.#answered();
      else if (this.#isOverdue() && (this.#isReachable || !told)) {
        told = true;
        this.#unreachable(reason);
      }
      await sleep(intervalMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Why there was no answer; undefined when there was one. */
  async #ask(): Promise<string | undefined> {
    const { ask, intervalMs } = this.#options;
    try {
      await ask(AbortSignal.any([this.#stop.signal, AbortSignal.timeout(intervalMs * LONGEST_ANSWER)]));
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  #answered(): void {
    const { host, logger, onReachable } = this.#options;
    this.#answeredAt = performance.now();
    if (this.#isReachable) return;
    this.#isReachable = true;
    logger.info({ host }, 'z/VM can be reached');
    onReachable();
  }

  #isOverdue(): boolean {
    return this.#answeredAt === undefined || performance.now() - this.#answeredAt > PATIENCE * this.#options.intervalMs;
  }

  #unreachable(reason: string): void {
    const { host, logger } = this.#options;
    this.#isReachable = false;
    logger.error({ host, reason }, 'z/VM cannot be reached: neutron-server is told nothing of the host until it can');
  }
}
