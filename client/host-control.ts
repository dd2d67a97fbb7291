import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, isGrpcServiceError, WorkflowNotFoundError } from '@temporalio/client';
import { defined } from '../domain/defined.ts';
import { taskQueueOf } from '../domain/host/host.ts';
import {
  CONTROL_WORDS,
  type ControlWord,
  controlAfter,
  controlFrom,
  type HostControl,
  NO_CONTROL,
} from '../domain/host/host-control.ts';
import { controlWorkflowId } from '../temporal-config/names.ts';
import { decodePayloads } from '../temporal-config/payloads.ts';
import { searchAttributesOf } from '../temporal-config/search-attributes.ts';
import { clientOf, type Origin } from './origin.ts';
import { presentWorkers } from './worker-identity.ts';

type Page = Awaited<ReturnType<Client['workflowService']['getWorkflowExecutionHistory']>>;
type Event = NonNullable<NonNullable<Page['history']>['events']>[number];

/** gRPC's code NOT_FOUND. */
const NOT_FOUND = 5;

/**
 * Reads the operators' word on a host from the history of its control run. That needs no worker, and a word counts from the moment that Temporal
 * has it. Its methods throw what Temporal's client throws.
 */
export class ControlReader {
  control: HostControl;
  /** The run that was read last has not ended. */
  isOpen = false;
  readonly #client: Client;
  readonly #host: string;
  readonly #onWord: (word: ControlWord) => void;
  #runId = '';
  /** The last event of the run that was read. */
  #lastEvent = 0;
  #next: Uint8Array | undefined;

  constructor(client: Client, host: string, onWord: (word: ControlWord) => void = () => undefined) {
    this.#client = client;
    this.#host = host;
    this.#onWord = onWord;
    this.control = NO_CONTROL;
  }

  /** Read all that is there. False when the host has no control run. */
  async readAll(): Promise<boolean> {
    try {
      do await this.#readPage(false);
      while (this.#next !== undefined || this.#lastEvent === 0);
      return true;
    } catch (error) {
      if (!isMissing(error)) throw error;
      return await this.#isThere();
    }
  }

  /** A namespace that a starting server does not know yet is told by the same code: describing the run tells them apart. */
  async #isThere(): Promise<false> {
    try {
      await this.#client.workflow.getHandle(controlWorkflowId(this.#host)).describe();
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return false;
      throw error;
    }
    throw new Error(`the control run of ${this.#host} has just begun`);
  }

  /** Wait for news, or as long as the server lets a caller wait; after `readAll`. */
  async readOn(): Promise<void> {
    await this.#readPage(true);
    // Another run goes on: its first page is there.
    if (this.#lastEvent === 0) await this.readAll();
  }

  async #readPage(waitNewEvent: boolean): Promise<void> {
    const { history, nextPageToken } = await this.#client.workflowService.getWorkflowExecutionHistory({
      namespace: this.#client.options.namespace,
      execution: { workflowId: controlWorkflowId(this.#host), runId: this.#runId },
      waitNewEvent,
      ...(this.#next === undefined ? {} : { nextPageToken: this.#next }),
    });
    this.#next = nextPageToken?.length ? nextPageToken : undefined;
    for (const event of history?.events ?? []) await this.#take(event);
  }

  async #take(event: Event): Promise<void> {
    const id = Number(event.eventId);
    if (id <= this.#lastEvent) return;
    this.#lastEvent = id;
    const started = event.workflowExecutionStartedEventAttributes;
    const word = await wordOf(this.#client, event);
    if (started) {
      const [, carried] = await decodePayloads(this.#client, started.input?.payloads);
      this.control = controlFrom(carried);
      this.#runId = started.originalExecutionRunId ?? '';
      this.isOpen = true;
    } else if (word !== undefined) {
      this.control = controlAfter(this.control, word);
      this.#onWord(word);
    } else if (event.workflowExecutionContinuedAsNewEventAttributes) {
      this.#runId = '';
      this.#lastEvent = 0;
      this.#next = undefined;
    } else if (ENDS.some((end) => event[end])) this.isOpen = false;
  }
}

/** The word that an event of a control run has. */
export async function wordOf(client: Client, event: Event): Promise<ControlWord | undefined> {
  const signaled = event.workflowExecutionSignaledEventAttributes;
  const [name] = CONTROL_WORDS.filter((word) => word === signaled?.signalName);
  if (name === undefined) return undefined;
  const [input] = await decodePayloads(client, signaled?.input?.payloads);
  return { name, input, at: timeOf(event) };
}

/** The time of an event in milliseconds of Unix time. */
export function timeOf({ eventTime }: Pick<Event, 'eventTime'>): number {
  return Number(eventTime?.seconds ?? 0) * 1_000 + Math.floor(Number(eventTime?.nanos ?? 0) / 1e6);
}

const ENDS = [
  'workflowExecutionCompletedEventAttributes',
  'workflowExecutionFailedEventAttributes',
  'workflowExecutionTimedOutEventAttributes',
  'workflowExecutionTerminatedEventAttributes',
  'workflowExecutionCanceledEventAttributes',
] as const;

/** True of the answer that there is no such run. */
export function isMissing(error: unknown): boolean {
  return error instanceof WorkflowNotFoundError || (isGrpcServiceError(error) && error.code === NOT_FOUND);
}

/** The operators' word on a host. */
export async function readControl(client: Client, host: string): Promise<HostControl> {
  const reader = new ControlReader(client, host);
  await reader.readAll();
  return reader.control;
}

/** Start the control run of a host, unless it runs. It goes on from the state given. */
export async function startControl(client: Client, host: string, control: HostControl): Promise<void> {
  await client.workflow.start('hostControl', {
    ...controlRun(host),
    args: [{ host }, control],
    workflowIdConflictPolicy: 'USE_EXISTING',
  });
}

/**
 * Say a word on a host, as the person who asks. It counts when this ends, also while no worker runs. Throws what Temporal's client throws, and when
 * the word does not count after half a minute.
 */
export async function sayOfHost(
  client: Client,
  host: string,
  name: ControlWord['name'],
  { by, ...rest }: { by: string; [field: string]: unknown },
): Promise<void> {
  const input = { by, ...defined(rest) };
  let heard = 0;
  const listen = () =>
    new ControlReader(client, host, (word) => {
      if (word.name === name && JSON.stringify(word.input) === JSON.stringify(input)) heard += 1;
    });
  let reader = listen();
  await reader.readAll();
  let before = heard;
  await clientOf(client, by).workflow.signalWithStart('hostControl', {
    ...controlRun(host),
    // A control run that was terminated has left its state in its history.
    args: [{ host }, reader.control],
    signal: name,
    signalArgs: [input],
  });
  // Temporal keeps a signal out of the history while a workflow task of its run is under way.
  const deadline = performance.now() + LONGEST_TASK_MS;
  for (let pause = 20; ; pause = Math.min(2 * pause, 500)) {
    if (!reader.isOpen) {
      // The signal has started another run.
      reader = listen();
      before = heard = 0;
    }
    await reader.readAll();
    if (heard > before) return;
    if (performance.now() > deadline) throw new Error(`Temporal has not put "${name}" of ${host} into its history`);
    await sleep(pause);
  }
}

/** A task of a worker that is gone ends after ten seconds. */
const LONGEST_TASK_MS = 30_000;

function controlRun(host: string) {
  return {
    taskQueue: taskQueueOf(host),
    workflowId: controlWorkflowId(host),
    typedSearchAttributes: searchAttributesOf({ host }),
    staticSummary: `holds of ${host}`,
    staticDetails: `The operators' word on **${host}**: send the signal \`hold\` and nothing is written to its z/VM until the signal \`release\`.`,
  };
}

/** Hold a host until a release, or until a time. */
export function holdHost(client: Client, host: string, { by, via, reason }: Origin, until?: Date): Promise<void> {
  return sayOfHost(client, host, 'hold', { by, via, reason, until: until?.toISOString() });
}

/** End the hold of a host. */
export function releaseHost(client: Client, host: string, { by, via, reason }: Origin): Promise<void> {
  return sayOfHost(client, host, 'release', { by, via, reason });
}

/** Let reconciliation repair a host that was new here. */
export function confirmHost(client: Client, host: string, { by, via, reason }: Origin): Promise<void> {
  return sayOfHost(client, host, 'confirm', { by, via, reason });
}

const LOOK_MS = 500;

/**
 * Wait until each running worker of a held host has said that no write of its is under way, `patienceMs` at most. Answers the workers that have not.
 */
export async function busyWorkers(client: Client, host: string, patienceMs: number): Promise<string[]> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const [workers, { quiet }] = await Promise.all([presentWorkers(client), readControl(client, host)]);
    const busy = workers.filter((worker) => worker.host === host && !quiet.includes(worker.identity));
    if (busy.length === 0 || performance.now() > deadline) return busy.map((worker) => worker.process);
    await sleep(LOOK_MS);
  }
}
