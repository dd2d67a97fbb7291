import { portsOfChange } from '../domain/guest/change-ports.ts';
import { overtakenRefusal, type Refusal, type RefusedPort } from '../domain/planning/refusal.ts';
import type { PortId } from '../domain/text/identifiers.ts';
import { failureData, refused } from './failures.ts';
import type { FailureData } from './guest-queue-messages.ts';
import { type GuestRequest, isWord } from './guest-request.ts';
import type { AnsweredRequest, EarlierRuns, Word } from './host-activities.ts';

/** A request that has waited: how often earlier operations were looked for, since when in milliseconds of Unix time, and whether its operation shows it. */
type Wait = { count: number; since: number; isShown: boolean };

/** A queue as the next run of the guest takes it over. */
export type QueueState = {
  waiting: GuestRequest[];
  /** Requests that were answered; the last two hundred. */
  answered: AnsweredRequest[];
  words: Record<string, Word>;
  waits: Record<string, Wait>;
};

type SentRequest = Pick<GuestRequest, 'id' | 'runId'>;

const MOST_ANSWERED = 200;
const MOST_WORDS = 500;

/** The queue of a guest of which nothing is known. */
export function emptyQueue(): QueueState {
  return { waiting: [], answered: [], words: {}, waits: {} };
}

/** The requests of one guest, in the order in which Temporal accepted their operations. */
export class GuestQueue {
  /** Number of requests that have arrived. */
  arrivals = 0;
  readonly #waiting: GuestRequest[];
  readonly #answered: QueueState['answered'];
  readonly #words: Map<string, Word>;
  readonly #waits: Map<string, Wait>;

  constructor({ waiting, answered, words, waits }: QueueState) {
    this.#waiting = waiting.toSorted(compareByAcceptance);
    this.#answered = [...answered];
    this.#words = new Map(Object.entries(words));
    this.#waits = new Map(Object.entries(waits));
  }

  add(request: GuestRequest): void {
    this.arrivals += 1;
    this.#waiting.push(request);
    this.#waiting.sort(compareByAcceptance);
  }

  first(): GuestRequest | undefined {
    return this.#waiting[0];
  }

  /** The first request that plans alone, and so needs no free host. */
  firstPlan(): GuestRequest | undefined {
    return this.#waiting.find(({ dryRun }) => dryRun);
  }

  last(): GuestRequest | undefined {
    return this.#waiting.at(-1);
  }

  /** True when a request that waits was accepted before this one. */
  hasEarlierThan(request: GuestRequest): boolean {
    const [first] = this.#waiting;
    return first !== undefined && compareByAcceptance(first, request) < 0;
  }

  inOrder(): readonly GuestRequest[] {
    return this.#waiting;
  }

  isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** The request of that id that waits. */
  find(id: string): GuestRequest | undefined {
    return this.#waiting.find((each) => each.id === id);
  }

  waits(id: string): boolean {
    return this.find(id) !== undefined;
  }

  isAnswered({ id, runId }: SentRequest): boolean {
    return this.#answered.some((each) => each.id === id && each.runId === runId);
  }

  take(id: string): GuestRequest | undefined {
    const index = this.#waiting.findIndex((each) => each.id === id);
    return index < 0 ? undefined : this.#waiting.splice(index, 1)[0];
  }

  takeOf(workflowId: string): GuestRequest[] {
    const taken = this.#waiting.filter(({ operation }) => operation.workflowId === workflowId);
    for (const { id } of taken) this.take(id);
    return taken;
  }

  takeAll(): GuestRequest[] {
    return this.#waiting.splice(0);
  }

  /** Workflow IDs of operations whose requests have arrived, but for those that will send another one. */
  knownOperations(): string[] {
    const waiting = this.#waiting.map(({ operation }) => operation.workflowId);
    const answered = this.#answered.filter(({ comesAgain }) => comesAgain === undefined);
    return [...new Set([...waiting, ...answered.map(({ operation }) => operation)])];
  }

  keepAnswered({ id, runId, operation }: GuestRequest, comesAgain: boolean): void {
    this.#waits.delete(id);
    this.#answered.push({ id, runId, operation: operation.workflowId, ...(comesAgain ? { comesAgain } : {}) });
    if (this.#answered.length > MOST_ANSWERED) this.#answered.shift();
  }

  /** Remember the word on each of its ports, so that no earlier one is carried out after it. */
  keepWord({ change, acceptedAt, operation }: GuestRequest): void {
    for (const portId of portsOfChange(change)) {
      this.#keepWordOn(portId, { acceptedAt, operation: operation.workflowId });
    }
  }

  /** Take over what earlier runs of the guest have carried out. */
  learn({ words, answered }: EarlierRuns): void {
    for (const [portId, word] of Object.entries(words)) this.#keepWordOn(portId, word);
    this.#answered.unshift(...answered.filter((each) => !this.isAnswered(each)));
  }

  #keepWordOn(portId: string, word: Word): void {
    const before = this.#words.get(portId);
    this.#words.delete(portId);
    this.#words.set(portId, before !== undefined && before.acceptedAt > word.acceptedAt ? before : word);
    const [oldest] = this.#words.keys();
    if (this.#words.size > MOST_WORDS && oldest !== undefined) this.#words.delete(oldest);
  }

  /** The refusal of a request of which a port has had a later word; undefined when it may be carried out, or some of its ports may. */
  overtaking(request: GuestRequest): FailureData | undefined {
    if (!isWord(request)) return undefined;
    const ports = portsOfChange(request.change);
    const overtaken = ports.filter((portId) => this.#isOvertaken(portId, request));
    const isAll = request.change.kind !== 'wirePorts' || overtaken.length === ports.length;
    const [first] = overtaken;
    if (first === undefined || !isAll) return undefined;
    return failureData(refused([this.#overtakenRefusal(first)]));
  }

  /** Ports of a bulk request that a later word was on, each with its refusal. */
  overtakenPorts({ change, dryRun, ...request }: GuestRequest): RefusedPort[] {
    if (change.kind !== 'wirePorts' || dryRun) return [];
    return change.ports
      .filter(({ portId }) => this.#isOvertaken(portId, request))
      .map(({ portId }) => ({ portId, refusals: [this.#overtakenRefusal(portId)] }));
  }

  #overtakenRefusal(portId: PortId): Refusal {
    return overtakenRefusal(portId, this.#words.get(portId)?.operation ?? 'a later operation');
  }

  #isOvertaken(portId: PortId, { acceptedAt, operation }: Pick<GuestRequest, 'acceptedAt' | 'operation'>): boolean {
    const word = this.#words.get(portId);
    return word !== undefined && word.acceptedAt > acceptedAt && word.operation !== operation.workflowId;
  }

  /** Count a wait of a request for earlier operations; a certain arrival is waited for without limit. */
  waitOf(id: string, isCertain: boolean): Wait {
    const { count = 0, since = Date.now(), isShown = false } = this.#waits.get(id) ?? {};
    const wait = { count: count + 1, since: isCertain ? Date.now() : since, isShown };
    this.#waits.set(id, wait);
    return wait;
  }

  /** Time that a request has waited for operations that may never arrive. */
  waitedMs(id: string): number {
    const wait = this.#waits.get(id);
    return wait === undefined || wait.count === 0 ? 0 : Date.now() - wait.since;
  }

  /** Remember that the request's operation shows it as waiting. */
  markWaiting(id: string): void {
    const { count = 0, since = Date.now() } = this.#waits.get(id) ?? {};
    this.#waits.set(id, { count, since, isShown: true });
  }

  /** True when the operation shows its request as waiting and needs a signal that it begins. */
  endWaiting(id: string): boolean {
    const wait = this.#waits.get(id);
    if (wait?.isShown !== true) return false;
    this.#waits.set(id, { ...wait, isShown: false });
    return true;
  }

  state(): QueueState {
    const waits = Object.fromEntries(this.#waits);
    return {
      waiting: [...this.#waiting],
      answered: [...this.#answered],
      words: Object.fromEntries(this.#words),
      waits,
    };
  }
}

function compareByAcceptance(one: GuestRequest, other: GuestRequest): number {
  if (one.acceptedAt !== other.acceptedAt) return one.acceptedAt - other.acceptedAt;
  return one.id < other.id ? -1 : 1;
}
