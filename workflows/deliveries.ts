import { CancellationScope, log } from '@temporalio/workflow';

/** Signals to operations. Those about one request are sent one after another. */
export class Deliveries {
  readonly #underWay = new Map<string, Promise<unknown>>();

  get isEmpty(): boolean {
    return this.#underWay.size === 0;
  }

  /** Send after those about the same request. A signal to an ended operation may fail. */
  send(id: string, signal: () => Promise<unknown>): void {
    const sent = (this.#underWay.get(id) ?? Promise.resolve()).then(() =>
      CancellationScope.nonCancellable(signal).catch((error: unknown) => {
        log.debug('signal to an operation failed', { request: id, reason: String(error) });
      }),
    );
    this.#underWay.set(id, sent);
    void sent.then(() => {
      if (this.#underWay.get(id) === sent) this.#underWay.delete(id);
    });
  }
}
