import { CancelledFailure } from '@temporalio/common';
import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  log,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { defined } from '../domain/defined.ts';
import { searchTermsOfChange } from '../domain/guest/search-terms.ts';
import { ZVM_OUTCOME } from '../temporal-config/search-attributes.ts';
import { tracePlaceIn } from '../temporal-config/trace-header.ts';
import { answering } from './activity-proxies.ts';
import { carryOutByKind } from './carriers.ts';
import { Deliveries } from './deliveries.ts';
import { heldBy, requestedPause } from './failures.ts';
import { GuestQueue } from './guest-queue.ts';
import {
  abandon,
  answer,
  enqueue,
  isAnsweredTogether,
  isGuestRequest,
  queueOfGuest,
  type RequestOutcome,
  type RequestStanding,
  standing,
  withdraw,
} from './guest-queue-messages.ts';
import { type GuestRequest, isWord } from './guest-request.ts';
import {
  acceptedInput,
  acceptedState,
  type ConvergeGuestInput,
  type ConvergeGuestResult,
  type Finished,
  finishedOf,
  type GuestRunState,
  showGuestRun,
  worst,
} from './guest-run-result.ts';
import type { EarlierOperation, PlaceInOrder } from './host-activities.ts';
import { LentGuest } from './lent-guest.ts';
import { giveBack } from './loan.ts';
import { Releases } from './releases.ts';
import { beginWork, isNotYet, type NotYet, type RequestWork, type WorkContext } from './request-work.ts';
import { measureQueue, traced } from './run-telemetry.ts';
import { addSearchAttributes } from './run-visibility.ts';
import { isText } from './untrusted-input.ts';

// Temporal accepts 10,000 signals and 51,200 events a run: the next run takes over long before.
const MOST_SIGNALS = 2_000;
const MOST_FINISHED = 50;
const LONGEST_PAUSE_MS = 30_000;
/** Longest wait for an operation that was accepted earlier: one without workers must not lock the guest. */
const PATIENCE_MS = 120_000;

/** Thrown when the next run must continue: the history is long. */
class HistoryFull extends Error {}

/**
 * The guest run: the only writer of a guest's network. It owns the queue of the guest's requests, carries them out in the order in which
 * Temporal accepted their operations, answers each operation, and ends when the queue is empty. A window may have borrowed the guest for the first request.
 */
export async function convergeGuest(input: ConvergeGuestInput, carried?: GuestRunState): Promise<ConvergeGuestResult> {
  const run = new GuestRun(acceptedInput(input), acceptedState(carried));
  setHandler(enqueue, (request: unknown) => run.receive(request));
  setHandler(withdraw, (id: unknown) => run.withdraw(id));
  setHandler(abandon, (workflowId: unknown) => run.abandon(workflowId));
  setHandler(giveBack, (how: unknown) => run.takeBack(how));
  setHandler(queueOfGuest, () => run.operations());
  return run.work();
}

class GuestRun {
  readonly queue: GuestQueue;
  readonly #input: Omit<ConvergeGuestInput, 'lent'>;
  /** Until a window has given the guest back. */
  #lent: LentGuest | undefined;
  readonly #finished: Finished[];
  #current: RequestWork | undefined;
  /** Ends the request in progress. */
  #scope: CancellationScope | undefined;
  #isWithdrawn = false;
  #isCancelled = false;
  #changedAt: number | undefined;
  #signals = 0;
  /** The work of earlier runs is known for requests accepted since then, in milliseconds of Unix time. */
  #knownSince = Number.POSITIVE_INFINITY;
  readonly #releases = new Releases();
  /** How long the hold lasts by its own word, in milliseconds, while it has stopped the queue; 0 without an end. */
  #heldMs: number | undefined;
  readonly #told = new Deliveries();

  constructor({ lent, ...guest }: ConvergeGuestInput, state: GuestRunState) {
    this.#input = guest;
    this.queue = new GuestQueue(state);
    this.#current = lent === undefined ? state.current : beginWork(lent.request, []);
    if (lent !== undefined) this.#lent = new LentGuest(lent);
    this.#isWithdrawn = state.isWithdrawn === true;
    this.#finished = [...state.finished];
  }

  receive(request: unknown): void {
    this.#signals += 1;
    if (!isGuestRequest(request)) {
      log.warn('malformed request dropped');
      return;
    }
    const known = this.#current?.request.id === request.id ? this.#current.request : this.queue.find(request.id);
    if (known !== undefined) {
      // After a reset the new run of the operation waits for the answer.
      known.runId = request.runId;
      return;
    }
    if (this.queue.isAnswered(request)) return;
    const ahead = this.#current?.request ?? this.queue.last();
    if (request.onlyIfFree && ahead !== undefined) {
      this.#answer(request, { kind: 'busy' });
      return;
    }
    this.queue.add(request);
    if (ahead === undefined) return;
    this.#tell(request, { kind: 'waits', behind: ahead.operation.workflowId });
    measureQueue(this.queue.inOrder().length);
  }

  takeBack(how: unknown): void {
    this.#signals += 1;
    if (this.#lent?.takeBack(how) !== true) log.warn('a guest was given back that is not lent');
  }

  withdraw(id: unknown): void {
    this.#signals += 1;
    if (!isText(id)) {
      log.warn('malformed withdrawal dropped');
      return;
    }
    const queued = this.queue.take(id);
    if (queued !== undefined) this.#finish(queued, { kind: 'cancelled' });
    else if (this.#current?.request.id === id) this.#withdrawCurrent();
  }

  abandon(workflowId: unknown): void {
    this.#signals += 1;
    if (!isText(workflowId)) {
      log.warn('malformed end of an operation dropped');
      return;
    }
    for (const request of this.queue.takeOf(workflowId)) this.#finish(request, { kind: 'cancelled' });
    if (this.#current?.request.operation.workflowId !== workflowId) return;
    this.#current.isAbandoned = true;
    this.#scope?.cancel();
  }

  operations(): { current: string | undefined; waiting: string[] } {
    const waiting = this.queue.inOrder().map(({ operation }) => operation.workflowId);
    return { current: this.#current?.request.operation.workflowId, waiting };
  }

  async work(): Promise<ConvergeGuestResult> {
    const { host, userid } = this.#input;
    CancellationScope.current().cancelRequested.catch(() => this.#cancelAll());
    addSearchAttributes({ host, userid });
    await CancellationScope.nonCancellable(async () => {
      while (this.#current !== undefined || !this.queue.isEmpty()) await this.#next();
      await this.#settled();
    });
    if (this.#current !== undefined || !this.queue.isEmpty()) return this.work();
    upsertSearchAttributes([{ key: ZVM_OUTCOME, value: worst(this.#finished) }]);
    this.#show('has an empty queue');
    if (this.#isCancelled) throw new CancelledFailure('the guest run was cancelled with all requests in its queue');
    const { words, answered } = this.queue.state();
    return { host, userid, requests: this.#finished, ...defined({ changedAt: this.#changedAt }), words, answered };
  }

  async #next(): Promise<void> {
    if (this.#lent === undefined && this.#isFull()) await this.#continueAsNew();
    const begun = this.#current;
    const isHeld = this.#heldMs !== undefined;
    const request = begun?.request ?? (isHeld ? this.queue.firstPlan() : this.queue.first());
    if (request === undefined) return this.#awaitRelease();
    this.queue.take(request.id);
    const overtaken = begun === undefined ? this.queue.overtaking(request) : undefined;
    if (overtaken !== undefined) {
      this.#finish(request, { kind: 'failed', failure: overtaken });
      return;
    }
    const work = begun ?? beginWork(request, this.queue.overtakenPorts(request));
    this.#current = work;
    addSearchAttributes({ ...this.#input, ...searchTermsOfChange(request.change) });
    this.#tellIfWaited(request);
    try {
      await this.#carryOut(work);
    } catch (error) {
      if (!(error instanceof HistoryFull)) throw error;
      await this.#continueAsNew();
    }
  }

  async #carryOut(work: RequestWork): Promise<void> {
    const { request } = work;
    const outcome = await this.#inScope(() =>
      traced('GuestRequest', tracePlaceIn(request.trace), { 'zvm.operation': request.operation.workflowId }, () =>
        carryOutByKind(work, this.#contextOf(request)),
      ),
    );
    this.#current = undefined;
    const isWithdrawn = this.#isWithdrawn || this.#isCancelled;
    this.#isWithdrawn = false;
    if (outcome.kind === 'learns') this.#learn(request, outcome);
    if (!isNotYet(outcome)) this.#finish(request, outcome, work);
    else if (isWithdrawn) this.#finish(request, { kind: 'cancelled' });
    else if (outcome.kind === 'held') this.#holdBack(request, outcome.failure);
    else if (outcome.kind === 'waits') await this.#waitFor(request, outcome);
    else if (!this.queue.isAnswered(request)) this.queue.add(request);
  }

  #contextOf(request: GuestRequest): WorkContext {
    return {
      ...this.#input,
      order: () => this.#placeOf(request),
      isFirst: () => (this.#heldMs !== undefined && request.dryRun) || !this.queue.hasEarlierThan(request),
      report: async (trouble) => this.#tell(request, { kind: 'retries', trouble }),
      checkHistory: () => {
        if (this.#isFull()) throw new HistoryFull();
      },
      awaitRelease: (failure) => this.#awaitReleaseOf(request, failure),
      givenBack: async () => {
        const lent = this.#lent;
        const how = await lent?.wait();
        this.#lent = undefined;
        return how;
      },
    };
  }

  #learn({ acceptedAt }: GuestRequest, { earlierRuns }: Extract<NotYet, { kind: 'learns' }>): void {
    this.queue.learn(earlierRuns);
    this.#knownSince = acceptedAt;
  }

  async #inScope<Result>(work: () => Promise<Result>): Promise<Result> {
    const scope = new CancellationScope({ cancellable: true });
    this.#scope = scope;
    try {
      return await scope.run(() => {
        if (this.#isWithdrawn || this.#isCancelled || this.#current?.isAbandoned === true) scope.cancel();
        return work();
      });
    } finally {
      this.#scope = undefined;
    }
  }

  #withdrawCurrent(): void {
    this.#isWithdrawn = true;
    this.#scope?.cancel();
  }

  /** A cancellation of the guest run itself cancels all of its requests. */
  #cancelAll(): void {
    this.#isCancelled = true;
    for (const request of this.queue.takeAll()) this.#finish(request, { kind: 'cancelled' });
    this.#withdrawCurrent();
  }

  /** Wait for an operation that was accepted earlier: its request arrives by signal, or it ends. */
  async #waitFor(request: GuestRequest, { earlier }: Extract<NotYet, { kind: 'waits' }>): Promise<void> {
    const [first] = earlier;
    this.queue.add(request);
    // An earlier request arrived while the guest was read.
    if (first === undefined) return;
    const wait = this.queue.waitOf(
      request.id,
      earlier.some((each: EarlierOperation) => each.isCertain),
    );
    if (wait.count === 1) this.#tell(request, { kind: 'waits', behind: first.workflowId });
    this.#show(`waits for ${first.workflowId}, which was accepted earlier`);
    const arrivals = this.queue.arrivals;
    const pause = Math.min(LONGEST_PAUSE_MS, 500 * 2 ** Math.min(wait.count, 10));
    await condition(() => this.queue.arrivals !== arrivals || !this.queue.waits(request.id), pause);
  }

  /** The host is held: the request goes back to its place in the queue. */
  #holdBack(request: GuestRequest, failure: unknown): void {
    this.queue.add(request);
    this.#heldMs = requestedPause(failure);
    this.#tellHeld(request, failure);
  }

  /** Wait until the host is released. Dry runs and withdrawals go on meanwhile. */
  async #awaitRelease(): Promise<void> {
    const goesOn = () => this.queue.firstPlan() !== undefined || this.queue.isEmpty() || this.#isFull();
    if (await this.#releases.wait(this.#heldMs ?? 0, goesOn)) this.#heldMs = undefined;
  }

  /** Wait in the middle of a request's steps. Throws the failure for a repair, which waits for nobody. */
  async #awaitReleaseOf(request: GuestRequest, failure: unknown): Promise<number> {
    if (request.onlyIfFree) throw failure;
    this.#tellHeld(request, failure);
    const since = Date.now();
    const isAbandoned = () => this.#current?.isAbandoned === true;
    const stops = () => isAbandoned() || this.queue.firstPlan() !== undefined;
    while (!(await this.#releases.wait(requestedPause(failure), stops))) {
      if (isAbandoned()) throw new CancelledFailure('the operation was ended after a restore');
      await CancellationScope.nonCancellable(() => this.#planBeside());
    }
    this.#tell(request, { kind: 'begins' });
    return Date.now() - since;
  }

  /** Carry out a dry run while a request waits in the middle of its steps: it is planned from what z/VM has now. */
  async #planBeside(): Promise<void> {
    const request = this.queue.firstPlan();
    if (request === undefined) return;
    this.queue.take(request.id);
    this.#tellIfWaited(request);
    const work = beginWork(request, []);
    const order = () => ({ acceptedAt: request.acceptedAt, known: [], waitsForEarlier: false });
    const outcome = await carryOutByKind(work, { ...this.#contextOf(request), order, isFirst: () => true });
    this.#finish(request, isNotYet(outcome) ? { kind: 'cancelled' } : outcome, work);
  }

  #tellHeld(request: GuestRequest, failure: unknown): void {
    const why = heldBy(failure);
    this.#show(`waits: ${why}`);
    // Guests of a bulk operation tell it too: it shows that it is held, and no other standing.
    if (request.reports || request.batch !== undefined) this.#sendStanding(request, { kind: 'held', why });
  }

  #placeOf(request: GuestRequest): PlaceInOrder {
    return {
      acceptedAt: request.acceptedAt,
      known: this.queue.knownOperations(),
      waitsForEarlier: this.queue.waitedMs(request.id) < PATIENCE_MS,
      ...(this.#knowsAllSince(request.acceptedAt) ? {} : { looksBackFrom: workflowInfo().runId }),
    };
  }

  /** A request that was accepted after this run began cannot have been overtaken by an earlier run. */
  #knowsAllSince(time: number): boolean {
    return time > workflowInfo().startTime.getTime() || time >= this.#knownSince;
  }

  #finish(request: GuestRequest, outcome: RequestOutcome, work?: RequestWork): void {
    if (outcome.kind === 'done' && isWord(request)) this.queue.keepWord(request);
    const finished = finishedOf(request, outcome, work);
    log.info('request ended', { operation: finished.operation, outcome: finished.outcome });
    if (finished.outcome === 'changed') this.#changedAt = Date.now();
    this.#finished.push(finished);
    if (this.#finished.length > MOST_FINISHED) this.#finished.shift();
    this.queue.keepAnswered(request, outcome.kind === 'awaits' || request.comesAgain === true);
    this.#show('carries out its queue');
    if (work?.isTold !== true) this.#answer(request, outcome);
  }

  #answer(request: GuestRequest, outcome: RequestOutcome): void {
    const { id, runId } = request;
    const operation = request.operation.workflowId;
    if (isAnsweredTogether(request, outcome))
      this.#told.send(id, () => answering().answerOperation({ operation, id, outcome, runId }));
    else this.#told.send(id, () => getExternalWorkflowHandle(operation).signal(answer, id, outcome, runId));
  }

  #tell({ id, operation, reports }: GuestRequest, where: RequestStanding): void {
    if (!reports) return;
    if (where.kind === 'waits') this.queue.markWaiting(id);
    this.#sendStanding({ id, operation }, where);
  }

  #sendStanding({ id, operation }: Pick<GuestRequest, 'id' | 'operation'>, where: RequestStanding): void {
    if (where.kind === 'held') this.queue.markWaiting(id);
    this.#told.send(id, () => getExternalWorkflowHandle(operation.workflowId).signal(standing, id, where));
  }

  #tellIfWaited(request: GuestRequest): void {
    if (!this.queue.endWaiting(request.id)) return;
    this.#tell(request, { kind: 'begins' });
    measureQueue(this.queue.inOrder().length);
  }

  /** Wait for all signals to operations before the run ends. */
  async #settled(): Promise<void> {
    await condition(() => this.#told.isEmpty && allHandlersFinished());
  }

  #isFull(): boolean {
    return workflowInfo().continueAsNewSuggested || this.#signals >= MOST_SIGNALS;
  }

  async #continueAsNew(): Promise<never> {
    await this.#settled();
    const state = { ...this.queue.state(), finished: this.#finished };
    const current = this.#current === undefined ? {} : { current: this.#current, isWithdrawn: this.#isWithdrawn };
    return continueAsNew<typeof convergeGuest>(this.#input, { ...state, ...current });
  }

  #show(state: string): void {
    showGuestRun(this.#input, state, this.queue, this.#finished);
  }
}
