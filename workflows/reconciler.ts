import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { CancellationScope, isCancellation } from '@temporalio/workflow';
import type { Desired } from '../domain/guest/desired.ts';
import { followUpsOf } from '../domain/guest/follow-ups.ts';
import { stepId } from '../domain/planning/step-id.ts';
import { type GuestStepReport, headline, type Step, sentence } from '../domain/planning/steps.ts';
import type { Vdev } from '../domain/port/vdev.ts';
import { reading, writeActivities } from './activity-proxies.ts';
import {
  doneBefore,
  endsRequest,
  hasLostAnswer,
  isHeld,
  isRetryable,
  isUnauthorised,
  operationFailed,
  permanently,
  possiblyDone,
  requestedPause,
  sayTrouble,
  troubleOf,
} from './failures.ts';
import type { AppliedSteps, Progress, Target } from './host-activities.ts';
import { isRightShown, onOtherVlans, refusedAllTheSame, refusedCoupling } from './overridden-access.ts';
import { showProgress } from './progress.ts';
import { pauseBeforeRetry, retriedUntil } from './run-visibility.ts';

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
/** So often may z/VM answer "so already" to a step that a reading shows as not done: then something else is in its way. */
const MOST_CONTRADICTIONS = 3;
/** So often is a NIC coupled that is on other VLANs afterwards. */
const MOST_COUPLINGS = 2;
/** So often may z/VM refuse a coupling whose right a reading shows: in that minute of growing pauses DirMaint brings an entry online. */
const MOST_REFUSALS = 6;
/** First pause after such an answer, doubled each time: only DirMaint or an administrator can make it true. */
const CONTRADICTED_PAUSE_MS = 10_000;

/** A guest's progress towards a desired state: the state that the next run of the guest continues from. */
export type ReconcilerState = {
  /** Milliseconds of Unix time: nothing is tried again after it. */
  deadline: number;
  /** Steps that were carried out, as sentences. */
  done: string[];
  /** Steps that were or may have been carried out. */
  touched: Step[];
  /** Steps that no reading shows as missing, and that may not have been carried out. */
  followUps: Step[];
  pauseMs: number;
  /** Steps that z/VM accepted in the previous round, and those of them that it reported as done already. */
  taken: string[];
  contradicted: string[];
  contradictions: number;
  /** How often each NIC was coupled, and z/VM said other VLANs of it afterwards. */
  wrongVlans?: Record<string, number>;
  /** How often z/VM refused each NIC whose right the reading after it showed. */
  refusals?: Record<string, number>;
};

/** A reconciler's state at the beginning of its way; it gives up at `deadline`, in milliseconds of Unix time. */
export function firstState(deadline: number): ReconcilerState {
  return {
    ...{ deadline, done: [], touched: [], followUps: [], pauseMs: FIRST_PAUSE_MS },
    ...{ taken: [], contradicted: [], contradictions: 0 },
  };
}

/** The ways in which a guest is brought to a state. */
export type ReconcilerOptions = {
  /** The ports that failures name. */
  portIds: readonly string[];
  /** Steps that were carried out stay after a failure. */
  keepsSteps: boolean;
  isRollback: boolean;
  /** Called each time that another trouble is waited out. */
  report(trouble: string): Promise<void>;
  /** Throws when the guest's next run has to go on: called before each pause. */
  checkHistory(): void;
  /** Wait until the host is released, as the failure tells it; answers how long that took, in milliseconds. */
  awaitRelease(held: unknown): Promise<number>;
};

/** Brings one guest to a desired state, until a deadline: plan, apply, read again, until nothing is left. */
export class Reconciler {
  readonly state: ReconcilerState;
  readonly #target: Target;
  readonly #options: ReconcilerOptions;
  #reported = '';

  constructor(target: Target, state: ReconcilerState, options: ReconcilerOptions) {
    this.#target = target;
    this.state = state;
    this.#options = options;
  }

  /**
   * Carry out the plan, and plan again until nothing is left; answers the NICs that are live then. `applied` is what came of the first plan, where
   * the activity that made it has carried it out too.
   */
  async converge(desired: Desired, first?: Progress, applied?: Promise<AppliedSteps>): Promise<Vdev[]> {
    let progress = first ?? (await this.#planTowards(desired));
    let firstRound = applied;
    while (progress.steps.length > 0) {
      const { steps } = progress;
      // DirMaint may carry a change out later (SMAPI 592): one more reading precedes the next request for it.
      const isAwaited = steps.every((step) => this.state.taken.includes(stepId(step)));
      this.state.taken = [];
      if (isAwaited) {
        await this.#pauseAfter(notShownYet(), headline(steps, 2));
        progress = await this.#planTowards(desired);
      } else {
        progress = await this.#round(desired, progress, firstRound);
        firstRound = undefined;
      }
    }
    return progress.liveVdevs;
  }

  /** Try a reading until it succeeds, fails permanently, or the request's time is over. */
  async retried<Result>(what: string, attempt: (summary: string) => Promise<Result>): Promise<Result> {
    for (;;) {
      try {
        return await attempt(this.#said(what));
      } catch (error) {
        await this.#pauseAfter(error, what);
      }
    }
  }

  async #round(
    desired: Desired,
    { steps, readAt }: Progress,
    begun: Promise<AppliedSteps> | undefined,
  ): Promise<Progress> {
    let unheard: Step[] = [];
    let reports: GuestStepReport[] = [];
    let after: Progress | undefined;
    let trouble: unknown;
    this.#show(steps);
    const before = this.state.followUps;
    this.state.followUps = followUpsOf([...before, ...steps]);
    try {
      const applied = await (begun ??
        writeActivities(this.#said(headline(steps)), this.#target.batch).applySteps({
          ...this.#target,
          ...{ steps, desired, readAt, followUps: before },
        }));
      reports = applied.reports;
      after = applied.after;
      if (applied.isOutdated) this.state.followUps = before;
      else if (reports.length >= steps.length) this.state.followUps = [];
      this.#touch(
        named(
          steps,
          reports.map(({ id }) => id),
        ),
      );
    } catch (error) {
      const done = doneBefore(error);
      reports = named(steps, done).map(doneReport);
      if (hasLostAnswer(error)) unheard = steps.filter((step) => !done.includes(stepId(step)));
      this.#touch(hasLostAnswer(error) ? steps : named(steps, [...done, ...possiblyDone(error)]));
      trouble = error;
    }
    this.state.done.push(...reports.map(({ step }) => step));
    this.state.taken = reports.map(({ id }) => id);
    throwIfCancelled();
    if (trouble !== undefined) await this.#pauseAfter(trouble, headline(steps, 2));
    const next = after ?? (await this.#planTowards(desired));
    const left = new Set(next.steps.map(stepId));
    // A step that is no longer planned was carried out, though its answer was lost.
    this.state.done.push(...unheard.filter((step) => !left.has(stepId(step))).map(sentence));
    if (trouble !== undefined) await this.#weighRefusal(trouble, steps, next);
    await this.#weighVlans(steps, reports, next);
    if (trouble === undefined) await this.#weigh(steps, reports, next);
    return next;
  }

  /** A NIC that z/VM keeps refusing, whatever it shows of its right, is refused by something else: neither a grant nor time can help. */
  async #weighRefusal(trouble: unknown, steps: readonly Step[], next: Progress): Promise<void> {
    const refused = refusedCoupling(trouble, steps);
    if (refused === undefined || !isRightShown(refused, next.steps)) return;
    const times = (this.state.refusals?.[refused.vdev] ?? 0) + 1;
    this.state.refusals = { ...this.state.refusals, [refused.vdev]: times };
    if (times >= MOST_REFUSALS) await this.#pauseAfter(refusedAllTheSame(refused, times), sentence(refused));
  }

  /** A NIC that is on other VLANs after each of two couplings stays so: something else has the last word on z/VM. */
  async #weighVlans(
    steps: readonly Step[],
    reports: readonly GuestStepReport[],
    { wrongVlans = [] }: Progress,
  ): Promise<void> {
    const done = reports.map(({ id }) => id);
    for (const step of steps) {
      if (step.kind !== 'ensureCoupled' || !done.includes(stepId(step))) continue;
      const wrong = wrongVlans.find(({ vdev }) => vdev === step.vdev);
      if (wrong === undefined) continue;
      const times = (this.state.wrongVlans?.[wrong.vdev] ?? 0) + 1;
      this.state.wrongVlans = { ...this.state.wrongVlans, [wrong.vdev]: times };
      if (times >= MOST_COUPLINGS) await this.#pauseAfter(onOtherVlans(step, wrong), sentence(step));
    }
  }

  /** Pause after a round without effect in the next reading; some answers are permanent failures. */
  async #weigh(steps: readonly Step[], reports: readonly GuestStepReport[], next: Progress): Promise<void> {
    const left = new Set(next.steps.map(stepId));
    const isProgress = steps.some((step) => !left.has(stepId(step)));
    const contradicted = reports.filter(({ id, isAlready }) => isAlready && left.has(id));
    const [first] = contradicted;
    if (first !== undefined) {
      this.state.contradictions += 1;
      this.state.taken = [];
      this.state.pauseMs = Math.max(this.state.pauseMs, CONTRADICTED_PAUSE_MS);
      const isPermanent = this.state.contradictions >= MOST_CONTRADICTIONS;
      await this.#pauseAfter(somethingElseThere(first, isPermanent), first.step);
      return;
    }
    this.state.contradictions = 0;
    if (isProgress || next.steps.length === 0) {
      this.state.pauseMs = FIRST_PAUSE_MS;
      return;
    }
    // The loop waits for steps that z/VM accepted.
    if (next.steps.every((step) => this.state.taken.includes(stepId(step)))) return;
    await this.#pauseAfter(notShownYet(), headline(next.steps, 2));
  }

  #touch(steps: readonly Step[]): void {
    const known = new Set(this.state.touched.map(stepId));
    this.state.touched.push(...steps.filter((step) => !known.has(stepId(step))));
  }

  #planTowards(desired: Desired): Promise<Progress> {
    const { followUps } = this.state;
    return this.retried(`read and compare ${this.#target.userid}`, (summary) =>
      reading(summary, this.#target.batch).planTowards({
        ...this.#target,
        desired,
        ...(followUps.length === 0 ? {} : { followUps }),
      }),
    );
  }

  /** Wait before the next try; throws when another one cannot help, or there is no time left for it. */
  async #pauseAfter(error: unknown, what: string): Promise<void> {
    const { host, userid } = this.#target;
    const { state } = this;
    if (isCancellation(error) || endsRequest(error)) throw error;
    const trouble = troubleOf(error, what);
    const isBegun = state.touched.length > 0 || this.#options.isRollback;
    if (isHeld(error)) {
      // Nothing was touched: the request goes back into the queue, and dry runs go before it.
      if (!isBegun) throw error;
      this.#options.checkHistory();
      state.deadline += await this.#options.awaitRelease(error);
      return;
    }
    const isTransient = isRetryable(error) || (isBegun && isUnauthorised(error));
    const pause = Math.max(state.pauseMs, requestedPause(error));
    if (!isTransient || Date.now() + pause >= state.deadline) {
      const report = { host, userid, portIds: this.#options.portIds, ...permanently(trouble), done: [...state.done] };
      const outcome = state.touched.length > 0 ? (this.#options.keepsSteps ? 'kept' : 'left') : 'nothing';
      throw operationFailed(isTransient ? 'DeadlineExceeded' : 'StepFailed', report, outcome);
    }
    const reason = sayTrouble('transient', trouble);
    const standing = this.#said(retriedUntil(state.deadline));
    showProgress({ subject: `${userid} on ${host}`, state: standing, reason, lists: { done: [...state.done] } });
    if (reason !== this.#reported) await this.#options.report(`${standing}. ${reason}`);
    this.#reported = reason;
    this.#options.checkHistory();
    await pauseBeforeRetry(pause, trouble.reason);
    state.pauseMs = Math.min(state.pauseMs * 2, LONGEST_PAUSE_MS);
  }

  #said(what: string): string {
    return this.#options.isRollback ? `roll back: ${what}` : what;
  }

  #show(steps: readonly Step[]): void {
    const { host, userid } = this.#target;
    const state = this.#options.isRollback ? 'is being rolled back' : 'is being changed';
    showProgress({
      ...{ subject: `${userid} on ${host}`, state },
      lists: { now: steps.map(announced), done: [...this.state.done] },
    });
  }
}

/** Throws when the cancellation arrived during the last steps. */
function throwIfCancelled(): void {
  if (CancellationScope.current().consideredCancelled) throw new CancelledFailure('the operation withdrew the request');
}

function named(steps: readonly Step[], ids: readonly string[]): Step[] {
  return steps.filter((step) => ids.includes(stepId(step)));
}

function doneReport(step: Step): GuestStepReport {
  return { id: stepId(step), step: sentence(step), answer: 'done', isAlready: false };
}

function notShownYet(): ApplicationFailure {
  return ApplicationFailure.retryable('z/VM accepted the steps, but does not show them yet', 'StepFailed');
}

/** z/VM calls a step done already, and a reading shows that it is not: another device or definition has its place. */
function somethingElseThere({ step }: GuestStepReport, isPermanent: boolean): ApplicationFailure {
  const reason =
    'z/VM reports the step as done already, but a reading shows that it is not: another device or definition has the number';
  const advice =
    'find the device or definition with that number (QUERY VIRTUAL on the guest, its directory entry) and remove it, or choose another vdev';
  return ApplicationFailure.create({
    type: 'StepFailed',
    message: reason,
    nonRetryable: isPermanent,
    details: [{ code: 'smapi', operation: step, reason, advice }],
  });
}

/** The sentence of a planned step, with its interruption. */
export function announced(step: Step): string {
  return `${sentence(step)}${step.disturbs ? ' (interrupts the NIC)' : ''}`;
}
