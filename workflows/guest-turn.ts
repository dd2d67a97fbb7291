import {
  type ApplicationFailure,
  ChildWorkflowFailure,
  TerminatedFailure,
  WorkflowExecutionAlreadyStartedError,
} from '@temporalio/common';
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
import { foundByChange } from '../network/found-by.ts';
import { findableBy } from '../temporal-config/search-attributes.ts';
import { guestWorkflowId } from '../temporal-config/workflow-ids.ts';
import { childDetails } from './child-details.ts';
import type { ConvergeGuestInput, ConvergeGuestResult, convergeGuest } from './converge-guest.ts';
import { applicationFailureOf, operationFailed, withDetails } from './failures.ts';

/** Sent to the run that holds a guest: these operations wait for it to end, in this order. */
export const awaitTurn = defineSignal<[string[]]>('awaitTurn');
/** Sent to the first operation that waits for a guest: those behind it, and the guest's Workflow ID. */
export const yourTurn = defineSignal<[string[], string]>('yourTurn');

// Turns are handed over by signal. This only bridges a holder that was terminated and so could not hand over.
const LOOK_AGAIN = '20 seconds';

export type GuestTurns = {
  /**
   * Run a change as the guest's only writer. While another operation holds the guest, wait in line: its run keeps the line and gives it to
   * the operation that started it, which wakes the first in it once the run is closed. No lease and no timer is needed for correctness.
   */
  run(
    input: Omit<ConvergeGuestInput, 'waiting'>,
    summary: string,
    /** Told once when the operation has to wait for the guest, and when its turn has come. */
    told?: Told,
  ): Promise<ConvergeGuestResult>;
  /** The same, but only when nobody holds the guest: else nothing is done, and the answer undefined. */
  runIfFree(input: Omit<ConvergeGuestInput, 'waiting'>, summary: string): Promise<ConvergeGuestResult | undefined>;
};

type Told = { waits(guest: string): void; begins(): void };
type Place = { line: string[]; woken: boolean };

/** The turns of one operation at its guests, one or many. Call it once in a workflow, before anything that waits. */
export function guestTurns(): GuestTurns {
  const self = workflowInfo().workflowId;
  const places = new Map<string, Place>();
  setHandler(yourTurn, (behind, guest) => {
    const place = places.get(guest);
    // A turn that comes too late is for the next in line.
    if (place === undefined) return handOver(behind, guest);
    place.line = joinLines(place.line, behind, self);
    place.woken = true;
    return undefined;
  });
  return {
    runIfFree: runOnce,
    async run(input, summary, told) {
      const guest = guestWorkflowId(input.host, input.userid);
      const place: Place = { line: [], woken: false };
      places.set(guest, place);
      try {
        return await runInTurn(input, summary, guest, place, self, told);
      } finally {
        places.delete(guest);
        await CancellationScope.nonCancellable(() => handOver(place.line, guest));
      }
    },
  };
}

async function runOnce(
  input: Omit<ConvergeGuestInput, 'waiting'>,
  summary: string,
): Promise<ConvergeGuestResult | undefined> {
  let line: string[] = [];
  try {
    const run = await tryStart({ ...input, waiting: [] }, summary);
    const result = await run?.result();
    line = result?.waiting ?? [];
    return result;
  } catch (error) {
    line = waitingOf(error);
    throw error instanceof ChildWorkflowFailure ? withoutLine(error, input) : error;
  } finally {
    const guest = guestWorkflowId(input.host, input.userid);
    await CancellationScope.nonCancellable(() => handOver(line, guest));
  }
}

async function runInTurn(
  input: Omit<ConvergeGuestInput, 'waiting'>,
  summary: string,
  guest: string,
  place: Place,
  self: string,
  told: Told | undefined,
): Promise<ConvergeGuestResult> {
  for (let waited = false; ; waited = true) {
    place.woken = false;
    const run = await tryStart({ ...input, waiting: place.line }, summary);
    if (run === undefined) {
      if (!waited) told?.waits(guest);
      if (await stand([self, ...place.line], guest)) await condition(() => place.woken, LOOK_AGAIN);
      continue;
    }
    if (waited) told?.begins();
    try {
      const result = await run.result();
      place.line = joinLines(result.waiting, place.line, self);
      return result;
    } catch (error) {
      place.line = joinLines(waitingOf(error), place.line, self);
      throw error instanceof ChildWorkflowFailure ? withoutLine(error, input) : error;
    }
  }
}

async function tryStart(
  input: ConvergeGuestInput,
  summary: string,
): Promise<ChildWorkflowHandle<typeof convergeGuest> | undefined> {
  const found = foundByChange(input.change);
  try {
    return await startChild<typeof convergeGuest>('convergeGuest', {
      workflowId: guestWorkflowId(input.host, input.userid),
      args: [input],
      staticSummary: summary,
      staticDetails: childDetails(input),
      typedSearchAttributes: findableBy({ host: input.host, userid: input.userid, ...found }),
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

async function handOver(line: readonly string[], guest: string): Promise<void> {
  for (const [place, next] of line.entries()) {
    if (await signalled(() => getExternalWorkflowHandle(next).signal(yourTurn, line.slice(place + 1), guest))) return;
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
  return withDetails(failure, [...(failure.details ?? []), { waiting }]);
}

function withoutLine(error: ChildWorkflowFailure, input: Omit<ConvergeGuestInput, 'waiting'>): unknown {
  const failure = applicationFailureOf(error);
  if (failure === undefined)
    return error.cause instanceof TerminatedFailure ? guestTerminated(input) : (error.cause ?? error);
  const details = (failure.details ?? []).filter((detail) => !isLine(detail));
  return withDetails(failure, details);
}

/** Nobody undoes what a terminated run has done: its own record is what the guest is brought to. */
function guestTerminated({ host, userid, change }: Omit<ConvergeGuestInput, 'waiting'>): ApplicationFailure {
  const { portIds } = foundByChange(change);
  const step = `change ${userid}`;
  const reason = `somebody terminated its run ${guestWorkflowId(host, userid)}`;
  const advice =
    'start the operation again, or undo it by its opposite: what was recorded is what reconciliation brings about';
  return operationFailed('StepFailed', { host, userid, portIds, step, reason, advice, done: [] }, 'left');
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
