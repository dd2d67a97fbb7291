import { CancellationScope, condition } from '@temporalio/workflow';
import { lending } from './activity-proxies.ts';
import type { PlannedChange } from './host-activities.ts';
import { type GivenBack, isGivenBack, type Loan } from './loan.ts';

const FIRST_LOOK_MS = 10_000;
const LONGEST_LOOK_MS = 60_000;

/** The state of the guest after its loan; `planned`: the steps of this plan may have been carried out. */
export type TakenBack = Exclude<GivenBack, { kind: 'begun' }> | { kind: 'begun'; planned: PlannedChange };

/** A guest that its run has lent to a window. */
export class LentGuest {
  readonly #loan: Loan;
  #back: GivenBack | undefined;

  constructor(loan: Loan) {
    this.#loan = loan;
  }

  /** False for what is not the end of this loan. */
  takeBack(how: unknown): boolean {
    if (!isGivenBack(how) || how.requestId !== this.#loan.request.id || this.#back !== undefined) return false;
    this.#back = how;
    return true;
  }

  /**
   * Wait until the guest is given back, or its borrower is gone without a word. Nothing ends the wait before: the borrower may be at work on z/VM,
   * and only then can its steps be rolled back.
   */
  wait(): Promise<TakenBack> {
    return CancellationScope.nonCancellable(async () => {
      const { request, borrower } = this.#loan;
      const requestId = request.id;
      // A borrower that is gone without a word may have begun.
      const how = (await this.#word()) ?? { kind: 'begun', requestId };
      if (how.kind !== 'begun') return how;
      const planned = await lending(request).recallPlan({ borrower, requestId });
      return planned === undefined ? { kind: 'untouched', requestId } : { kind: 'begun', planned };
    });
  }

  async #word(): Promise<GivenBack | undefined> {
    const { request, borrower } = this.#loan;
    for (let pause = FIRST_LOOK_MS; this.#back === undefined; pause = Math.min(LONGEST_LOOK_MS, 2 * pause)) {
      const isBack = await condition(() => this.#back !== undefined, pause);
      if (!isBack && !(await lending(request).isLent(borrower))) break;
    }
    return this.#back;
  }
}
