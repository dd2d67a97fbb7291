import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import type { ControlWatch } from '../../activities/write-gate.ts';
import { BackendError } from '../../backend/backend-error.ts';
import { ControlReader, isMissing, sayOfHost, startControl } from '../../client/host-control.ts';
import type { WorkerIdentity } from '../../client/worker-identity.ts';
import { taskQueueOf } from '../../domain/host/host.ts';
import { type HostControl, holdAt, holdText, NO_CONTROL, type WorkFor } from '../../domain/host/host-control.ts';
import { messageOf } from '../../domain/text/error-message.ts';
import { is, quoted, ZVM_OUTCOME } from '../../temporal-config/search-attributes.ts';
import type { ServedRun, TemporalMemory } from './temporal-memory.ts';

/** The server ends a question for news after 20 seconds. */
const LONGEST_QUESTION_MS = 40_000;
/** Knowledge that no answer has confirmed for so long counts as none. */
const GOOD_MS = 60_000;
/** A write waits so long for knowledge, and then fails transiently. */
const PATIENCE_MS = 10_000;
const LOOK_MS = 100;
const AGAIN_MS = 1_000;
/** Node takes no longer timer. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
const TOLD_AT_ONCE = 20;
const ALL = Number.POSITIVE_INFINITY;
/** Runs that wait for a release themselves. */
const WAITING_TYPES = ['convergeGuest', 'ensureVswitch', 'deleteVswitch', 'ensureManagementNetwork', 'ensureDhcp'];

/** The operators' word on the host of a worker, kept in memory by one question that stays open at Temporal. */
export type RunningWatch = ControlWatch & {
  /** False when Temporal has not confirmed it for a minute. */
  isGood(): boolean;
  ended: Promise<void>;
};

/** Watch until the signal is aborted. The host's control run is started where there is none. */
export function watchControl(
  client: Client,
  own: WorkerIdentity,
  memory: TemporalMemory,
  logger: Logger,
  signal: AbortSignal,
): RunningWatch {
  const watch = new Watch(client, own, memory, logger, signal);
  return Object.assign(watch, { ended: watch.run() });
}

class Watch implements ControlWatch {
  readonly #client: Client;
  readonly #own: WorkerIdentity;
  readonly #logger: Logger;
  readonly #signal: AbortSignal;
  readonly #looks = new Set<(control: HostControl) => void>();
  #control: HostControl = NO_CONTROL;
  #goodAt: number | undefined;
  /** Runs that a hold has stopped, each with the operations that it works for. */
  readonly #stopped = new Map<string, ReadonlySet<string>>();
  /** Operations that go on after a restore, as far as the runs that wait for that know of it. */
  #goesOn = 0;
  readonly #memory: TemporalMemory;
  /** The hold in the words of the last log entry. */
  #told = '';
  #toldQuiet = 0;
  #end: NodeJS.Timeout | undefined;

  constructor(client: Client, own: WorkerIdentity, memory: TemporalMemory, logger: Logger, signal: AbortSignal) {
    this.#client = client;
    this.#own = own;
    this.#memory = memory;
    this.#logger = logger;
    this.#signal = signal;
  }

  async now(): Promise<HostControl> {
    const deadline = performance.now() + PATIENCE_MS;
    while (!this.isGood() && performance.now() < deadline) await sleep(LOOK_MS);
    if (this.isGood()) return this.#control;
    const { host } = this.#own;
    const operation = `learn whether ${host} is held`;
    const message = `${operation}: Temporal does not tell it`;
    throw new BackendError({ code: 'unreachable', operation, message, advice: 'check that Temporal answers' });
  }

  isGood(): boolean {
    return this.#goodAt !== undefined && performance.now() - this.#goodAt < GOOD_MS;
  }

  onChange(look: (control: HostControl) => void): () => void {
    this.#looks.add(look);
    return () => this.#looks.delete(look);
  }

  stopped({ workflowIds }: WorkFor): void {
    const run = workflowIds.at(-1);
    if (run !== undefined) this.#stopped.set(run, new Set(workflowIds));
  }

  served(run: ServedRun): void {
    this.#memory.keep(run);
  }

  quiet({ holds }: HostControl): void {
    if (this.#toldQuiet === holds) return;
    this.#toldQuiet = holds;
    const { host, identity } = this.#own;
    sayOfHost(this.#client, host, 'quiet', { by: identity, worker: identity, hold: holds }).catch((error: unknown) => {
      this.#toldQuiet = 0;
      this.#logger.warn({ host, reason: messageOf(error) }, 'the hold could not be confirmed to Temporal');
    });
  }

  async run(): Promise<void> {
    let reader: ControlReader | undefined;
    let isAway = false;
    while (!this.#signal.aborted) {
      try {
        const before = reader;
        reader = await this.#client.withAbortSignal(this.#signal, () =>
          this.#client.withDeadline(Date.now() + LONGEST_QUESTION_MS, () => this.#read(before)),
        );
        isAway = false;
      } catch (error) {
        reader = undefined;
        if (this.#signal.aborted) break;
        const { host } = this.#own;
        const reason = messageOf(error);
        this.#logger[isAway ? 'debug' : 'warn'](
          { host, reason },
          'Temporal does not tell whether the host is held: retried',
        );
        isAway = true;
        await sleep(AGAIN_MS, undefined, { signal: this.#signal }).catch(() => undefined);
      }
    }
    clearTimeout(this.#end);
  }

  /** Read on, or anew without a reader. Answers the reader to go on with, as long as its run is open. */
  async #read(before: ControlReader | undefined): Promise<ControlReader | undefined> {
    const reader = before ?? new ControlReader(this.#client, this.#own.host);
    const isThere = await isRead(reader, before === undefined);
    if (isThere) {
      await this.#refuseRestored(reader.control, before === undefined ? ALL : 1);
      this.#take(reader.control);
    } else if (before === undefined) this.#memory.forget();
    if (reader.isOpen) return reader;
    // The run was terminated, or is gone with its history: what is known of it goes on.
    await startControl(this.#client, this.#own.host, this.#control);
    return undefined;
  }

  /** Hold the host when Temporal has lost what this worker remembers, of its last runs. Throws until that word is there. */
  async #refuseRestored(control: HostControl, most: number): Promise<void> {
    if (control.restore !== undefined) return;
    const lost = await this.#memory.lost(this.#client, control.settledAt ?? 0, most);
    if (lost === undefined) return;
    const { host, identity } = this.#own;
    await sayOfHost(this.#client, host, 'restored', { by: identity, reason: lost });
    this.#memory.forget();
    throw new Error(lost);
  }

  #take(control: HostControl): void {
    const isNews = control !== this.#control || this.#goodAt === undefined;
    this.#control = control;
    this.#goodAt = performance.now();
    if (isNews) this.#tell();
  }

  #tell(): void {
    const { host } = this.#own;
    const hold = holdAt(this.#control, Date.now());
    clearTimeout(this.#end);
    if (hold?.until !== undefined)
      this.#end = setTimeout(() => this.#tell(), Math.min(LONGEST_TIMER_MS, hold.until - Date.now() + 1)).unref();
    const told = hold === undefined ? '' : holdText(host, hold);
    if (told !== this.#told) this.#logger.warn({ host }, told === '' ? 'the host is released' : told);
    this.#told = told;
    for (const look of this.#looks) look(this.#control);
    const goesOn = this.#control.restore?.goesOn ?? [];
    if (hold === undefined) void this.#release([...this.#stopped.keys()]);
    else if (goesOn.length > this.#goesOn) void this.#release(this.#stoppedFor(goesOn.map((each) => each.workflowId)));
    this.#goesOn = goesOn.length;
  }

  /** Runs that work for one of these operations; none where this worker has not stopped them. */
  #stoppedFor(operations: readonly string[]): string[] {
    return [...this.#stopped].filter(([, of]) => operations.some((id) => of.has(id))).map(([run]) => run);
  }

  /** Tell the runs that a hold has stopped, also those that it stopped under another worker. */
  async #release(stopped: readonly string[]): Promise<void> {
    const { host } = this.#own;
    for (const run of stopped) this.#stopped.delete(run);
    const isAll = holdAt(this.#control, Date.now()) === undefined;
    try {
      const runs = [...new Set([...stopped, ...(isAll || stopped.length === 0 ? await this.#heldRuns() : [])])];
      const work = async () => {
        for (let run = runs.shift(); run !== undefined; run = runs.shift())
          await this.#client.workflow
            .getHandle(run)
            .signal('released')
            .catch((error: unknown) => {
              // A run may have ended meanwhile.
              if (!isMissing(error)) throw error;
            });
      };
      await Promise.all(Array.from({ length: Math.min(TOLD_AT_ONCE, runs.length) }, work));
    } catch (error) {
      this.#logger.warn(
        { host, reason: messageOf(error) },
        'runs look for the release themselves: they could not be told',
      );
    }
  }

  async #heldRuns(): Promise<string[]> {
    const types = WAITING_TYPES.map((type) => `"${type}"`).join(', ');
    const query = [
      `TaskQueue = ${quoted(taskQueueOf(this.#own.host))} AND ExecutionStatus = "Running"`,
      `WorkflowType IN (${types}) AND ${is(ZVM_OUTCOME, 'held')}`,
    ].join(' AND ');
    const runs: string[] = [];
    for await (const { workflowId } of this.#client.workflow.list({ query })) runs.push(workflowId);
    return runs;
  }
}

/** Read a run from its beginning, or on. False when there is no run. */
async function isRead(reader: ControlReader, isFirst: boolean): Promise<boolean> {
  if (isFirst) return reader.readAll();
  try {
    await reader.readOn();
    return true;
  } catch (error) {
    if (!isMissing(error)) throw error;
    reader.isOpen = false;
    return false;
  }
}
