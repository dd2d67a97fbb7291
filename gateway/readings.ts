import { type Client, isGrpcDeadlineError, TimeoutFailure, WorkflowFailedError } from '@temporalio/client';
import { workersOf } from '../client/known-hosts.ts';
import { deepestCause, failureOf } from '../client/operations.ts';
import { readGuestView, readHostView } from '../client/read-state.ts';
import { taskQueueOf } from '../domain/host/host.ts';
import type { HostView, ShownGuest } from '../domain/host/host-view.ts';
import type { Limits } from './options.ts';
import { Problem } from './problem.ts';

type Entry = { generation: number; readAt: number | undefined; view: Promise<HostView> };

/** The state of z/VM, read by workflows within a bounded time: one reading of a host serves all who ask within its age. */
export class Readings {
  readonly #client: Client;
  readonly #limits: Limits;
  readonly #entries = new Map<string, Entry>();
  readonly #changedAt = new Map<string, number>();
  readonly #last = new Map<string, HostView>();

  constructor(client: Client, limits: Limits) {
    this.#client = client;
    this.#limits = limits;
  }

  /** A host's state. Throws a Problem. */
  async get(host: string): Promise<HostView> {
    const generation = this.#changedAt.get(host) ?? 0;
    const entry = this.#entries.get(host);
    if (entry !== undefined && entry.generation === generation && this.#isFresh(entry)) return entry.view;
    const view = this.#bounded(host, () => readHostView(this.#client, host, this.#nameOf(host)));
    const fresh: Entry = { generation, readAt: undefined, view };
    this.#entries.set(host, fresh);
    view.then(
      (seen) => {
        fresh.readAt = Date.now();
        this.#last.set(host, seen);
      },
      () => {
        if (this.#entries.get(host) === fresh) this.#entries.delete(host);
      },
    );
    return view;
  }

  /** A guest as it is now. Throws a Problem. */
  guest(host: string, userid: string): Promise<ShownGuest> {
    const name = userid.toUpperCase();
    return this.#bounded(host, () => readGuestView(this.#client, host, name, this.#nameOf(host)));
  }

  /** The last reading of a host, however old. */
  last(host: string): HostView | undefined {
    return this.#last.get(host);
  }

  /** Something was changed: nobody who asks from now on gets a reading that began before. */
  changed(host: string, at = Date.now()): void {
    this.#changedAt.set(host, Math.max(at, this.#changedAt.get(host) ?? 0));
  }

  #isFresh({ readAt }: Entry): boolean {
    return readAt === undefined || Date.now() - readAt < this.#limits.stateSeconds * 1_000;
  }

  #nameOf(host: string): string {
    return this.#changedAt.get(host)?.toString(36) ?? '';
  }

  async #bounded<Result>(host: string, read: () => Promise<Result>): Promise<Result> {
    const { readSeconds } = this.#limits;
    if (!(await this.#hasWorker(host))) throw noWorker(host);
    try {
      return await this.#client.withDeadline(Date.now() + readSeconds * 1_000, read);
    } catch (error) {
      if (!isGrpcDeadlineError(error)) throw readingProblem(error);
      if (!(await this.#hasWorker(host))) throw noWorker(host);
      const detail = `${host} was not read in ${readSeconds} seconds: its worker waits for xCAT, which has not answered yet`;
      const advice = 'Check the load of the management node, or ask again: the reading goes on.';
      throw new Problem(504, 'slow', 'It takes longer', detail, { advice });
    }
  }

  /** False when surely nobody works for the host. */
  async #hasWorker(host: string): Promise<boolean> {
    const until = Date.now() + this.#limits.temporalSeconds * 1_000;
    return (await this.#client.withDeadline(until, () => workersOf(this.#client, host))) > 0;
  }
}

function noWorker(host: string): Problem {
  const queue = taskQueueOf(host);
  return new Problem(503, 'no-worker', 'Nobody works for the host', `no worker polls the task queue ${queue}`, {
    advice: 'Start the worker of the host. Changes are taken meanwhile, and carried out then.',
  });
}

function readingProblem(error: unknown): unknown {
  if (!(error instanceof WorkflowFailedError)) return error;
  const cause = deepestCause(error);
  // A reading tells by itself that xCAT does not answer: only a worker that has gone meanwhile lets it run out of time.
  if (cause instanceof TimeoutFailure)
    return new Problem(503, 'unreadable', 'It cannot be read now', 'no worker of the host has answered in time');
  const failure = failureOf(cause);
  if (failure.type === 'Refused')
    return new Problem(404, 'not-found', 'Not found', failure.message, { errors: failure.refusals });
  return new Problem(503, 'unreadable', 'It cannot be read now', failure.message);
}
