import { ApplicationFailure } from '@temporalio/common';
import { isCancellation, proxyLocalActivities, setCurrentDetails } from '@temporalio/workflow';
import type { Desired } from '../network/desired.ts';
import { type FollowUp, owedAfter } from '../network/follow-ups.ts';
import { headline, type Step, sentence } from '../network/steps.ts';
import type { Vdev } from '../network/vdev.ts';
import { changing, LONGEST_STAGE } from './changing.ts';
import {
  applicationFailureOf,
  doneBefore,
  forGood,
  hasLostAnswer,
  isRetryable,
  isUnauthorised,
  operationFailed,
  sayTrouble,
  troubleOf,
} from './failures.ts';
import type { HostActivities, Progress, Target } from './host-activities.ts';
import { pausing, triedAgain } from './pausing.ts';
import { progress as progressOf } from './progress.ts';

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/** How a guest is brought somewhere. */
type Manner = {
  /** The ports that failures name. */
  portIds: readonly string[];
  /** Milliseconds of Unix time: nothing is tried again after it. */
  deadline: number;
  /** What was done stays when it fails. */
  keeps: boolean;
  /** Steps take the guest back. */
  undoing: boolean;
  /** Told each time that something else fails for now. */
  tell(how: string): Promise<void>;
};

/** One guest on its way to a desired state, until a deadline. */
export class Converging {
  /** What was done, as sentences. */
  readonly done: string[] = [];
  /** What has to follow steps that may have been carried out. */
  owed: FollowUp[] = [];
  readonly target: Target;
  private readonly manner: Manner;
  private pause = FIRST_PAUSE_MS;
  private told = '';
  /** Steps may have been carried out. */
  private touched = false;

  constructor(target: Target, manner: Manner) {
    this.target = target;
    this.manner = manner;
  }

  /** Run the plan and plan again until nothing is left; answers the NICs that are live then. */
  async converge(desired: Desired, first?: Progress): Promise<Vdev[]> {
    let progress = first ?? (await this.planTowards(desired));
    let accepted = new Set<string>();
    while (progress.steps.length > 0) {
      const { steps } = progress;
      // DirMaint may carry a change out later (SMAPI 592): it is given time, and looked for once more before it is asked for again.
      const isAccepted = steps.every((step) => accepted.has(sentence(step)));
      accepted = new Set();
      if (isAccepted) {
        await this.pauseAfter(notShownYet(), headline(steps, 2));
        progress = await this.planTowards(desired);
        continue;
      }
      let unheard: string[] = [];
      this.touched = true;
      this.show(steps);
      try {
        const reports = await changing(this.said(headline(steps))).applySteps({ ...this.target, steps });
        this.done.push(...reports.map(({ step }) => step));
        // DirMaint carries some out later: what follows them waits too.
        this.owed = reports.length < steps.length ? this.owedWith(steps) : [];
        accepted = new Set(reports.map(({ step }) => step));
      } catch (error) {
        this.owed = this.owedWith(steps);
        const told = doneBefore(error);
        this.done.push(...told);
        if (hasLostAnswer(error)) unheard = steps.map(sentence).filter((step) => !told.includes(step));
        await this.pauseAfter(error, headline(steps, 2));
      }
      progress = await this.planTowards(desired);
      // What is not to be done any more was done, though nobody heard of it.
      const left = progress.steps.map(sentence);
      this.done.push(...unheard.filter((step) => !left.includes(step)));
    }
    return progress.liveVdevs;
  }

  /** Try a reading until it works, fails for good, or the operation's time is over. */
  async whileItHelps<Result>(what: string, attempt: (summary: string) => Promise<Result>): Promise<Result> {
    for (;;) {
      try {
        return await attempt(this.said(what));
      } catch (error) {
        await this.pauseAfter(error, what);
      }
    }
  }

  private owedWith(steps: readonly Step[]): FollowUp[] {
    return [...new Set([...this.owed, ...owedAfter(steps)])];
  }

  private planTowards(desired: Desired): Promise<Progress> {
    return this.whileItHelps(`read ${this.target.userid} again and compare`, (summary) =>
      reading(summary).planTowards({ ...this.target, desired, ...(this.owed.length === 0 ? {} : { owed: this.owed }) }),
    );
  }

  /** Wait before the next try; throws when another one cannot help, or there is no time left for it. */
  private async pauseAfter(error: unknown, what: string): Promise<void> {
    const { host, userid } = this.target;
    const failure = applicationFailureOf(error);
    if (isCancellation(error) || failure?.type === 'Refused' || failure?.type === 'Taken') throw error;
    const trouble = troubleOf(error, what);
    const isForNow = isRetryable(error) || ((this.touched || this.manner.undoing) && isUnauthorised(error));
    if (!isForNow || Date.now() + this.pause >= this.manner.deadline) {
      const report = { host, userid, portIds: this.manner.portIds, ...forGood(trouble), done: [...this.done] };
      const aftermath = this.touched ? (this.manner.keeps ? 'kept' : 'left') : 'nothing';
      throw operationFailed(isForNow ? 'GaveUp' : 'StepFailed', report, aftermath);
    }
    const reason = sayTrouble('forNow', trouble);
    const state = this.said(triedAgain(this.manner.deadline));
    setCurrentDetails(progressOf({ host, userid, state, reason, lists: { Done: this.done } }));
    if (reason !== this.told) await this.manner.tell(`${state}. ${reason}`);
    this.told = reason;
    await pausing(this.pause, trouble.reason);
    this.pause = Math.min(this.pause * 2, LONGEST_PAUSE_MS);
  }

  private said(what: string): string {
    return this.manner.undoing ? `undo: ${what}` : what;
  }

  private show(steps: readonly Step[]): void {
    const { host, userid } = this.target;
    const state = this.manner.undoing ? 'is being taken back to where it was' : 'is being changed';
    setCurrentDetails(progressOf({ host, userid, state, lists: { Now: steps.map(announced), Done: this.done } }));
  }
}

function notShownYet(): ApplicationFailure {
  return ApplicationFailure.retryable('z/VM has taken the steps, but does not show them yet', 'StepFailed');
}

/** The step before it is done, with what it costs. */
export function announced(step: Step): string {
  return `${sentence(step)}${step.disturbs ? ' (interrupts the NIC)' : ''}`;
}

/** Readings change nothing: they run within the workflow task, which spares the server two tasks each. */
export function reading(summary: string): Pick<HostActivities, 'planChange' | 'planTowards'> {
  return proxyLocalActivities<HostActivities>(once(summary));
}

export function once(summary: string) {
  return { summary, startToCloseTimeout: LONGEST_STAGE, retry: { maximumAttempts: 1 } };
}
