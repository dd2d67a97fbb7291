import { CancelledFailure } from '@temporalio/common';
import { CancellationScope, proxyActivities } from '@temporalio/workflow';
import { defined } from '../domain/defined.ts';
import type { QuestionOutcome } from '../domain/probe/course.ts';
import { factsText } from '../domain/probe/question.ts';
import { recordOf } from '../domain/probe/record.ts';
import type { PlannedQuestion, ProbePlan, ProbeReport } from '../domain/probe/report.ts';
import { CALL_TO_TEMPORAL, reading, writeActivities } from './activity-proxies.ts';
import { isHeld, operationFailed, troubleOf } from './failures.ts';
import type { RequestOutcome, RequestResult } from './guest-queue-messages.ts';
import type { HostActivities, Target, WaitingPlan } from './host-activities.ts';
import { showProgress } from './progress.ts';
import {
  dryRunOf,
  isRequestFailure,
  type NotYet,
  type ProbeWork,
  type RequestWork,
  type WorkContext,
} from './request-work.ts';
import { failed, outcomeOfFailure, retriedUntilDeadline, targetOf } from './retried-request.ts';
import { pauseBeforeRetry } from './run-visibility.ts';

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
/** The way back is tried for so long; an operator has to see to what is left then. */
const RESTORE_MINUTES = 60;

/**
 * Ask z/VM questions on an expendable guest, one activity each, and put everything back. The questions end at the first surprise, at a permanent
 * failure, at the deadline, and when the operation is cancelled; the way back follows all of these, and the death of a worker.
 */
export async function probeGuest(work: RequestWork, context: WorkContext): Promise<RequestOutcome | NotYet> {
  const run = new ProbeRun(work, context);
  try {
    if (work.probe === undefined) {
      const { waiting, ...plan } = await run.plan();
      const result = resultOf(plan.questions.map(announced));
      if (work.request.dryRun) return { kind: 'done', result };
      if (waiting !== undefined)
        return { kind: 'awaits', wait: waiting.wait, result: { ...result, plan: waiting.plan, effect: 'changes' } };
      work.probe = { plan, outcomes: [] };
    }
    await run.askAll(work.probe);
  } catch (error) {
    // Anything else is a defect of this program, or the next run of the guest goes on.
    if (!isRequestFailure(error)) throw error;
    if (isHeld(error) && work.probe === undefined) return { kind: 'held', failure: error };
    const { probe } = work;
    const left = probe === undefined ? [] : await CancellationScope.nonCancellable(() => run.restore(probe));
    return run.endedBy(error, left);
  }
  const { probe } = work;
  const left = await CancellationScope.nonCancellable(() => run.restore(probe));
  if (left.length > 0) return run.notRestored(left);
  const report = reportOf(probe);
  await CancellationScope.nonCancellable(() => run.keep(report));
  return {
    kind: 'done',
    result: { ...resultOf(probe.outcomes.map((outcome) => lineOf(probe, outcome))), probe: report },
  };
}

class ProbeRun {
  readonly #work: RequestWork;
  readonly #context: WorkContext;

  constructor(work: RequestWork, context: WorkContext) {
    this.#work = work;
    this.#context = context;
  }

  plan(): Promise<ProbePlan & { waiting?: WaitingPlan }> {
    const { change, asks } = this.#work.request;
    if (change.kind !== 'probe') throw new Error(`${change.kind} is no probe`);
    const what = `read ${this.#context.userid} and choose the scene`;
    return retriedUntilDeadline(this.#work, this.#context, what, (summary) =>
      reading(summary).planProbe({ ...this.#target(), change, ...defined({ asks }), ...dryRunOf(this.#work.request) }),
    );
  }

  async askAll(probe: ProbeWork): Promise<void> {
    const { plan, outcomes } = probe;
    for (const { id, asks } of plan.questions.slice(outcomes.length)) {
      this.#context.checkHistory();
      this.#show('asks z/VM', probe, asks);
      const outcome = await retriedUntilDeadline(this.#work, this.#context, asks, (summary) =>
        writeActivities(summary).askProbe({ ...this.#target(), plan, question: id, outcomes }),
      );
      // The question that was under way has been asked to its end.
      if (CancellationScope.current().consideredCancelled) throw new CancelledFailure('the probe was cancelled');
      outcomes.push(outcome);
      if (outcome.kind === 'surprise') return;
    }
  }

  /** Put all back; answers what is left, as sentences. */
  async restore(probe: ProbeWork): Promise<string[]> {
    const what = 'put everything back';
    this.#show('puts everything back', probe);
    let deadline = Date.now() + RESTORE_MINUTES * 60_000;
    // The operation may have ended: its end stops nothing here.
    const { operation: _operation, ...target } = this.#target();
    let pause = FIRST_PAUSE_MS;
    for (;;) {
      let held: unknown;
      const left = await writeActivities(what)
        .restoreProbe({ ...target, plan: probe.plan })
        .catch((error: unknown) => {
          if (isHeld(error)) held = error;
          return [troubleOf(error, what).reason];
        });
      if (held !== undefined) {
        deadline += await this.#context.awaitRelease(held);
        continue;
      }
      if (left.length === 0 || Date.now() + pause >= deadline) return left;
      await pauseBeforeRetry(pause, left.join('; '));
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    }
  }

  async keep({ record }: ProbeReport): Promise<void> {
    const { keepAnswers } = proxyActivities<HostActivities>({
      summary: 'remember the answers',
      startToCloseTimeout: CALL_TO_TEMPORAL,
    });
    await keepAnswers({ host: this.#context.host, record });
  }

  endedBy(error: unknown, left: readonly string[]): RequestOutcome {
    if (left.length > 0) return this.notRestored(left);
    return outcomeOfFailure(error, this.#context, 'probe', this.#work.probe === undefined ? 'nothing' : 'undone');
  }

  notRestored(left: readonly string[]): RequestOutcome {
    const { host, userid } = this.#context;
    const advice = `put ${userid} right by hand before it is used again`;
    const step = 'put everything back';
    return failed(
      operationFailed(
        'StepFailed',
        { host, userid, portIds: [], step, reason: left.join('; '), advice, done: [] },
        'left',
      ),
    );
  }

  #target(): Target {
    return targetOf(this.#work, this.#context);
  }

  #show(state: string, probe: ProbeWork, now?: string): void {
    const { host, userid } = this.#context;
    const done = probe.outcomes.map((outcome) => lineOf(probe, outcome));
    showProgress({
      subject: `${userid} on ${host}`,
      state,
      lists: { ...(now === undefined ? {} : { now: [now] }), done },
    });
  }
}

/** Nothing has changed when a probe ends. */
function resultOf(steps: string[]): RequestResult {
  const found = { portIds: [], vswitches: [], vlans: [] };
  return { changed: false, ports: [], refused: [], liveVdevs: [], steps, found };
}

function announced({ asks, does, why }: PlannedQuestion): string {
  return why === undefined ? `${asks} The probe ${does}` : `${asks} Not asked: ${why}`;
}

function lineOf({ plan }: ProbeWork, outcome: QuestionOutcome): string {
  const id = outcome.kind === 'answered' ? outcome.answer.question : outcome.question;
  const asks = asksOf(plan, id);
  if (outcome.kind === 'answered') return `${asks} ${outcome.answer.says}`;
  return outcome.kind === 'notAsked'
    ? `${asks} Not asked: ${outcome.why}`
    : `${asks} A surprise: ${factsText(outcome.facts)}`;
}

function asksOf({ questions }: ProbePlan, id: PlannedQuestion['id']): string {
  return questions.find((question) => question.id === id)?.asks ?? id;
}

function reportOf({ plan, outcomes }: ProbeWork): ProbeReport {
  const { scene, level } = plan;
  const answers = outcomes.flatMap((each) => (each.kind === 'answered' ? [each.answer] : []));
  const surprise = outcomes.find((each) => each.kind === 'surprise');
  return {
    ...{ userid: scene.userid, vswitch: scene.vswitch, level },
    answers: answers.map((answer) => ({ ...answer, asks: asksOf(plan, answer.question) })),
    notAsked: outcomes.flatMap((each) =>
      each.kind === 'notAsked' ? [{ question: each.question, why: each.why, asks: asksOf(plan, each.question) }] : [],
    ),
    ...(surprise === undefined
      ? {}
      : {
          surprise: {
            question: surprise.question,
            asks: asksOf(plan, surprise.question),
            saw: factsText(surprise.facts),
          },
        }),
    record: recordOf(level, answers, new Date(Date.now()).toISOString()),
  };
}
