import type { ApplicationFailure } from '@temporalio/common';
import { CancellationScope, isCancellation } from '@temporalio/workflow';
import { defined } from '../domain/defined.ts';
import { searchTermsOfChange } from '../domain/guest/search-terms.ts';
import { carriedOutResult, foundWith, resultOf } from '../domain/planning/plan-result.ts';
import { type Refusal, type RefusedPort, refusal } from '../domain/planning/refusal.ts';
import { rollbackTarget } from '../domain/planning/rollback.ts';
import { effectOf } from '../domain/planning/steps.ts';
import type { Mac } from '../domain/port/mac.ts';
import type { QuestionOutcome } from '../domain/probe/course.ts';
import type { ProbePlan } from '../domain/probe/report.ts';
import type { Userid } from '../domain/text/identifiers.ts';
import { reading, writeActivities } from './activity-proxies.ts';
import {
  type AddressConflict,
  addressConflictOf,
  applicationFailureOf,
  failureData,
  failureFrom,
  isHeld,
  isOperationEnded,
  leftByWorker,
  operationFailed,
  permanently,
  plannedBefore,
  reasonOf,
  refused,
  refusedAt,
  troubleOf,
  withRollback,
} from './failures.ts';
import type { FailureData, RequestOutcome, RequestResult } from './guest-queue-messages.ts';
import { type GuestRequest, isOrdered } from './guest-request.ts';
import type { AppliedSteps, HostActivities, PlaceInOrder, PlannedChange, Planning, Target } from './host-activities.ts';
import type { TakenBack } from './lent-guest.ts';
import { showProgress } from './progress.ts';
import { announced, firstState, Reconciler, type ReconcilerState } from './reconciler.ts';
import { addSearchAttributes } from './run-visibility.ts';

/** A request in progress: the state that the next run of the guest continues from. */
export type RequestWork = {
  /** The request without the ports of later requests. */
  request: GuestRequest;
  overtaken: RefusedPort[];
  /** How often an address was chosen for it. */
  choice: number;
  avoidMacs: Mac[];
  /** Ports of VSWITCHes that z/VM did not give, `<VSWITCH> <number>`. */
  avoidPorts: string[];
  planned?: PlannedChange;
  forward: ReconcilerState;
  /** Its operation knows the outcome: a window has carried it out. */
  isTold?: boolean;
  /** A probe, once it is planned. */
  probe?: ProbeWork;
  /** An operator has ended it after a restore: the guest is left as it is. */
  isAbandoned?: boolean;
  /** The rollback, once it has begun, and its reason. */
  rollback?: { state: ReconcilerState; why: RollbackReason };
};

/** A probe in progress. */
export type ProbeWork = { plan: ProbePlan; outcomes: QuestionOutcome[] };

/** The reason of a rollback: the operation was cancelled or has ended, a step failed, or an address or port conflict needs another choice. */
type RollbackReason =
  | { kind: 'cancelled' }
  | { kind: 'failed'; failure: FailureData }
  | ({ kind: 'addressConflict' } & AddressConflict);

/** The guest run as far as a request in progress needs it. */
export type WorkContext = {
  host: string;
  userid: Userid;
  /** The place of the request in the order of acceptance. */
  order(): PlaceInOrder;
  /** False when a request that was accepted earlier has arrived since. */
  isFirst(): boolean;
  report(trouble: string): Promise<void>;
  /** Throws when the guest's next run has to go on with the request. */
  checkHistory(): void;
  /** Wait until the host is released; answers how long that took, in milliseconds. */
  awaitRelease(held: unknown): Promise<number>;
  /** Wait until the window that the guest is lent to has given it back; undefined when it is not lent. */
  givenBack(): Promise<TakenBack | undefined>;
};

/** The reason why a request is not carried out yet: others go first, the guest run must first learn the work of earlier runs, or the host is held. */
export type NotYet = Exclude<Planning, PlannedChange> | { kind: 'held'; failure: unknown };

/** True when the request is not carried out yet. */
export function isNotYet(outcome: RequestOutcome | NotYet): outcome is NotYet {
  return outcome.kind === 'waits' || outcome.kind === 'learns' || outcome.kind === 'held';
}

/** How long a rollback may go on; after that, reconciliation sees to the drift that is left. */
const ROLLBACK_MINUTES = 30;
/** Most choices of another address after conflicts. */
const MOST_CHOICES = 5;

/** The work on a new request, without the ports of later requests. */
export function beginWork(request: GuestRequest, overtaken: RefusedPort[]): RequestWork {
  const forward = firstState(Date.now() + request.giveUpAfterMinutes * 60_000);
  return { request: withoutPorts(request, overtaken), overtaken, choice: 1, avoidMacs: [], avoidPorts: [], forward };
}

function withoutPorts(request: GuestRequest, left: readonly RefusedPort[]): GuestRequest {
  const { change } = request;
  if (left.length === 0 || change.kind !== 'wirePorts') return request;
  const ports = change.ports.filter(({ portId }) => !left.some((each) => each.portId === portId));
  return { ...request, change: { ...change, ports } };
}

/**
 * Carry out one request: read, plan, apply, read again, until nothing is left. A step that fails transiently is planned anew from what z/VM
 * has, so nothing is repeated blindly; one that fails permanently takes the guest back to where it was. A cancelled scope does so too.
 */
export async function carryOut(work: RequestWork, context: WorkContext): Promise<RequestOutcome | NotYet> {
  for (;;) {
    if (work.rollback === undefined) {
      try {
        return await forward(work, context);
      } catch (error) {
        const outcome = await afterFailure(work, context, error);
        if (outcome !== undefined) return outcome;
      }
    }
    const outcome = await CancellationScope.nonCancellable(() => back(work, context));
    if (outcome !== undefined) return outcome;
  }
}

async function forward(work: RequestWork, context: WorkContext): Promise<RequestOutcome | NotYet> {
  const { host, userid } = context;
  const { request } = work;
  const reconciler = new Reconciler(targetOf(work, context), work.forward, {
    portIds: searchTermsOfChange(request.change).portIds,
    keepsSteps: request.keepOnFailure,
    isRollback: false,
    report: context.report,
    checkHistory: context.checkHistory,
    awaitRelease: context.awaitRelease,
  });
  const known = work.planned;
  let applied: Promise<AppliedSteps> | undefined;
  if (known === undefined) {
    showProgress({ subject: `${userid} on ${host}`, state: 'is being read' });
    const back = await context.givenBack();
    if (back?.kind === 'done') return toldResult(work, context, back.result);
    // The window did not see the queue: the guest's requests go on in their order.
    if (back?.kind === 'untouched' && isOrdered(request) && !context.isFirst()) return { kind: 'waits', earlier: [] };
    const { planning, ...begun } =
      back?.kind === 'begun'
        ? { planning: back.planned, applied: failed(leftByWorker()) }
        : await plan(work, context, reconciler);
    applied = begun.applied;
    if (planning.kind !== 'planned') return planning;
    if (applied === undefined && isOrdered(request) && !context.isFirst()) return { kind: 'waits', earlier: [] };
    work.planned = { ...planning, refused: [...planning.refused, ...work.overtaken] };
  }
  const planned = work.planned ?? known;
  if (planned === undefined) throw new Error('a request is carried out without a plan');
  addSearchAttributes({ host, userid, ...foundWith(planned) });
  const { wait, changedSince } = planned;
  if (request.dryRun) return { kind: 'done', result: { ...planOf(planned), ...defined({ wait, changedSince }) } };
  if (wait !== undefined) return { kind: 'awaits', wait, result: planOf(planned) };
  // A plan that an earlier run of the guest made may be overtaken: the guest is read again.
  const liveVdevs = await reconciler.converge(planned.desired, known === undefined ? planned : undefined, applied);
  const result = carriedOutResult(planned, liveVdevs, work.forward.done, isOrdered(request));
  return { kind: 'done', result };
}

/** The outcome of a request that a window has carried out. */
function toldResult(work: RequestWork, { host, userid }: WorkContext, result: RequestResult): RequestOutcome {
  addSearchAttributes({ host, userid, ...result.found });
  work.isTold = true;
  return { kind: 'done', result };
}

/** A plan, and what came of it where it was carried out at once. */
type Begun = { planning: Planning; applied?: Promise<AppliedSteps> };

/** Read the guest and plan. A guest of a bulk operation is changed by the same activity: each further one costs a thousand guests six thousand events. */
function plan(work: RequestWork, context: WorkContext, reconciler: Reconciler): Promise<Begun> {
  const { request, choice, avoidMacs, avoidPorts, forward: state } = work;
  const { change, onlyIf, asks, batch, dryRun } = request;
  // A second choice starts from the state after the first, which the request's sender has not seen.
  const conditions = onlyIf === undefined || choice > 1 ? {} : { onlyIf };
  const order = isOrdered(request) && choice === 1 ? { order: context.order() } : {};
  const asked = { change, ...defined({ asks }), avoidMacs, avoidPorts };
  const input = { ...targetOf({ request }, context), ...asked, ...conditions, ...order };
  const isBulk = batch !== undefined && !dryRun;
  return reconciler.retried(`read ${context.userid} and ${isBulk ? 'carry its plan out' : 'plan'}`, async (summary) =>
    isBulk
      ? begun(() => writeActivities(summary, batch).changeGuest({ ...input, followUps: state.followUps }))
      : { planning: await reading(summary, batch).planChange({ ...input, ...dryRunOf(request) }) },
  );
}

async function begun(change: () => ReturnType<HostActivities['changeGuest']>): Promise<Begun> {
  try {
    const { applied, ...planning } = { applied: undefined, ...(await change()) };
    if (applied === undefined) return { planning };
    return { planning, applied: applied === 'unheard' ? failed(leftByWorker()) : Promise.resolve(applied) };
  } catch (error) {
    const planning = plannedBefore(error);
    if (planning === undefined) throw error;
    return { planning, applied: failed(error) };
  }
}

/** The reconciler hears of the failure a moment later. */
function failed(error: unknown): Promise<never> {
  const failing = Promise.reject(error);
  failing.catch(() => undefined);
  return failing;
}

/** The mark of a request that plans alone. */
export function dryRunOf({ dryRun }: Pick<GuestRequest, 'dryRun'>): { dryRun?: true } {
  return dryRun ? { dryRun } : {};
}

function targetOf({ request }: Pick<RequestWork, 'request'>, { host, userid }: WorkContext): Target {
  const { batch, directory, operation } = request;
  return {
    ...{ host, userid, operation, requestId: request.id },
    ...defined({ batch, directory }),
  };
}

/** The outcome of a failure that needs no rollback; undefined when a rollback follows. */
async function afterFailure(
  work: RequestWork,
  { host, userid }: WorkContext,
  error: unknown,
): Promise<RequestOutcome | NotYet | undefined> {
  const { request, planned, forward: state } = work;
  if (!isRequestFailure(error)) throw error;
  if (work.isAbandoned === true && state.touched.length > 0) return leftAsIs(work, { host, userid });
  if (isHeld(error) && !request.onlyIfFree) return { kind: 'held', failure: error };
  // A repair waits for nobody: a later reconciliation sees to the guest.
  if (isHeld(error) && state.touched.length === 0) return { kind: 'busy' };
  const isCancelled = isCancellation(error) || isOperationEnded(error);
  const where = { host, userid, portIds: searchTermsOfChange(request.change).portIds };
  const taken = addressConflictOf(error);
  if (planned === undefined || state.touched.length === 0) {
    if (isCancelled) return { kind: 'cancelled' };
    if (taken !== undefined) return chooseAnew(work, taken);
    return { kind: 'failed', failure: failureData(failureToReport(error, where)) };
  }
  if (request.keepOnFailure && !isCancelled && taken === undefined)
    return { kind: 'failed', failure: failureData(failureToReport(error, where)) };
  const why: RollbackReason = isCancelled
    ? { kind: 'cancelled' }
    : taken !== undefined
      ? { kind: 'addressConflict', ...taken }
      : { kind: 'failed', failure: failureData(failureToReport(error, where)) };
  work.rollback = { why, state: { ...firstState(Date.now() + ROLLBACK_MINUTES * 60_000), followUps: state.followUps } };
  return undefined;
}

/** True for failures of activities. Any other error is a defect of this program, which fails the workflow task until its repair. */
export function isRequestFailure(error: unknown): boolean {
  return isCancellation(error) || applicationFailureOf(error) !== undefined || isActivityFailure(error);
}

function isActivityFailure(error: unknown): boolean {
  return error instanceof Error && error.name === 'ActivityFailure';
}

/** Take the guest back as far as the request has, or may have, changed it; undefined when the request begins anew after it. */
async function back(work: RequestWork, context: WorkContext): Promise<RequestOutcome | undefined> {
  const { host, userid } = context;
  const { planned, rollback, request } = work;
  if (planned === undefined || rollback === undefined) throw new Error('a rollback begins without a plan');
  const { operation: _operation, batch: _window, ...alone } = targetOf(work, context);
  const reconciler = new Reconciler(alone, rollback.state, {
    portIds: searchTermsOfChange(request.change).portIds,
    keepsSteps: false,
    isRollback: true,
    report: context.report,
    checkHistory: context.checkHistory,
    awaitRelease: context.awaitRelease,
  });
  const target = rollbackTarget(planned, work.forward.touched);
  const stays = await reconciler.converge(target).then(
    () => undefined,
    (error: unknown) => {
      if (!isRequestFailure(error)) throw error;
      return reasonOf(error);
    },
  );
  if (work.isAbandoned === true) return leftAsIs(work, context);
  const { done } = work.forward;
  const { why } = rollback;
  if (why.kind === 'cancelled') {
    if (stays !== undefined) return { kind: 'failed', failure: failureData(notRolledBack(work, context, stays)) };
    showProgress({ subject: `${userid} on ${host}`, state: 'cancelled and rolled back', lists: { done } });
    return { kind: 'cancelled' };
  }
  if (why.kind === 'failed')
    return { kind: 'failed', failure: failureData(withRollback(failureFrom(why.failure), stays === undefined)) };
  return chooseAnew(work, why);
}

/** Start the work again with other addresses; an outcome when that is not allowed, or the attempts are used up. */
function chooseAnew(work: RequestWork, { macs, ports, refusals }: AddressConflict): RequestOutcome | undefined {
  const { request } = work;
  const fails = (why: Refusal[]): RequestOutcome => ({ kind: 'failed', failure: failureData(refused(why)) });
  if (request.onlyIf?.plan !== undefined) return fails(refusals.map(notAsPlanned));
  if (work.choice >= MOST_CHOICES) return fails(refusals);
  work.avoidMacs.push(...macs);
  work.avoidPorts.push(...ports);
  work.choice += 1;
  delete work.planned;
  delete work.rollback;
  work.forward = { ...firstState(work.forward.deadline), followUps: work.forward.followUps };
  return undefined;
}

/** The refusal of a plan whose address is taken: another address would be another plan. */
function notAsPlanned({ reason }: Refusal): Refusal {
  return refusal('onlyIf.plan', reason, 'make a dry run again');
}

function failureToReport(
  error: unknown,
  where: { host: string; userid: string; portIds: readonly string[] },
): ApplicationFailure {
  const failure = applicationFailureOf(error);
  if (failure?.type === 'Refused') return refusedAt(failure, where);
  if (failure !== undefined) return failure;
  const report = { ...where, ...permanently(troubleOf(error, `change ${where.userid}`)), done: [] };
  return operationFailed('StepFailed', report, 'left');
}

/** The outcome of an operation that was ended after a restore: nobody knows how much of it, and of what followed it, was done. */
function leftAsIs(
  { request, forward: { done } }: RequestWork,
  { host, userid }: Pick<WorkContext, 'host' | 'userid'>,
): RequestOutcome {
  const { portIds } = searchTermsOfChange(request.change);
  const reason = "an operator has ended it after a restore of Temporal's database";
  const advice = `compare ${userid} with its record: zvmnet guest show ${userid}`;
  const report = { host, userid, portIds, step: request.summary, reason, advice, done: [...done] };
  return { kind: 'failed', failure: failureData(operationFailed('StepFailed', report, 'left')) };
}

/** The failure of a cancelled operation whose rollback failed. */
function notRolledBack({ request, forward: { done } }: RequestWork, { host, userid }: WorkContext, reason: string) {
  const { portIds } = searchTermsOfChange(request.change);
  const step = `roll back ${userid} after the cancellation of the operation`;
  const advice = 'correct the cause, then start the operation again, or the opposite one';
  return operationFailed('StepFailed', { host, userid, portIds, step, reason, advice, done: [...done] }, 'left');
}

/** The result of a request that is only planned. */
function planOf(planned: PlannedChange): RequestResult {
  const result = resultOf(planned, planned.liveVdevs, false, planned.steps.map(announced));
  return { ...result, plan: planned.plan, effect: effectOf(planned.steps) };
}
