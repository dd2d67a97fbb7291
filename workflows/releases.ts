import { condition, defineSignal, setHandler, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { ZVM_OUTCOME } from '../temporal-config/search-attributes.ts';

/** Signal of a worker to each run that its hold has stopped: the host is released. */
export const released = defineSignal('released');

const FIRST_LOOK_MS = 5 * 60_000;
const LONGEST_LOOK_MS = 6 * 3_600_000;
/** After the announced end of a hold the worker's signal is waited for so long. */
const AFTER_END_MS = 30_000;

/** The releases of a held host, as one run hears of them. Call it once in a workflow, before anything that waits. */
export class Releases {
  #heard = 0;
  #known = 0;
  #looks = 0;

  constructor() {
    setHandler(released, () => {
      this.#heard += 1;
    });
  }

  /**
   * Wait for a release, or as long as the hold lasts by its own word, or until it is time to look whether it still lasts: these looks grow rare, so
   * that a hold of weeks leaves few events. False when `stops` became true before.
   */
  async wait(untilEndMs: number, stops = () => false): Promise<boolean> {
    if (workflowInfo().typedSearchAttributes.get(ZVM_OUTCOME) !== 'held')
      upsertSearchAttributes([{ key: ZVM_OUTCOME, value: 'held' }]);
    const look = Math.min(LONGEST_LOOK_MS, FIRST_LOOK_MS * 2 ** Math.min(this.#looks, 10));
    const isHeard = () => this.#heard !== this.#known;
    const wait = untilEndMs > 0 ? Math.min(LONGEST_LOOK_MS, untilEndMs + AFTER_END_MS) : look;
    await condition(() => isHeard() || stops(), wait);
    if (!isHeard() && stops()) return false;
    this.#looks = isHeard() ? 0 : this.#looks + 1;
    this.#known = this.#heard;
    upsertSearchAttributes([{ key: ZVM_OUTCOME, value: null }]);
    return true;
  }
}
