import { ApplicationFailure } from '@temporalio/common';
import {
  CancellationScope,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  sleep,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import type { Desired, DesiredPort } from '../network/desired.ts';
import type { Userid } from '../network/identifiers.ts';
import type { Change } from '../network/requests.ts';
import { type Step, sentence, stagesOf, summarise } from '../network/steps.ts';
import type { Vdev } from '../network/vdev.ts';
import { ZVM_HOST, ZVM_OUTCOME, ZVM_USERID } from '../temporal-config/search-attributes.ts';
import { applicationFailureOf, failedStep, isRetryable, operationFailed, reasonOf } from './failures.ts';
import { awaitTurn, joinLines, withLine } from './guest-turn.ts';
import type { HostActivities } from './host-activities.ts';

export type ConvergeGuestInput = {
  host: string;
  userid: Userid;
  change: Change;
  giveUpAfterMinutes: number;
  keepOnFailure: boolean;
  /** Operations that wait for this run to end, by Workflow ID, the next one first. */
  waiting: string[];
};

export type ConvergeGuestResult = {
  /** False when everything was so already. */
  changed: boolean;
  /** The ports that the change names, as they are now. Empty when they are gone. */
  ports: DesiredPort[];
  /** NICs that the running guest has now. */
  liveVdevs: Vdev[];
  /** What was done, as sentences, in order. */
  steps: string[];
  waiting: string[];
};

// Longer than the longest xCAT call that a configuration allows; a dead worker is noticed by its heartbeat, long before.
const LONGEST_STAGE = '30 minutes';
const HEARTBEAT = '10 seconds';
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
/** How long undoing may go on; after that, the drift that is left is reconciliation's. */
const UNDO_MINUTES = 30;

/**
 * The only writer of a guest's network: read, plan, run the plan, read again, until nothing is left to do. A step that fails for now is
 * planned anew from what z/VM really has, so nothing is repeated blindly; one that fails for good takes the guest back to where it was.
 */
export async function convergeGuest(input: ConvergeGuestInput): Promise<ConvergeGuestResult> {
  let waiting = input.waiting;
  setHandler(awaitTurn, (line) => {
    waiting = joinLines(waiting, line);
  });
  upsertSearchAttributes([
    { key: ZVM_HOST, value: input.host },
    { key: ZVM_USERID, value: input.userid },
  ]);
  try {
    const result = await carryOut(input);
    upsertSearchAttributes([{ key: ZVM_OUTCOME, value: result.changed ? 'changed' : 'unchanged' }]);
    return { ...result, waiting };
  } catch (error) {
    if (isCancellation(error)) {
      upsertSearchAttributes([{ key: ZVM_OUTCOME, value: 'cancelled' }]);
      throw error;
    }
    const failure = applicationFailureOf(error) ?? ApplicationFailure.nonRetryable(reasonOf(error), 'StepFailed');
    upsertSearchAttributes([{ key: ZVM_OUTCOME, value: failure.type === 'Refused' ? 'refused' : 'failed' }]);
    throw withLine(failure, waiting);
  }
}

async function carryOut(input: ConvergeGuestInput): Promise<Omit<ConvergeGuestResult, 'waiting'>> {
  const { host, userid, change } = input;
  const deadline = Date.now() + input.giveUpAfterMinutes * 60_000;
  setCurrentDetails(`Reading **${userid}** on **${host}**.`);
  const { planChange } = activities(`read ${userid} and decide`, deadline - Date.now());
  const planned = await planChange({ host, userid, change });
  const done: string[] = [];
  try {
    const liveVdevs = await converge(input, planned.desired, planned, deadline, done);
    const affected = new Set<string>(planned.affected);
    const ports = planned.desired.ports.filter((port) => affected.has(port.portId));
    return { changed: done.length > 0, ports, liveVdevs, steps: done };
  } catch (error) {
    if (input.keepOnFailure && !isCancellation(error)) throw error;
    const undone = await CancellationScope.nonCancellable(() => undo(input, planned.before));
    throw isCancellation(error) ? error : withUndone(error, undone);
  }
}

type Progress = { steps: Step[]; liveVdevs: Vdev[] };

async function converge(
  input: ConvergeGuestInput,
  desired: Desired,
  first: Progress | undefined,
  deadline: number,
  done: string[],
): Promise<Vdev[]> {
  let pause = FIRST_PAUSE_MS;
  let progress = first ?? (await planAgain(input, desired, deadline));
  while (progress.steps.length > 0) {
    showProgress(input, done, progress.steps);
    try {
      await runStages(input, progress.steps, done);
      pause = FIRST_PAUSE_MS;
    } catch (error) {
      if (isCancellation(error)) throw error;
      const report = {
        host: input.host,
        userid: input.userid,
        step: failedStep(error) ?? summarise(progress.steps, 2),
        reason: reasonOf(error),
        undone: false,
      };
      if (!isRetryable(error))
        throw operationFailed('StepFailed', { ...report, advice: 'Correct the cause and start the operation again.' });
      if (Date.now() + pause >= deadline) {
        throw operationFailed('GaveUp', {
          ...report,
          advice: 'See that the management node and z/VM answer, then start the operation again.',
        });
      }
      await sleep(pause, { summary: `try again: ${reasonOf(error)}`.slice(0, 190) });
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    }
    progress = await planAgain(input, desired, deadline);
  }
  return progress.liveVdevs;
}

function planAgain(input: ConvergeGuestInput, desired: Desired, deadline: number): Promise<Progress> {
  const { planTowards } = activities(`read ${input.userid} again and compare`, deadline - Date.now());
  return planTowards({ host: input.host, userid: input.userid, desired });
}

async function runStages(input: ConvergeGuestInput, steps: readonly Step[], done: string[]): Promise<void> {
  const stages = stagesOf(steps);
  const target = { host: input.host, userid: input.userid };
  if (stages.record.length > 0) {
    await once(summarise(stages.record)).recordPorts({ ...target, steps: stages.record });
    done.push(...stages.record.map(sentence));
  }
  if (stages.configure.length > 0) {
    await once(summarise(stages.configure)).configureGuest({ ...target, steps: stages.configure });
    done.push(...stages.configure.map(sentence));
  }
  if (stages.forget.length > 0) {
    await once(summarise(stages.forget)).forgetPorts({ ...target, steps: stages.forget });
    done.push(...stages.forget.map(sentence));
  }
}

async function undo(input: ConvergeGuestInput, before: Desired): Promise<boolean> {
  setCurrentDetails(`Undoing what was done to **${input.userid}** on **${input.host}**.`);
  try {
    await converge(input, before, undefined, Date.now() + UNDO_MINUTES * 60_000, []);
    return true;
  } catch {
    return false;
  }
}

function withUndone(error: unknown, undone: boolean): unknown {
  const failure = applicationFailureOf(error);
  const report = failure?.details?.[0];
  if (failure === undefined || typeof report !== 'object' || report === null || !('undone' in report)) return error;
  return operationFailed(failure.type === 'GaveUp' ? 'GaveUp' : 'StepFailed', {
    ...(report as Parameters<typeof operationFailed>[1]),
    undone,
  });
}

/** Reads may be repeated by Temporal itself for as long as the operation may take. */
function activities(summary: string, timeLeftMs: number): Pick<HostActivities, 'planChange' | 'planTowards'> {
  return proxyActivities<HostActivities>({
    summary,
    startToCloseTimeout: LONGEST_STAGE,
    scheduleToCloseTimeout: Math.max(timeLeftMs, FIRST_PAUSE_MS),
    heartbeatTimeout: HEARTBEAT,
    retry: { initialInterval: FIRST_PAUSE_MS, maximumInterval: LONGEST_PAUSE_MS },
  });
}

/** Changes are never repeated as they are: granting a second time drops live NICs (contract xcat.md 4.6). The plan is made anew instead. */
function once(summary: string): Pick<HostActivities, 'recordPorts' | 'configureGuest' | 'forgetPorts'> {
  return proxyActivities<HostActivities>({
    summary,
    startToCloseTimeout: LONGEST_STAGE,
    heartbeatTimeout: HEARTBEAT,
    retry: { maximumAttempts: 1 },
  });
}

function showProgress(input: ConvergeGuestInput, done: readonly string[], steps: readonly Step[]): void {
  const lines = [
    ...done.map((line) => `- [x] ${line}`),
    ...steps.map((step) => `- [ ] ${sentence(step)}${step.disturbs ? ' (interrupts the NIC)' : ''}`),
  ];
  setCurrentDetails(`**${input.userid}** on **${input.host}**\n\n${lines.join('\n')}`);
}
