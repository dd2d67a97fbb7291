import { isCancellation, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { defined } from '../domain/defined.ts';
import type { Effect } from '../domain/operations/results.ts';
import { effectOf } from '../domain/planning/steps.ts';
import type { Consent, PolicyQuestion } from '../domain/policy/verdict.ts';
import type { FormerVswitch } from '../domain/vswitch/vswitch.ts';
import { RECONCILE_PREFIX } from '../temporal-config/names.ts';
import { ZVM_OUTCOME } from '../temporal-config/search-attributes.ts';
import type { Approvals } from './approval.ts';
import { callerOfRun } from './caller.ts';
import {
  applicationFailureOf,
  heldBy,
  hostFailed,
  isHeld,
  isRetryable,
  reasonOf,
  refusedAt,
  requestedPause,
  sayTrouble,
  troubleOf,
} from './failures.ts';
import type { HostPlan } from './host-activities.ts';
import { outcomeOf } from './operation.ts';
import { showProgress } from './progress.ts';
import { Releases } from './releases.ts';
import { pauseBeforeRetry, retriedUntil } from './run-visibility.ts';

/** The result of an operation on a host, not on one guest. */
export type HostOperationResult = {
  /** False when everything was so already, and after a dry run. */
  changed: boolean;
  dryRun?: boolean;
  /** The effect of a dry run's plan. */
  effect?: Effect;
  /** The steps that were done, or would be. */
  steps: string[];
  /** The VSWITCH that was changed, as it was before. */
  before?: FormerVswitch;
};

type HostOperation<Step> = {
  where: { host: string; vswitch?: string };
  summary: string;
  giveUpAfterMinutes: number;
  dryRun: boolean;
  approving: Approvals;
  /** Read and compare; fails permanently with `Refused`. */
  plan(asks: PolicyQuestion): Promise<HostPlan<Step>>;
  apply(steps: Step[]): Promise<unknown>;
  sentence(step: Step): string;
  /** Said when no step is needed. */
  nothing?(): string;
};

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/** Read, plan and apply until nothing differs. */
export async function operateOnHost<Step extends { disturbs: boolean }>(
  operation: HostOperation<Step>,
): Promise<HostOperationResult> {
  const { summary, dryRun, nothing = () => 'nothing to do' } = operation;
  showProgress({ subject: summary, state: 'in progress' });
  try {
    const { steps, effect } = await converge(operation);
    const changed = steps.length > 0 && !dryRun;
    upsertSearchAttributes([{ key: ZVM_OUTCOME, value: dryRun ? 'planned' : changed ? 'changed' : 'unchanged' }]);
    const told = steps.length > 0 ? steps : [nothing()];
    const lists = dryRun ? { planned: told } : { done: told };
    showProgress({ subject: summary, state: dryRun ? 'to be done' : 'done', lists });
    return { changed, ...(dryRun ? { dryRun, effect } : {}), steps: told };
  } catch (error) {
    const outcome = outcomeOf(error);
    upsertSearchAttributes([{ key: ZVM_OUTCOME, value: outcome }]);
    showProgress({ subject: summary, state: outcome, reason: reasonOf(error) });
    throw error;
  }
}

async function converge<Step extends { disturbs: boolean }>(
  operation: HostOperation<Step>,
): Promise<{ steps: string[]; effect: Effect }> {
  const { apply, sentence, dryRun, where, summary, giveUpAfterMinutes } = operation;
  const releases = new Releases();
  let deadline = Date.now() + giveUpAfterMinutes * 60_000;
  let consent: Consent | undefined;
  let hasBegun = false;
  const done: string[] = [];
  let pause = FIRST_PAUSE_MS;
  for (;;) {
    try {
      const { steps, plan, wait } = await operation.plan({ caller: callerOfRun(), ...defined({ consent }) });
      const planned = steps.map((step) => announced(step, sentence));
      const effect = effectOf(steps);
      if (dryRun || steps.length === 0) return { steps: dryRun ? planned : done, effect };
      // A plan that was begun is carried out to its end.
      if (wait !== undefined && !hasBegun) {
        consent = (await operation.approving.wait({ summary, plan, effect, steps: planned, wait })) ?? consent;
        deadline = Date.now() + giveUpAfterMinutes * 60_000;
        continue;
      }
      hasBegun = true;
      await apply(steps);
      done.push(...steps.map(sentence));
      pause = FIRST_PAUSE_MS;
    } catch (error) {
      if (isCancellation(error)) throw error;
      const failure = applicationFailureOf(error);
      if (failure?.type === 'Refused') throw refusedAt(failure, where);
      if (isHeld(error)) {
        deadline += await untilReleased(releases, summary, error);
        hasBegun = done.length > 0;
        continue;
      }
      if (!isRetryable(error) || Date.now() + pause >= deadline) throw hostFailed(where, summary, error);
      const trouble = troubleOf(error, summary);
      showProgress({
        ...{ subject: summary, state: retriedUntil(deadline) },
        reason: sayTrouble('transient', trouble),
      });
      await pauseBeforeRetry(pause, trouble.reason);
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    }
  }
}

/** The result of work that a hold stops; it begins again at each release. */
export async function onceReleased<Result>(
  releases: Releases,
  subject: string,
  work: () => Promise<Result>,
): Promise<Result> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isHeld(error)) throw error;
      await untilReleased(releases, subject, error);
    }
  }
}

/**
 * Wait until the host is released; answers how long that took, in milliseconds. Throws the failure in a repair, for which its reconciliation waits: a
 * later one tries again.
 */
async function untilReleased(releases: Releases, subject: string, held: unknown): Promise<number> {
  if (workflowInfo().parent?.workflowId.startsWith(RECONCILE_PREFIX) === true) throw held;
  const since = Date.now();
  showProgress({ subject, state: `waits for the release of the host: ${heldBy(held)}` });
  await releases.wait(requestedPause(held));
  showProgress({ subject, state: 'in progress' });
  return Date.now() - since;
}

function announced<Step extends { disturbs: boolean }>(step: Step, sentence: (step: Step) => string): string {
  return `${sentence(step)}${step.disturbs ? ' (interrupts its NICs)' : ''}`;
}
