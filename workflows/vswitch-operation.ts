import {
  isCancellation,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  sleep,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import type { VswitchStep } from '../network/vswitch-plan.ts';
import { vswitchSentence } from '../network/vswitch-sentence.ts';
import { ZVM_OUTCOME, ZVM_VSWITCH } from '../temporal-config/search-attributes.ts';
import { isRetryable, reasonOf, vswitchFailed } from './failures.ts';
import { findable } from './findable.ts';
import type { HostActivities, VswitchChange } from './host-activities.ts';
import { accepting, checked, outcomeOf } from './operation.ts';

/** What a VSWITCH operation answers. */
export type VswitchOperationResult = {
  /** False when everything was so already, and after a dry run. */
  changed: boolean;
  dryRun?: boolean;
  /** What was done, or would be. */
  steps: string[];
};

const LONGEST_CALL = '30 minutes';
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/** Read the VSWITCH, change what differs, and read again until nothing does. */
export async function operateOnVswitch(kind: VswitchChange['kind'], input: unknown): Promise<VswitchOperationResult> {
  const request = await checked(() => accepting().acceptVswitchChange({ kind, input }));
  const { change, summary, giveUpAfterMinutes, dryRun } = request;
  findable(change.host, undefined);
  upsertSearchAttributes([{ key: ZVM_VSWITCH, value: [change.vswitch] }]);
  setCurrentDetails(summary);
  try {
    const deadline = Date.now() + giveUpAfterMinutes * 60_000;
    const steps = await converge(change, deadline, dryRun);
    const changed = steps.length > 0 && !dryRun;
    upsertSearchAttributes([{ key: ZVM_OUTCOME, value: changed ? 'changed' : 'unchanged' }]);
    const told = steps.length > 0 ? steps : ['nothing to do: it is so already'];
    setCurrentDetails(
      `${summary}: ${dryRun ? 'to be done' : 'done'}.\n\n${told.map((step) => `- ${step}`).join('\n')}`,
    );
    return { changed, ...(dryRun ? { dryRun } : {}), steps: told };
  } catch (error) {
    const outcome = outcomeOf(error);
    upsertSearchAttributes([{ key: ZVM_OUTCOME, value: outcome }]);
    setCurrentDetails(`${summary}: ${outcome}.\n\n${reasonOf(error)}`);
    throw error;
  }
}

async function converge(change: VswitchChange, deadline: number, dryRun: boolean): Promise<string[]> {
  const done: string[] = [];
  let pause = FIRST_PAUSE_MS;
  for (;;) {
    try {
      const steps = await reading(`read VSWITCH ${change.vswitch} and compare`).planVswitch(change);
      if (dryRun || steps.length === 0) return dryRun ? steps.map(announced) : done;
      await changing(steps.map(vswitchSentence).join('; ')).applyVswitch({ host: change.host, steps });
      done.push(...steps.map(vswitchSentence));
      pause = FIRST_PAUSE_MS;
    } catch (error) {
      if (isCancellation(error) || outcomeOf(error) === 'refused') throw error;
      if (!isRetryable(error) || Date.now() + pause >= deadline) throw vswitchFailed(change, error);
      await sleep(pause, { summary: `try again: ${reasonOf(error)}`.slice(0, 190) });
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    }
  }
}

function announced(step: VswitchStep): string {
  return `${vswitchSentence(step)}${step.disturbs ? ' (interrupts the NICs on it)' : ''}`;
}

function reading(summary: string): Pick<HostActivities, 'planVswitch'> {
  return proxyLocalActivities<HostActivities>({
    summary,
    startToCloseTimeout: LONGEST_CALL,
    retry: { maximumAttempts: 1 },
  });
}

function changing(summary: string): Pick<HostActivities, 'applyVswitch'> {
  return proxyActivities<HostActivities>({
    summary,
    startToCloseTimeout: LONGEST_CALL,
    heartbeatTimeout: '10 seconds',
    retry: { maximumAttempts: 1 },
  });
}
