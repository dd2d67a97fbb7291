import type { ApplicationFailure } from '@temporalio/common';
import {
  CancellationScope,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import { backTo, type Desired, type DesiredPort } from '../network/desired.ts';
import type { FollowUp } from '../network/follow-ups.ts';
import { type FoundBy, foundByChange, foundByPorts } from '../network/found-by.ts';
import type { Userid } from '../network/identifiers.ts';
import type { Mac } from '../network/mac.ts';
import { type Refusal, type RefusedPort, refusal } from '../network/refusal.ts';
import type { Change, OnlyIf } from '../network/requests.ts';
import type { Vdev } from '../network/vdev.ts';
import { ZVM_OUTCOME } from '../temporal-config/search-attributes.ts';
import { guestWorkflowId } from '../temporal-config/workflow-ids.ts';
import { HEARTBEAT } from './changing.ts';
import { announced, Converging, once, reading } from './converging.ts';
import {
  applicationFailureOf,
  doneBefore,
  type FailureReport,
  forGood,
  operationFailed,
  reasonOf,
  refused,
  refusedAt,
  takenBy,
  troubleOf,
} from './failures.ts';
import { findable } from './findable.ts';
import { awaitTurn, isBehind, joinLines, lineBack, tellOperation, type Waiting, withLine } from './guest-turn.ts';
import type { DirectoryReading, HostActivities, PlannedChange, Together } from './host-activities.ts';
import { progress as progressOf } from './progress.ts';

export type ConvergeGuestInput = {
  host: string;
  userid: Userid;
  change: Change;
  giveUpAfterMinutes: number;
  keepOnFailure: boolean;
  /** Plan only. */
  dryRun?: boolean;
  /** What has to hold still when the guest is read. */
  onlyIf?: OnlyIf;
  /** The window of a bulk operation that this guest is wired in. */
  together?: Together;
  directory?: DirectoryReading;
  /** The operation that this run is of. */
  turn: Waiting;
  /** It is told what fails for now. */
  tells: boolean;
  /** Operations that wait for this run to end, the next one first. */
  waiting: Waiting[];
};

export type ConvergeGuestResult = {
  /** False when everything was so already, and after a dry run. */
  changed: boolean;
  /** The ports that the change names, as they are now. Empty when they are gone. */
  ports: DesiredPort[];
  /** Ports that a bulk change leaves out, and why. */
  refused: RefusedPort[];
  /** NICs that the running guest has now. */
  liveVdevs: Vdev[];
  /** What was done, as sentences, in order; after a dry run, what would be. */
  steps: string[];
  /** What a dry run calls its plan, for a request that is to be carried out only so. */
  plan?: string;
  /** What the run was found by, before the change and after it. */
  found: FoundBy;
  /** Nothing was done: somebody waits who was asked for before. */
  gaveWay?: true;
  waiting: Waiting[];
};

type Outcome = Omit<ConvergeGuestResult, 'waiting'>;

/** How long undoing may go on; after that, the drift that is left is reconciliation's. */
const UNDO_MINUTES = 30;
/** How often an address that somebody else took at the same moment is chosen anew. */
const MAC_CHOICES = 5;

/**
 * The only writer of a guest's network: read, plan, run the plan, read again, until nothing is left to do. A step that fails for now is
 * planned anew from what z/VM really has, so nothing is repeated blindly; one that fails for good takes the guest back to where it was.
 */
export async function convergeGuest(input: ConvergeGuestInput): Promise<ConvergeGuestResult> {
  let waiting = input.waiting;
  setHandler(awaitTurn, (line) => {
    waiting = joinLines(waiting, line);
  });
  const { host, userid } = input;
  const found = foundByChange(input.change);
  findable({ host, userid, ...found });
  try {
    // Guests of a bulk operation are read together: none of them gives way.
    const result = await carryOut(input, () => input.together === undefined && isBehind(input.turn, waiting));
    const done = result.changed ? 'changed' : 'unchanged';
    upsertSearchAttributes([{ key: ZVM_OUTCOME, value: input.dryRun === true ? 'planned' : done }]);
    setCurrentDetails(progressOf({ host, userid, state: endOf(result, input.dryRun), lists: { Steps: result.steps } }));
    return { ...result, waiting };
  } catch (error) {
    if (isCancellation(error)) {
      upsertSearchAttributes([{ key: ZVM_OUTCOME, value: 'cancelled' }]);
      await CancellationScope.nonCancellable(() => lineBack(input.turn, waiting, guestWorkflowId(host, userid)));
      throw error;
    }
    const failure = failureToReport(error, { host, userid, portIds: found.portIds });
    const outcome = failure.type === 'Refused' ? 'refused' : 'failed';
    upsertSearchAttributes([{ key: ZVM_OUTCOME, value: outcome }]);
    const lists = { 'Done before the failure': doneBefore(failure) };
    setCurrentDetails(progressOf({ host, userid, state: outcome, reason: failure.message, lists }));
    throw withLine(failure, waiting);
  }
}

function endOf({ changed, steps, gaveWay }: Outcome, dryRun: boolean | undefined): string {
  if (gaveWay === true)
    return 'nothing was done: an operation that was asked for before goes first, and this one comes again';
  if (dryRun === true) return steps.length === 0 ? 'nothing to do: it is so already' : 'to be done';
  return changed ? 'done' : 'nothing to do: it is so already';
}

function failureToReport(
  error: unknown,
  where: { host: string; userid: string; portIds: readonly string[] },
): ApplicationFailure {
  const failure = applicationFailureOf(error);
  if (failure?.type === 'Refused') return refusedAt(failure, where);
  if (failure !== undefined) return failure;
  return operationFailed(
    'StepFailed',
    { ...where, ...forGood(troubleOf(error, `change ${where.userid}`)), done: [] },
    'left',
  );
}

async function carryOut(input: ConvergeGuestInput, isTooEarly: () => boolean): Promise<Outcome> {
  const { host, userid, change } = input;
  const guest = converging(input, input.giveUpAfterMinutes);
  const avoidMacs: Mac[] = [];
  for (let choice = 1; ; choice += 1) {
    setCurrentDetails(progressOf({ host, userid, state: 'is being read' }));
    // A second choice is made from what the first has left, not from what the request's sender has seen.
    const conditions = input.onlyIf === undefined || choice > 1 ? {} : { onlyIf: input.onlyIf };
    const planned = await guest
      .whileItHelps(`read ${userid} and decide`, (summary) =>
        deciding(summary, input).planChange({ ...guest.target, change, avoidMacs, ...conditions }),
      )
      .catch((error: unknown) => {
        if (!isCancellation(error) && choice === 1 && isTooEarly()) return undefined;
        throw error;
      });
    if (planned === undefined || (choice === 1 && isTooEarly())) return gaveWay(change);
    const found = foundWith(planned);
    findable({ host, userid, ...found });
    if (input.dryRun === true) {
      const steps = planned.steps.map(announced);
      return { ...outcomeOf(planned, found, planned.liveVdevs, false, steps), plan: planned.plan };
    }
    try {
      const liveVdevs = await guest.converge(planned.desired, planned);
      return outcomeOf(planned, found, liveVdevs, guest.done.length > 0, guest.done);
    } catch (error) {
      const taken = takenBy(error);
      if (input.keepOnFailure && !isCancellation(error) && taken === undefined) throw error;
      const stays = await CancellationScope.nonCancellable(() =>
        undo(input, backTo(planned.before, planned.desired), guest.owed),
      );
      if (isCancellation(error)) {
        if (stays !== undefined) throw notTakenBack(input, stays, guest.done);
        const lists = { 'Done before': guest.done };
        setCurrentDetails(progressOf({ host, userid, state: 'cancelled, and undone', lists }));
        throw error;
      }
      if (taken === undefined) throw withUndone(error, stays === undefined);
      if (input.onlyIf?.plan !== undefined) throw refused(taken.refusals.map(notAsPlanned));
      if (choice >= MAC_CHOICES) throw refused(taken.refusals);
      avoidMacs.push(...taken.macs);
      guest.done.length = 0;
    }
  }
}

function gaveWay(change: Change): Outcome {
  const found = foundByChange(change);
  return { changed: false, ports: [], refused: [], liveVdevs: [], steps: [], found, gaveWay: true };
}

/** The plan that the request's sender was told has the address that is taken: another one is another plan. */
function notAsPlanned({ reason }: Refusal): Refusal {
  return refusal('onlyIf.plan', reason, 'make a dry run again');
}

function outcomeOf(
  planned: PlannedChange,
  found: FoundBy,
  liveVdevs: Vdev[],
  changed: boolean,
  steps: string[],
): Outcome {
  const ports = affectedOf(planned, planned.desired);
  return { changed, ports, refused: planned.refused, liveVdevs, steps, found };
}

/** The VSWITCHES and VLANs that the ports are on before and after: the request alone may not say them. */
function foundWith(planned: PlannedChange): FoundBy {
  return foundByPorts([...affectedOf(planned, planned.desired), ...affectedOf(planned, planned.before)]);
}

function affectedOf({ affected }: PlannedChange, { ports }: Desired): DesiredPort[] {
  const ids = new Set<string>(affected);
  return ports.filter((port) => ids.has(port.portId));
}

function converging(input: ConvergeGuestInput, minutes: number, undoing = false): Converging {
  const { host, userid, together, directory, change, keepOnFailure, tells } = input;
  const target = {
    ...{ host, userid },
    ...(together === undefined ? {} : { together }),
    ...(directory === undefined ? {} : { directory }),
  };
  return new Converging(target, {
    portIds: foundByChange(change).portIds,
    deadline: Date.now() + minutes * 60_000,
    keeps: keepOnFailure,
    undoing,
    tell: async (how) => {
      if (tells) await tellOperation(guestWorkflowId(host, userid), how);
    },
  });
}

/** Take the guest back to where it was. Answers why that cannot be, when it cannot. */
async function undo(input: ConvergeGuestInput, before: Desired, owed: FollowUp[]): Promise<string | undefined> {
  const { together: _window, ...alone } = input;
  try {
    const guest = converging(alone, UNDO_MINUTES, true);
    guest.owed = owed;
    await guest.converge(before);
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}

/** Who is cancelled is as it was before; one that is not is told to have failed. */
function notTakenBack({ host, userid, change }: ConvergeGuestInput, reason: string, done: readonly string[]) {
  const { portIds } = foundByChange(change);
  const step = `take ${userid} back to where it was, since the operation was cancelled`;
  const advice = 'correct the cause, then start the operation again, or undo it by its opposite';
  return operationFailed('StepFailed', { host, userid, portIds, step, reason, advice, done: [...done] }, 'left');
}

function withUndone(error: unknown, undone: boolean): unknown {
  const failure = applicationFailureOf(error);
  const report = failure?.details?.[0];
  if (failure === undefined || typeof report !== 'object' || report === null || !('undone' in report)) return error;
  const type = failure.type === 'GaveUp' ? 'GaveUp' : 'StepFailed';
  return operationFailed(type, report as FailureReport, undone ? 'undone' : 'left');
}

/**
 * What is decided first is no local activity, unless of many guests at once: who has come to wait meanwhile is looked at right after it, and
 * has to come in the same order when the run is replayed.
 */
function deciding(summary: string, { together }: ConvergeGuestInput): Pick<HostActivities, 'planChange'> {
  return together === undefined
    ? proxyActivities<HostActivities>({ ...once(summary), heartbeatTimeout: HEARTBEAT })
    : reading(summary);
}
