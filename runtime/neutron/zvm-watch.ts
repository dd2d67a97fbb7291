import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { messageOf } from '../../domain/text/error-message.ts';

export type ZvmWatchOptions = {
  host: string;
  /** Probe z/VM. Throws when it does not answer. */
  probe(signal: AbortSignal): Promise<void>;
  intervalMs: number;
  logger: Logger;
  /** Called when z/VM answers again or for the first time. */
  onReachable(): void;
};

/** The number of intervals without an answer after which z/VM counts as unreachable: a busy management node or SMAPI may delay an answer. */
const PATIENCE = 4;
const LONGEST_ANSWER = 2;

/** Observes at intervals whether a z/VM system can be reached. */
export class ZvmWatch {
  readonly #options: ZvmWatchOptions;
  readonly #stop = new AbortController();
  #answeredAt: number | undefined;
  #isReachable = false;
  #loop: Promise<void> | undefined;

  constructor(options: ZvmWatchOptions) {
    this.#options = options;
  }

  /** Begin to probe. */
  start(): void {
    this.#loop ??= this.#run();
  }

  /** True while z/VM answers; false before the first answer. */
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
    let isLogged = false;
    while (!signal.aborted) {
      const reason = await this.#probe();
      if (signal.aborted) return;
      if (reason === undefined) this.#answered();
      else if (this.#isOverdue() && (this.#isReachable || !isLogged)) {
        isLogged = true;
        this.#unreachable(reason);
      }
      await sleep(intervalMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** The reason of a missing answer; undefined when z/VM answered. */
  async #probe(): Promise<string | undefined> {
    const { probe, intervalMs } = this.#options;
    try {
      await probe(AbortSignal.any([this.#stop.signal, AbortSignal.timeout(intervalMs * LONGEST_ANSWER)]));
      return undefined;
    } catch (error) {
      return messageOf(error);
    }
  }

  #answered(): void {
    const { host, logger, onReachable } = this.#options;
    this.#answeredAt = performance.now();
    if (this.#isReachable) return;
    this.#isReachable = true;
    logger.info({ host }, 'z/VM is reachable');
    onReachable();
  }

  #isOverdue(): boolean {
    return this.#answeredAt === undefined || performance.now() - this.#answeredAt > PATIENCE * this.#options.intervalMs;
  }

  #unreachable(reason: string): void {
    const { host, logger } = this.#options;
    this.#isReachable = false;
    logger.error({ host, reason }, 'z/VM is unreachable: the agent reports no state to neutron-server');
  }
}
