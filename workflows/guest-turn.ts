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
import { portsOfChange } from '../network/change-ports.ts';
import { ZVM_HOST, ZVM_PORT, ZVM_USERID } from '../temporal-config/search-attributes.ts';
import type { ConvergeGuestInput, ConvergeGuestResult, convergeGuest } from './converge-guest.ts';
import { applicationFailureOf } from './failures.ts';
import { MOST_PORTS_FOUND } from './findable.ts';

/** Sent to the run that holds a guest: these operations wait for it to end, in this order. */
export const awaitTurn = defineSignal<[string[]]>('awaitTurn');
/** Sent to the first operation that waits for a guest: those behind it, and the guest's Workflow ID. */
export const yourTurn = defineSignal<[string[], string]>('yourTurn');

// Turns are handed over by signal. This only bridges a holder that was terminated and so could not hand over.
const LOOK_AGAIN = '20 seconds';

/** The Workflow ID that is a guest's lock: Temporal allows one open run of it (design.md, "One guest at a time"). */
export function guestWorkflowId(host: string, userid: string): string {
  return `guest/${host}/${userid}`;
}

export type GuestTurns = {
  /**
   * Run a change as the guest's only writer. While another operation holds the guest, wait in line: its run keeps the line and gives it to
   * the operation that started it, which wakes the first in it once the run is closed. No lease and no timer is needed for correctness.
   */
  run(input: Omit<ConvergeGuestInput, 'waiting'>, summary: string): Promise<ConvergeGuestResult>;
  /** The same, but only when nobody holds the guest: else nothing is done, and the answer undefined. */
  runIfFree(input: Omit<ConvergeGuestInput, 'waiting'>, summary: string): Promise<ConvergeGuestResult | undefined>;
};

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
    async run(input, summary) {
      const guest = guestWorkflowId(input.host, input.userid);
      const place: Place = { line: [], woken: false };
      places.set(guest, place);
      try {
        return await runInTurn(input, summary, guest, place, self);
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
    throw error instanceof ChildWorkflowFailure ? withoutLine(error) : error;
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
): Promise<ConvergeGuestResult> {
  for (;;) {
    place.woken = false;
    const run = await tryStart({ ...input, waiting: place.line }, summary);
    if (run === undefined) {
      if (await stand([self, ...place.line], guest)) await condition(() => place.woken, LOOK_AGAIN);
      continue;
    }
    try {
      const result = await run.result();
      place.line = joinLines(result.waiting, place.line, self);
      return result;
    } catch (error) {
      place.line = joinLines(waitingOf(error), place.line, self);
      throw error instanceof ChildWorkflowFailure ? withoutLine(error) : error;
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
      typedSearchAttributes: [
        { key: ZVM_HOST, value: input.host },
        { key: ZVM_USERID, value: input.userid },
        ...portAttribute(portsOfChange(input.change)),
      ],
      cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    });
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return undefined;
    throw error;
  }
}

/** A run without ports, as a repair of a guest as a whole, has none to be found by. */
function portAttribute(portIds: readonly string[]) {
  return portIds.length === 0 ? [] : [{ key: ZVM_PORT, value: portIds.slice(0, MOST_PORTS_FOUND) }];
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
