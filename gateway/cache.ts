import { type Client, isGrpcDeadlineError, TimeoutFailure, WorkflowFailedError } from '@temporalio/client';
import { workersOf } from '../client/known-hosts.ts';
import { deepestCause, failureOf } from '../client/operations.ts';
import { readGuestView, readHostView } from '../client/read-state.ts';
import { taskQueueOf } from '../domain/host/host.ts';
import type { HostView, ShownGuest } from '../domain/host/host-view.ts';
import { Problem } from './http/problem.ts';
import type { Limits } from './options.ts';

type Entry = { generation: number; readAt: number | undefined; view: Promise<HostView> };

/** State of z/VM, read by workflows within a bounded time: one reading of a host serves all callers within its age. */
export class HostCache {
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

  /** The present state of a guest. Throws a Problem. */
  guest(host: string, userid: string): Promise<ShownGuest> {
    const name = userid.toUpperCase();
    return this.#bounded(host, () => readGuestView(this.#client, host, name, this.#nameOf(host)));
  }

  /** The last reading of a host, however old. */
  last(host: string): HostView | undefined {
    return this.#last.get(host);
  }

  /** Notes a change of the host: later callers never get a reading that began before it. */
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
      const detail = `the reading of ${host} takes longer than ${readSeconds} seconds: its worker waits for an answer from xCAT`;
      const advice = 'check the load of the management node, or repeat the request: the reading goes on';
      throw new Problem(504, 'slow', 'The reading takes longer', detail, { advice });
    }
  }

  /** False when the host has no worker; true in doubt. */
  async #hasWorker(host: string): Promise<boolean> {
    const until = Date.now() + this.#limits.temporalSeconds * 1_000;
    return (await this.#client.withDeadline(until, () => workersOf(this.#client, host))) > 0;
  }
}

function noWorker(host: string): Problem {
  const queue = taskQueueOf(host);
  return new Problem(503, 'no-worker', 'The host has no worker', `no worker polls the task queue ${queue}`, {
    advice: 'start a worker of the host: it carries out the changes accepted meanwhile',
  });
}

function readingProblem(error: unknown): unknown {
  if (!(error instanceof WorkflowFailedError)) return error;
  const cause = deepestCause(error);
  // A reading fails by itself when xCAT does not answer. It times out only when its worker is lost.
  if (cause instanceof TimeoutFailure)
    return new Problem(503, 'unreadable', 'The host cannot be read', 'no worker of the host answered in time');
  const failure = failureOf(cause);
  if (failure.type === 'Refused')
    return new Problem(404, 'not-found', 'Not found', failure.message, { errors: failure.refusals });
  return new Problem(503, 'unreadable', 'The host cannot be read', failure.message);
}
