import { CancelledFailure } from '@temporalio/common';
import {
  CancellationScope,
  condition,
  getExternalWorkflowHandle,
  isCancellation,
  log,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { defined } from '../domain/defined.ts';
import { searchTermsOfChange } from '../domain/guest/search-terms.ts';
import { type PolicyQuestion, refusalOf } from '../domain/policy/verdict.ts';
import type { Userid } from '../domain/text/identifiers.ts';
import { guestWorkflowId } from '../temporal-config/names.ts';
import { CALL_TO_TEMPORAL, HEARTBEAT, LONGEST_SUMMARY, windowActivities } from './activity-proxies.ts';
import { callerOfRun } from './caller.ts';
import { failureData, failureFrom, operationFailed, refused } from './failures.ts';
import {
  type Answer,
  answer,
  answers,
  guestLost,
  isRequestOutcome,
  isRequestStanding,
  type RequestOutcome,
  type RequestResult,
  type RequestStanding,
  standing,
  withdraw,
} from './guest-queue-messages.ts';
import { type GuestRequest, isLendable, isOrdered } from './guest-request.ts';
import type { HostActivities } from './host-activities.ts';
import { currentTraceparent } from './run-telemetry.ts';
import { isRecord } from './untrusted-input.ts';

/** A change of a guest. */
export type GuestChange = Pick<
  GuestRequest,
  'change' | 'giveUpAfterMinutes' | 'keepOnFailure' | 'onlyIf' | 'batch' | 'directory' | 'comesAgain'
> & { host: string; userid: Userid; dryRun?: boolean };

/** The queues of guests, as one operation sees them. */
export type GuestQueues = {
  /**
   * Request a change of a guest: it enters the guest's queue and is carried out in the order of acceptance. Throws its failure.
   * A cancelled operation withdraws its request, and waits until the guest is in the state before it.
   */
  request(asked: GuestChange, summary: string, options?: RunOptions): Promise<Granted>;
  /** The same, for a caller that cannot wait: a change that the policy has wait is refused. */
  run(asked: GuestChange, summary: string, options?: RunOptions): Promise<RequestResult>;
  /** The same, but only when the guest is free: else nothing is done, and the answer is undefined. */
  runIfFree(asked: GuestChange, summary: string): Promise<RequestResult | undefined>;
};

/** A request that was carried out, or that is planned and has to wait: it has left the queue then. */
export type Granted = Extract<RequestOutcome, { kind: 'done' | 'awaits' }>;

/** The part of a request that its sender alone knows, for the policy. */
export type Governed = Pick<PolicyQuestion, 'consent' | 'guests'> & {
  /** When the request got its place in the guest's order, in milliseconds of Unix time, where that is later than its operation's acceptance. */
  acceptedAt?: number;
};

type RunOptions = {
  governed?: Governed;
  /** Called with the standing of the request while it has no outcome. */
  show?: (where: RequestStanding) => void;
  /** The same, when the guest run tells nothing but that the host is held. */
  showHeld?: (where: RequestStanding) => void;
};

type Pending = {
  guest: string;
  outcome: RequestOutcome | undefined;
  /** The run of the operation that had sent the request which was answered; another one when the operation was reset since. */
  answeredRun: string | undefined;
  /** The guest's run was terminated or failed before it answered. */
  lost: { began: boolean } | undefined;
  show: ((where: RequestStanding) => void) | undefined;
};

type Outgoing = { host: string; userid: Userid; request: GuestRequest; sent: PromiseWithResolvers<void> };

/** The requests of one operation to guests, one or many. Call it once in a workflow, before anything that waits. */
export function guestQueues(): GuestQueues {
  const pending = new Map<string, Pending>();
  const caller = callerOfRun();
  let count = 0;

  const take = (id: unknown, outcome: unknown, runId: unknown) => {
    const asked = pending.get(String(id));
    if (!isRequestOutcome(outcome)) log.warn('malformed answer dropped');
    else if (asked !== undefined && asked.outcome === undefined) {
      asked.outcome = outcome;
      asked.answeredRun = typeof runId === 'string' ? runId : undefined;
    }
  };
  const outbox = new Outbox(({ id, outcome, runId }) => take(id, outcome, runId));
  setHandler(answer, take);
  setHandler(answers, (all: unknown) => {
    for (const each of Array.isArray(all) ? all : [all]) {
      if (isRecord(each)) take(each.id, each.outcome, each.runId);
      else log.warn('malformed answer dropped');
    }
  });
  setHandler(standing, (id: unknown, where: unknown) => {
    if (isRequestStanding(where)) pending.get(String(id))?.show?.(where);
  });
  setHandler(guestLost, (id: unknown, how: unknown) => {
    const asked = pending.get(String(id));
    if (asked !== undefined && isRecord(how)) asked.lost = { began: how.began === true };
  });

  const ask = async (
    asked: GuestChange,
    summary: string,
    { show, showHeld, governed = {} }: RunOptions,
    onlyIfFree: boolean,
  ): Promise<RequestOutcome> => {
    const { host, userid, dryRun = false, ...change } = asked;
    const { workflowId, runId, firstExecutionRunId, startTime } = workflowInfo();
    const ordered = isOrdered(change);
    const { acceptedAt = startTime.getTime(), ...question } = governed;
    const request: GuestRequest = {
      ...change,
      // A caller's request keeps its id after a reset; repeated requests to a guest have an id each.
      id: `${ordered ? firstExecutionRunId : runId}/${count++}`,
      runId,
      operation: { workflowId, firstRunId: firstExecutionRunId },
      acceptedAt: ordered ? acceptedAt : Date.now(),
      asks: { caller, ...question },
      ...{ summary, dryRun, reports: show !== undefined, onlyIfFree, takesAnswers: true },
      ...defined({ trace: currentTraceparent() }),
    };
    const nothing = { outcome: undefined, answeredRun: undefined, lost: undefined };
    const entry: Pending = { guest: guestWorkflowId(host, userid), ...nothing, show: show ?? showHeld };
    pending.set(request.id, entry);
    try {
      return await outcomeOf(asked, request, entry, outbox);
    } finally {
      pending.delete(request.id);
    }
  };

  return {
    async request(asked, summary, options = {}) {
      const outcome = await ask(asked, summary, options, false);
      if (outcome.kind === 'done' || outcome.kind === 'awaits') return outcome;
      throw failureOf(outcome);
    },
    async run(asked, summary, options = {}) {
      return doneOf(await ask(asked, summary, options, false));
    },
    async runIfFree(asked, summary) {
      const outcome = await ask(asked, summary, {}, true);
      return outcome.kind === 'busy' ? undefined : doneOf(outcome);
    },
  };
}

function doneOf(outcome: RequestOutcome): RequestResult {
  if (outcome.kind === 'done') return outcome.result;
  throw outcome.kind === 'awaits' ? refused([refusalOf(outcome.wait)]) : failureOf(outcome);
}

function failureOf(outcome: Exclude<RequestOutcome, Granted>): Error {
  if (outcome.kind === 'failed') return failureFrom(outcome.failure);
  return new CancelledFailure(
    outcome.kind === 'cancelled' ? 'the request was cancelled' : 'another operation is in progress on the guest',
  );
}

async function outcomeOf(
  asked: GuestChange,
  request: GuestRequest,
  entry: Pending,
  outbox: Outbox,
): Promise<RequestOutcome> {
  const { host, userid } = asked;
  for (;;) {
    entry.lost = undefined;
    entry.outcome = undefined;
    await outbox.send(host, userid, request);
    await answered(request, entry);
    if (entry.outcome !== undefined && !isOfEarlierRun(request, entry)) return entry.outcome;
    if (hasBegun(entry)) return guestTerminated(asked);
    // Lost before it had begun, or answered before the operation was reset: it enters the queue again, and is withdrawn again if it was.
  }
}

/**
 * Wait for the outcome, or for the guest's run to be lost. A cancelled operation withdraws its request, and waits all the same: only the
 * guest's run, or a worker that has read its history, knows how far the request has come.
 */
async function answered(request: GuestRequest, entry: Pending): Promise<void> {
  const hasEnded = () => entry.outcome !== undefined || entry.lost !== undefined;
  try {
    await condition(hasEnded);
  } catch (error) {
    if (!isCancellation(error)) throw error;
    await CancellationScope.nonCancellable(async () => {
      // Without a guest run there is no queue: the request was lost, and a worker soon signals that.
      await getExternalWorkflowHandle(entry.guest)
        .signal(withdraw, request.id)
        .catch(() => undefined);
      await condition(hasEnded);
    });
  }
}

/**
 * True when the operation was reset to a point after its answer: what the answer says may have been overtaken since. A bulk operation has gone on from
 * its answers within the same history, and keeps them.
 */
function isOfEarlierRun({ runId, batch }: GuestRequest, { answeredRun }: Pending): boolean {
  return batch === undefined && answeredRun !== undefined && answeredRun !== runId;
}

function hasBegun({ lost }: Pending): boolean {
  return lost?.began === true;
}

/** The steps of a terminated run are not rolled back: reconciliation brings the guest to its record. */
function guestTerminated({ host, userid, change }: GuestChange): RequestOutcome {
  const { portIds } = searchTermsOfChange(change);
  const step = `change ${userid}`;
  const reason = `its guest run ${guestWorkflowId(host, userid)} was terminated`;
  const advice = 'start the operation again, or the opposite one: reconciliation restores the record';
  const report = { host, userid, portIds, step, reason, advice, done: [] };
  return { kind: 'failed', failure: failureData(operationFailed('StepFailed', report, 'left')) };
}

/** Requests of one window that are made at the same moment go to their guests by one activity: windows are sent one after another. */
class Outbox {
  #waiting: Outgoing[] = [];
  readonly #take: (answer: Answer) => void;

  constructor(take: (answer: Answer) => void) {
    this.#take = take;
  }

  async send(host: string, userid: Userid, request: GuestRequest): Promise<void> {
    const sent = Promise.withResolvers<void>();
    this.#waiting.push({ host, userid, request, sent });
    if (this.#waiting.length === 1) void this.#flush();
    await sent.promise;
  }

  async #flush(): Promise<void> {
    await Promise.resolve();
    const waiting = this.#waiting;
    this.#waiting = [];
    const windows = Map.groupBy(waiting, ({ request }) => request.batch?.window);
    for (const ofWindow of windows.values()) void this.#sendTogether(ofWindow);
  }

  async #sendTogether(batch: readonly Outgoing[]): Promise<void> {
    const [first] = batch;
    if (first === undefined) return;
    const { host } = first;
    const requests = batch.map(({ userid, request }) => ({ userid, request }));
    const send = async () => {
      if (!isLendable(first.request)) return enqueueing(batch).enqueueRequests({ host, requests });
      const window = windowActivities(summaryOf(requests), requests.length);
      for (const each of await window.changeWindow({ host, requests })) this.#take(each);
    };
    try {
      // A cancelled activity is not repeated when its worker is lost, and its plans are lost with it: a window sees by itself that its operation is cancelled.
      await CancellationScope.nonCancellable(send);
      for (const { sent } of batch) sent.resolve();
    } catch (error) {
      for (const { sent } of batch) sent.reject(error);
    }
  }
}

function summaryOf(batch: readonly { userid: Userid; request: GuestRequest }[]): string {
  const [first] = batch;
  const more = batch.length > 1 ? ` and ${batch.length - 1} more guests` : '';
  return `${first?.request.summary}${more}`.slice(0, LONGEST_SUMMARY);
}

/** The activity that sends requests until they are accepted: Temporal may be busy, or the guest's run full. */
function enqueueing(outgoing: readonly Outgoing[]): Pick<HostActivities, 'enqueueRequests'> {
  const [first] = outgoing;
  const more = outgoing.length > 1 ? ` and ${outgoing.length - 1} more guests` : '';
  return proxyActivities<HostActivities>({
    summary: `${first?.request.summary}: enter the queue of ${first?.userid}${more}`.slice(0, LONGEST_SUMMARY),
    startToCloseTimeout: CALL_TO_TEMPORAL,
    heartbeatTimeout: HEARTBEAT,
    retry: { initialInterval: '1 second', maximumInterval: '30 seconds' },
  });
}
