import { ApplicationFailure, ChildWorkflowFailure, WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  CancellationScope,
  ChildWorkflowCancellationType,
  type ChildWorkflowHandle,
  condition,
  defineSignal,
  getExternalWorkflowHandle,
  ParentClosePolicy,
  setHandler,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import type { ConvergeGuestInput, ConvergeGuestResult, convergeGuest } from './converge-guest.ts';
import { applicationFailureOf } from './failures.ts';

/** Sent to the run that holds a guest: these operations wait for it to end, in this order. */
export const awaitTurn = defineSignal<[string[]]>('awaitTurn');
/** Sent to the first operation that waits, with those behind it. */
export const yourTurn = defineSignal<[string[]]>('yourTurn');

// Turns are handed over by signal. This only bridges a holder that was terminated and so could not hand over.
const LOOK_AGAIN = '20 seconds';

/** The Workflow ID that is a guest's lock: Temporal allows one open run of it (design.md, "One guest at a time"). */
export function guestWorkflowId(host: string, userid: string): string {
  return `guest/${host}/${userid}`;
}

/**
 * Run a change as the guest's only writer. While another operation holds the guest, wait in line: its run keeps the line and gives it to the
 * operation that started it, which wakes the first in it once the run is closed. No lease and no timer is needed for correctness.
 */
export async function runOnGuest(
  input: Omit<ConvergeGuestInput, 'waiting'>,
  summary: string,
): Promise<ConvergeGuestResult> {
  const self = workflowInfo().workflowId;
  let line: string[] = [];
  let woken = false;
  setHandler(yourTurn, (behind) => {
    line = joinLines(line, behind, self);
    woken = true;
  });
  for (;;) {
    woken = false;
    const run = await tryStart({ ...input, waiting: line }, summary);
    if (run === undefined) {
      if (await stand([self, ...line], guestWorkflowId(input.host, input.userid)))
        await condition(() => woken, LOOK_AGAIN);
      continue;
    }
    try {
      const result = await run.result();
      line = joinLines(result.waiting, line, self);
      return result;
    } catch (error) {
      line = joinLines(waitingOf(error), line, self);
      throw error instanceof ChildWorkflowFailure ? withoutLine(error) : error;
    } finally {
      await CancellationScope.nonCancellable(() => handOver(line));
    }
  }
}

async function tryStart(
  input: ConvergeGuestInput,
  summary: string,
): Promise<ChildWorkflowHandle<typeof convergeGuest> | undefined> {
  try {
    return await startChild<typeof convergeGuest>('convergeGuest', {
      workflowId: guestWorkflowId(input.host, input.userid),
      args: [input],
      staticSummary: summary,
      cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    });
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return undefined;
    throw error;
  }
}

async function stand(line: string[], holder: string): Promise<boolean> {
  return signalled(() => getExternalWorkflowHandle(holder).signal(awaitTurn, line));
}

async function handOver(line: readonly string[]): Promise<void> {
  for (const [place, next] of line.entries()) {
    if (await signalled(() => getExternalWorkflowHandle(next).signal(yourTurn, line.slice(place + 1)))) return;
  }
}

/** False when there is no such open run any more. */
async function signalled(send: () => Promise<void>): Promise<boolean> {
  try {
    await send();
    return true;
  } catch (error) {
    if (CancellationScope.current().consideredCancelled) throw error;
    return false;
  }
}

/** The failure of a run that operations wait for carries their line as its last detail. */
export function withLine(failure: ApplicationFailure, waiting: readonly string[]): ApplicationFailure {
  if (waiting.length === 0) return failure;
  return ApplicationFailure.create({
    message: failure.message,
    type: failure.type ?? 'StepFailed',
    nonRetryable: true,
    details: [...(failure.details ?? []), { waiting }],
  });
}

function withoutLine(error: ChildWorkflowFailure): unknown {
  const failure = applicationFailureOf(error);
  if (failure === undefined) return error.cause ?? error;
  const details = (failure.details ?? []).filter((detail) => !isLine(detail));
  return ApplicationFailure.create({
    message: failure.message,
    type: failure.type ?? 'StepFailed',
    nonRetryable: true,
    details,
  });
}

function waitingOf(error: unknown): string[] {
  return applicationFailureOf(error)?.details?.find(isLine)?.waiting ?? [];
}

function isLine(detail: unknown): detail is { waiting: string[] } {
  return typeof detail === 'object' && detail !== null && 'waiting' in detail && Array.isArray(detail.waiting);
}

/** Two lines as one, each operation once. */
export function joinLines(first: readonly string[], second: readonly string[], self = ''): string[] {
  return [...new Set([...first, ...second])].filter((id) => id !== self);
}
