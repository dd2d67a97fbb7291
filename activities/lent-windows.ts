import { Context, log } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure, TemporalFailure } from '@temporalio/common';
import type { Cancellation } from '../backend/backend.ts';
import { singleFlight } from '../backend/waiting.ts';
import { defined } from '../domain/defined.ts';
import { taskQueueOf } from '../domain/host/host.ts';
import { carriedOutResult } from '../domain/planning/plan-result.ts';
import { messageOf } from '../domain/text/error-message.ts';
import { isWordChange } from '../domain/text/words.ts';
import { guestWorkflowId } from '../temporal-config/names.ts';
import { decodePayloads } from '../temporal-config/payloads.ts';
import type { Answer, RequestResult } from '../workflows/guest-queue-messages.ts';
import type { HostActivities, PlannedChange } from '../workflows/host-activities.ts';
import type { Borrower, GivenBack } from '../workflows/loan.ts';
import { enqueueRequest, guestRunOptions, type ToGuest, withEach } from './enqueue.ts';
import { grpcCodeOf, INVALID_ARGUMENT } from './failures.ts';
import type { Keep } from './heartbeat.ts';
import { firstThatFit } from './result-size.ts';
import { createSendingTurns, type SendingTurns } from './sending-turns.ts';
import { isMissingRun } from './temporal-operations.ts';

type Client = Context['client'];
type ChangeGuest = HostActivities['changeGuest'];

/** Carry out the change of one guest, up to one reading after it. `keep` has Temporal keep the plan before the first step. */
export type ChangeLent = (
  input: Parameters<ChangeGuest>[0],
  cancellation: Cancellation,
  keep: (planned: PlannedChange) => Promise<void>,
) => ReturnType<ChangeGuest>;

/** The windows whose guests are lent by their runs, of one worker. */
export type LentWindows = Pick<HostActivities, 'isLent' | 'recallPlan'> & {
  change(
    input: Parameters<HostActivities['changeWindow']>[0],
    cancellation: Cancellation,
    keep: Keep,
  ): Promise<readonly Answer[]>;
};

/** A lent guest, with the run that lends it. `ended` aborts its work when that run has ended. */
type Lent = ToGuest & { runId: string; ended: AbortController };
/** The part of a window that outlives its worker. */
type Kept = { plans: Record<string, PlannedChange>; answers: Answer[] };

/** Windows whose guests are read at once: one waits at the zHCP already when the reading of the other ends. */
const READ_AT_ONCE = 2;
// A run looks for its borrower then, in case that nothing has woken it.
const LONGEST_SLEEP = '10 minutes';
// Temporal keeps no details, and takes no result, of more than 2 MB.
const MOST_CHARACTERS = 700_000;
const LOOK_MS = 5_000;
/** A run of another worker asks for its plan within this time, while Temporal or this worker still has it. */
const RECALL_MS = 20_000;
/** Of an operation that was terminated Temporal keeps no plan, and one of the host's workers has it: one of so many calls comes to it. */
const RECALLS = 8;
const RECALL_PAUSE = '2 seconds';

/** Create the windows of one worker. */
export function createLentWindows(host: string, change: ChangeLent): LentWindows {
  const atWork = new Map<string, LentWindow>();
  const [turns, lendingTurns] = [createSendingTurns(READ_AT_ONCE), createSendingTurns()];
  return {
    async change({ requests }, cancellation, keep) {
      const { info, client } = Context.current();
      const { workflowId = '', runId = '' } = info.workflowExecution ?? {};
      const borrower = { workflowId, runId, activityId: info.activityId };
      const window = new LentWindow({ host, client, turns, lendingTurns, borrower, cancellation, keep, change });
      atWork.set(keyOf(borrower), window);
      try {
        return await (info.attempt === 1
          ? window.carryOut(requests)
          : window.giveUp(requests, keptIn(info.heartbeatDetails)));
      } catch (error) {
        throw error instanceof TemporalFailure ? error : ApplicationFailure.retryable(messageOf(error));
      } finally {
        atWork.delete(keyOf(borrower));
      }
    },
    isLent: async (borrower) => {
      const run = await runOf(Context.current().client, borrower);
      return run !== undefined && pendingIn(run, borrower) !== undefined;
    },
    async recallPlan({ borrower, requestId }) {
      const here = atWork.get(keyOf(borrower))?.recall(requestId);
      if (here !== undefined) return here;
      const { client, info } = Context.current();
      const run = await runOf(client, borrower);
      if (run === undefined) return undefined;
      const details = pendingIn(run, borrower)?.heartbeatDetails;
      const [kept] = await decodePayloads(client, details?.payloads);
      const planned = keptIn(kept).plans[requestId];
      if (planned === undefined && run.status.name !== 'RUNNING' && info.attempt < RECALLS) throw elsewhere(requestId);
      return planned;
    },
  };
}

type Settings = {
  host: string;
  client: Client;
  turns: SendingTurns;
  lendingTurns: SendingTurns;
  borrower: Borrower;
  cancellation: Cancellation;
  keep: Keep;
  change: ChangeLent;
};

/** One window: its guests are lent, changed together, and given back. */
class LentWindow {
  readonly #settings: Settings;
  readonly #since = Date.now();
  readonly #plans = new Map<string, PlannedChange>();
  readonly #unrecalled = new Set<string>();
  readonly #recalled = Promise.withResolvers<void>();
  /** Resolves when the reading of its guests begins. */
  readonly #begun = Promise.withResolvers<void>();
  readonly #unplanned = new Set<string>();
  readonly #planned = Promise.withResolvers<void>();
  /** Aborted when the operation is cancelled. */
  readonly #cancelled = new AbortController();
  readonly #keepPlans: () => Promise<void>;
  #characters = 0;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#keepPlans = singleFlight(() => settings.keep({ plans: Object.fromEntries(this.#plans), answers: [] }));
  }

  async carryOut(requests: readonly ToGuest[]): Promise<readonly Answer[]> {
    const { turns, lendingTurns, cancellation } = this.#settings;
    // The guests of one window are lent while those of the window before are read.
    const lent = await lendingTurns.take(this.#begun.promise, cancellation.stop, () => this.#lend(requests));
    if (lent === undefined)
      return requests.map(({ request: { id, runId } }) => ({ id, outcome: { kind: 'cancelled' }, runId }));
    // A further window begins when this one is planned: DirMaint has work while the guests of others are read.
    await turns.take(this.#planned.promise, cancellation.stop, async () => this.#begun.resolve());
    const look = singleFlight(async () => {
      await Promise.all([this.#endTerminated(lent), this.#endCancelled()]);
    });
    const looking = setInterval(() => void look().catch(() => undefined), LOOK_MS);
    try {
      const answers = await Promise.all(lent.map((each) => this.#change(each, lent.length, look)));
      const done = answers.flatMap((answer) => answer ?? []);
      await look();
      const told = await this.#keepAnswers(firstThatFit(done, MOST_CHARACTERS));
      // The next attempt gives the guests back: this worker is gone before their runs have asked for their plans.
      if (cancellation.leave.aborted) throw ApplicationFailure.retryable('the worker was stopped');
      await this.#giveBack(lent, told);
      return told;
    } finally {
      clearInterval(looking);
    }
  }

  /** A worker was lost: each guest goes on by its own run, from the plan that Temporal has kept. */
  async giveUp(requests: readonly ToGuest[], { plans, answers }: Kept): Promise<readonly Answer[]> {
    await this.#settings.keep({ plans, answers });
    await this.#endCancelled();
    for (const [id, planned] of Object.entries(plans)) this.#plans.set(id, planned);
    await withEach(requests, (each) => this.#return(each, answers));
    await this.#untilRecalled();
    return answers;
  }

  recall(requestId: string): PlannedChange | undefined {
    this.#unrecalled.delete(requestId);
    if (this.#unrecalled.size === 0) this.#recalled.resolve();
    return this.#plans.get(requestId);
  }

  /** Start the runs of guests that have none, each with its request and asleep; others get the request into their queue. Undefined: the operation is cancelled. */
  async #lend(requests: readonly ToGuest[]): Promise<readonly Lent[] | undefined> {
    const { client, host, borrower } = this.#settings;
    const lent: Lent[] = [];
    await this.#endCancelled();
    if (this.#cancelled.signal.aborted) return undefined;
    await withEach(requests, async ({ userid, request }) => {
      try {
        const { firstExecutionRunId } = await client.workflow.start('convergeGuest', {
          ...guestRunOptions(client, host, { userid, request }),
          args: [{ host, userid, lent: { request, borrower } }],
          startDelay: LONGEST_SLEEP,
        });
        lent.push({ userid, request, runId: firstExecutionRunId, ended: new AbortController() });
        this.#unplanned.add(request.id);
      } catch (error) {
        if (!isAtWork(error)) throw error;
        await enqueueRequest(client, host, { userid, request });
      }
    });
    if (lent.length === 0) this.#planned.resolve();
    return lent;
  }

  /** The answer of a guest whose change has come to its end; undefined when its run has to go on with it. */
  async #change(lent: Lent, size: number, look: () => Promise<void>): Promise<Answer | undefined> {
    const { change, cancellation } = this.#settings;
    const { request, ended } = lent;
    const { id, runId } = request;
    const stop = AbortSignal.any([cancellation.stop, this.#cancelled.signal, ended.signal]);
    const keep = async (planned: PlannedChange) => {
      this.#add(id, planned);
      this.#hasPlanned(id);
      await Promise.all([this.#keepPlans(), look()]);
      stop.throwIfAborted();
    };
    try {
      const changed = await change(this.#inputOf(lent, size), { stop, leave: cancellation.leave }, keep);
      const result = resultOf(changed, isWordChange(request.change));
      return result && { id, outcome: { kind: 'done', result }, runId };
    } catch (error) {
      // The guest's run comes to the same, and says it.
      log.debug('a guest of a window is left to its run', { userid: lent.userid, reason: String(error) });
      return undefined;
    } finally {
      this.#hasPlanned(id);
    }
  }

  #hasPlanned(id: string): void {
    this.#unplanned.delete(id);
    if (this.#unplanned.size === 0) this.#planned.resolve();
  }

  #inputOf({ userid, request, runId }: Lent, size: number): Parameters<ChangeGuest>[0] {
    const { change, asks, onlyIf, batch, directory, operation, acceptedAt, id } = request;
    const order = { acceptedAt, known: [], waitsForEarlier: true, looksBackFrom: runId };
    return {
      ...{ host: this.#settings.host, userid, operation, requestId: id, change },
      ...{ avoidMacs: [], avoidPorts: [], followUps: [] },
      ...defined({ asks, onlyIf, directory, order: isWordChange(change) ? order : undefined }),
      ...(batch === undefined ? {} : { batch: { window: `${batch.window}/lent`, size } }),
    };
  }

  #add(id: string, planned: PlannedChange): void {
    this.#characters += JSON.stringify(planned).length;
    if (this.#characters > MOST_CHARACTERS) throw new Error('the plans of the window are more than Temporal keeps');
    this.#plans.set(id, planned);
  }

  /** A run that was terminated lends nothing any more: the guest's next run may begin. */
  async #endTerminated(lent: readonly Lent[]): Promise<void> {
    const { client, host } = this.#settings;
    const since = new Date(this.#since).toISOString();
    const query = `TaskQueue = "${taskQueueOf(host)}" AND WorkflowType = "convergeGuest" AND ExecutionStatus IN ("Terminated", "Failed", "TimedOut") AND CloseTime >= "${since}"`;
    for await (const { runId } of client.workflow.list({ query }))
      lent.find((each) => each.runId === runId)?.ended.abort(new Error(`guest run ${runId} was terminated`));
  }

  /** Have Temporal keep the answers before a run hears that its operation knows them. None where nobody takes them: no guest is done then. */
  async #keepAnswers(answers: readonly Answer[]): Promise<readonly Answer[]> {
    const { keep, cancellation } = this.#settings;
    if (this.#cancelled.signal.aborted) return [];
    const isTold = new Set(answers.map(({ id }) => id));
    const plans = Object.fromEntries([...this.#plans].filter(([id]) => !isTold.has(id)));
    try {
      await keep({ plans, answers });
    } catch (error) {
      if (!cancellation.stop.aborted) throw error;
      return [];
    }
    for (const id of isTold) this.#plans.delete(id);
    return answers;
  }

  /** Temporal does not cancel the activity, whose plans would be lost with its worker. */
  async #endCancelled(): Promise<void> {
    const { client, borrower } = this.#settings;
    const run = await runOf(client, borrower);
    if (run?.raw.workflowExtendedInfo?.cancelRequested === true)
      this.#cancelled.abort(new CancelledFailure('the operation was cancelled'));
  }

  async #giveBack(lent: readonly Lent[], answers: readonly Answer[]): Promise<void> {
    const open = lent.filter(({ ended }) => !ended.signal.aborted);
    await withEach(open, (each) => this.#return(each, answers));
    await this.#untilRecalled();
  }

  /** Give a guest back, and wake its run: only a start with a signal does. One that has to go on gets the request too, in case that it is of a build that knows no loans. */
  async #return(to: ToGuest, answers: readonly Answer[]): Promise<void> {
    const { client, host } = this.#settings;
    const how = this.#standOf(to, answers);
    if (how.kind === 'done') {
      const options = { ...guestRunOptions(client, host, to), args: [{ host, userid: to.userid }] };
      await client.workflow.signalWithStart('convergeGuest', { ...options, signal: 'giveBack', signalArgs: [how] });
      return;
    }
    await enqueueRequest(client, host, to);
    const run = client.workflow.getHandle(guestWorkflowId(host, to.userid));
    try {
      // Before it goes on, not when the activity has ended.
      if (this.#cancelled.signal.aborted) await run.signal('withdraw', to.request.id);
      await run.signal('giveBack', how);
    } catch (error) {
      if (!isMissingRun(error)) throw error;
    }
  }

  #standOf({ request: { id } }: ToGuest, answers: readonly Answer[]): GivenBack {
    const outcome = answers.find((answer) => answer.id === id)?.outcome;
    if (outcome?.kind === 'done') return { kind: 'done', requestId: id, result: inShort(outcome.result) };
    if (!this.#plans.has(id)) return { kind: 'untouched', requestId: id };
    this.#unrecalled.add(id);
    return { kind: 'begun', requestId: id };
  }

  async #untilRecalled(): Promise<void> {
    if (this.#unrecalled.size === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, RECALL_MS);
    await Promise.race([this.#recalled.promise, promise]);
    clearTimeout(timer);
  }
}

/** The result of a change of which nothing is left to do; undefined when there is, or when it has to wait. */
function resultOf(changed: Awaited<ReturnType<ChangeGuest>>, isUndoable: boolean): RequestResult | undefined {
  if (changed.kind !== 'planned' || changed.wait !== undefined) return undefined;
  const { steps, liveVdevs, applied } = changed;
  if (steps.length === 0) return carriedOutResult(changed, liveVdevs, [], isUndoable);
  if (applied === undefined || applied === 'unheard' || applied.isOutdated) return undefined;
  const { reports, after } = applied;
  if (reports.length < steps.length || after === undefined || after.steps.length > 0) return undefined;
  const done = reports.map(({ step }) => step);
  return carriedOutResult(changed, after.liveVdevs, done, isUndoable);
}

/** The part of a result that a guest's run shows. */
function inShort({ changed, steps, found }: RequestResult): RequestResult {
  return { changed, steps, found, ports: [], refused: [], liveVdevs: [] };
}

function keyOf({ workflowId, runId, activityId }: Borrower): string {
  return `${workflowId} ${runId} ${activityId}`;
}

/** The operation whose activity is the borrower; undefined when there is none, or none can be of that name. */
async function runOf(client: Client, { workflowId, runId }: Borrower) {
  try {
    return await client.workflow.getHandle(workflowId, runId).describe();
  } catch (error) {
    // A Run ID that is malformed names no run.
    if (isMissingRun(error) || grpcCodeOf(error) === INVALID_ARGUMENT) return undefined;
    throw error;
  }
}

/** The borrower as Temporal has it; undefined when it has ended. */
function pendingIn({ raw }: NonNullable<Awaited<ReturnType<typeof runOf>>>, { activityId }: Borrower) {
  return raw.pendingActivities?.find((activity) => activity.activityId === activityId);
}

function elsewhere(requestId: string): ApplicationFailure {
  const message = `this worker has no plan of request ${requestId}`;
  return ApplicationFailure.create({ message, nextRetryDelay: RECALL_PAUSE });
}

/** The details of the last heartbeat of an attempt, which this program has written. */
function keptIn(details: unknown): Kept {
  const { plans = {}, answers = [] } = (details ?? {}) as Partial<Kept>;
  return { plans, answers };
}

/** True of the answer that the guest has a run. */
function isAtWork(error: unknown): boolean {
  return error instanceof Error && error.name === 'WorkflowExecutionAlreadyStartedError';
}
