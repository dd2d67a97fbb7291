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

/** An operation that waits for a guest, by Workflow ID, and when it was asked for: milliseconds of Unix time. */
export type Waiting = { id: string; since: number };

/** Sent to the run that holds a guest: these operations wait for it to end. */
export const awaitTurn = defineSignal<[Waiting[]]>('awaitTurn');
/** Sent to the first operation that waits for a guest: those behind it, and the guest's Workflow ID. */
export const yourTurn = defineSignal<[Waiting[], string]>('yourTurn');

/** Sent to an operation by the run of its guest: the guest's Workflow ID, and what is tried again, why and until when. */
export const failsForNow = defineSignal<[string, string]>('failsForNow');

// Turns are handed over by signal. This only bridges a holder that was terminated and so could not hand over.
const LOOK_AGAIN = '20 seconds';

export type GuestTurns = {
  /**
   * Run a change as the guest's only writer. While another operation holds the guest, wait in line: its run keeps the line and gives it to
   * the operation that started it, which wakes the first in it once the run is closed. Who comes between the two gives way to whoever was
   * asked for before. No lease and no timer is needed for correctness.
   */
  run(input: Asked, summary: string, more?: { told?: Told; since?: number }): Promise<ConvergeGuestResult>;
  /** The same, but only when nobody holds the guest: else nothing is done, and the answer undefined. */
  runIfFree(input: Asked, summary: string): Promise<ConvergeGuestResult | undefined>;
};

type Asked = Omit<ConvergeGuestInput, 'waiting' | 'turn' | 'tells'>;
/** Told once when the operation has to wait for the guest, and when its turn has come; and each time that something else fails for now. */
export type Told = { waits(guest: string): void; begins(): void; fails(how: string): void };
type Place = { line: Waiting[]; woken: boolean; told: Told | undefined };

/** The turns of one operation at its guests, one or many. Call it once in a workflow, before anything that waits. */
export function guestTurns(): GuestTurns {
  const self = workflowInfo().workflowId;
  const places = new Map<string, Place>();
  setHandler(yourTurn, (behind, guest) => {
    const place = places.get(guest);
    // A turn that comes too late is for the next in line.
    if (place === undefined) return handOver(behind, guest).then(() => undefined);
    place.line = joinLines(place.line, behind, self);
    place.woken = true;
    return undefined;
  });
  setHandler(failsForNow, (guest, how) => places.get(guest)?.told?.fails(how));
  return {
    runIfFree: runOnce,
    async run(input, summary, { told, since = Date.now() } = {}) {
      const guest = guestWorkflowId(input.host, input.userid);
      const place: Place = { line: [], woken: false, told };
      places.set(guest, place);
      try {
        return await runInTurn(
          { ...input, turn: { id: self, since }, tells: told !== undefined },
          summary,
          guest,
          place,
        );
      } finally {
        places.delete(guest);
        await CancellationScope.nonCancellable(() => handOver(place.line, guest));
      }
    },
  };
}

async function runOnce(input: Asked, summary: string): Promise<ConvergeGuestResult | undefined> {
  let line: Waiting[] = [];
  try {
    const turn = { id: workflowInfo().workflowId, since: Date.now() };
    const run = await tryStart({ ...input, turn, tells: false, waiting: [] }, summary);
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
): Promise<ConvergeGuestResult> {
  const { turn } = input;
  const { told } = place;
  const self = turn.id;
  for (let waited = false; ; waited = true) {
    place.woken = false;
    const run = await tryStart({ ...input, waiting: place.line }, summary);
    if (run === undefined) {
      if (!waited) told?.waits(guest);
      if (await stand(joinLines([turn], place.line), guest)) await condition(() => place.woken, LOOK_AGAIN);
      continue;
    }
    if (waited) told?.begins();
    try {
      const result = await run.result();
      place.line = joinLines(result.waiting, place.line, self);
      if (result.gaveWay !== true) return result;
      told?.waits(guest);
      const others = place.line;
      place.line = [];
      if (await handOver(joinLines(others, [turn]), guest, self)) await condition(() => place.woken, LOOK_AGAIN);
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

async function stand(line: Waiting[], holder: string): Promise<boolean> {
  return signalled(() => getExternalWorkflowHandle(holder).signal(awaitTurn, line));
}

/** Wake the first in line that is still there, with those behind it. False when there is none before `self`. */
async function handOver(line: readonly Waiting[], guest: string, self = ''): Promise<boolean> {
  for (const [place, { id }] of line.entries()) {
    if (id === self) return false;
    if (await signalled(() => getExternalWorkflowHandle(id).signal(yourTurn, line.slice(place + 1), guest)))
      return true;
  }
  return false;
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

/** Tell the operation that started this run; one that is gone need not know. */
export async function tellOperation(guest: string, how: string): Promise<void> {
  const { parent } = workflowInfo();
  if (parent === undefined) return;
  const operation = getExternalWorkflowHandle(parent.workflowId, parent.runId);
  await signalled(() => operation.signal(failsForNow, guest, how));
}

/** The failure of a run that operations wait for carries their line as its last detail. */
export function withLine(failure: ApplicationFailure, waiting: readonly Waiting[]): ApplicationFailure {
  if (waiting.length === 0) return failure;
  return withDetails(failure, [...(failure.details ?? []), { waiting }]);
}

/** A run that ends as cancelled answers nothing: before that, its operation is given the line, or whoever is first where it is gone. */
export async function lineBack(operation: Waiting, waiting: readonly Waiting[], guest: string): Promise<void> {
  if (waiting.length > 0) await handOver([operation, ...waiting], guest);
}

function withoutLine(error: ChildWorkflowFailure, input: Asked): unknown {
  const failure = applicationFailureOf(error);
  if (failure === undefined)
    return error.cause instanceof TerminatedFailure ? guestTerminated(input) : (error.cause ?? error);
  const details = (failure.details ?? []).filter((detail) => !isLine(detail));
  return withDetails(failure, details);
}

/** Nobody undoes what a terminated run has done: its own record is what the guest is brought to. */
function guestTerminated({ host, userid, change }: Asked): ApplicationFailure {
  const { portIds } = foundByChange(change);
  const step = `change ${userid}`;
  const reason = `somebody terminated its run ${guestWorkflowId(host, userid)}`;
  const advice =
    'start the operation again, or undo it by its opposite: what was recorded is what reconciliation brings about';
  return operationFailed('StepFailed', { host, userid, portIds, step, reason, advice, done: [] }, 'left');
}

function waitingOf(error: unknown): Waiting[] {
  return applicationFailureOf(error)?.details?.find(isLine)?.waiting ?? [];
}

function isLine(detail: unknown): detail is { waiting: Waiting[] } {
  return typeof detail === 'object' && detail !== null && 'waiting' in detail && Array.isArray(detail.waiting);
}

/** Two lines as one, each operation once, in the order in which they were asked for. */
export function joinLines(first: readonly Waiting[], second: readonly Waiting[], self = ''): Waiting[] {
  const each = new Map([...second, ...first].map((waiting) => [waiting.id, waiting]));
  return [...each.values()].filter(({ id }) => id !== self).toSorted(compareTurns);
}

/** True when somebody in line was asked for before. */
export function isBehind(turn: Waiting, line: readonly Waiting[]): boolean {
  return line.some((other) => other.id !== turn.id && compareTurns(other, turn) < 0);
}

function compareTurns(one: Waiting, other: Waiting): number {
  if (one.since !== other.since) return one.since - other.since;
  return one.id < other.id ? -1 : 1;
}
