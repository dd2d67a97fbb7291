import { once, setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { digestOf } from '../../client/digest.ts';
import { readControl } from '../../client/host-control.ts';
import { type HoldView, holdViewOf } from '../../client/known-hosts.ts';
import { listOperations, type OperationView } from '../../client/operations.ts';
import { type ReconciliationHealth, reconciliationHealth } from '../../client/reconciliation-health.ts';
import type { HostView } from '../../domain/host/host-view.ts';
import { Problem } from '../http/problem.ts';
import type { Services } from '../http/routing.ts';

/** Interval of the listing of operations while a page is open: one cheap query to Temporal. */
const LOOK_MS = 3_000;
/** Interval of readings of z/VM, for changes by others; operations that move cause a reading at once. */
const READ_MS = 15_000;
const MOST_OPERATIONS = 30;

/** The newest knowledge of a host. Guests and VSWITCHes that have not changed are the same objects as before. */
export type Seen = {
  view?: HostView;
  /** When `view` was read. */
  readAt?: number;
  operations?: OperationView[];
  /** Health of the host's reconciliation. */
  reconciliation?: ReconciliationHealth;
  /** The present hold of the host. */
  hold?: HoldView | null;
  /** Reason why the view is out of date. */
  problem: string | null;
};

/**
 * Reads a host for all pages that show it. The first watcher starts the readings and the last one ends them: pages cost
 * Temporal and z/VM the same whether one is open or fifty.
 */
export class HostFeed {
  seen: Seen = { problem: null };
  readonly #services: Services;
  readonly #host: string;
  readonly #news = new EventTarget();
  #watching = 0;
  #looking: AbortController | undefined;
  #reading = false;
  /** End and duration of the last reading. */
  #readAt = 0;
  #tookMs = 0;
  #operations: string | undefined;
  /** Operations have moved since the last reading began. */
  #moved = true;
  #unread: string | null = null;
  /** Time of the last query for the reconciliation's health. */
  #askedAt = 0;

  constructor(services: Services, host: string) {
    this.#services = services;
    this.#host = host;
    // Each open page listens; Node takes more than ten listeners for a leak.
    setMaxListeners(0, this.#news);
  }

  /** Keep reading until the returned function is called. */
  watch(): () => void {
    this.#watching += 1;
    if (this.#looking === undefined) {
      const looking = new AbortController();
      this.#looking = looking;
      void this.#look(looking.signal);
    }
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#watching -= 1;
      if (this.#watching > 0) return;
      this.#looking?.abort();
      this.#looking = undefined;
    };
  }

  /** Resolves at news, after that time, or at the signal. */
  async news(timeoutMs: number, signal: AbortSignal): Promise<void> {
    const enough = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    await once(this.#news, 'news', { signal: enough }).catch(() => {});
  }

  async #look(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#lookOnce();
      await sleep(LOOK_MS, undefined, { signal }).catch(() => {});
    }
  }

  async #lookOnce(): Promise<void> {
    let problem = this.#unread;
    try {
      const operations = await this.#listed();
      this.#tell({ operations });
      if (Date.now() - this.#askedAt >= READ_MS) await this.#askHealth();
      this.#tell({ hold: await this.#askHold() });
      const moving = operations.filter(movesSomething);
      const digest = digestOf(moving);
      if (digest !== this.#operations) this.#moved = true;
      this.#operations = digest;
      const running = moving.some(({ state }) => state === 'running');
      // A reading that was slow or failed is not repeated at once.
      const pause = running || this.#moved ? Math.min(READ_MS, 2 * this.#tookMs) : READ_MS;
      if (!this.#reading && Date.now() - this.#readAt >= pause) void this.#read();
    } catch {
      problem = 'Temporal does not answer';
    }
    this.#tell({ problem });
  }

  #listed(): Promise<OperationView[]> {
    const { options, limits } = this.#services;
    const until = Date.now() + limits.temporalSeconds * 1_000;
    return options.client.withDeadline(until, () =>
      listOperations(options.client, { host: this.#host, withoutIdle: true }, MOST_OPERATIONS),
    );
  }

  #askHold(): Promise<HoldView | null> {
    const { options, limits } = this.#services;
    const until = Date.now() + limits.temporalSeconds * 1_000;
    return options.client.withDeadline(until, async () => holdViewOf(await readControl(options.client, this.#host)));
  }

  async #askHealth(): Promise<void> {
    const { options, limits } = this.#services;
    const until = Date.now() + limits.temporalSeconds * 1_000;
    const ask = () => reconciliationHealth(options.client, this.#host);
    this.#tell({ reconciliation: await options.client.withDeadline(until, ask) });
    this.#askedAt = Date.now();
  }

  async #read(): Promise<void> {
    this.#reading = true;
    const startedAt = Date.now();
    const { state } = this.#services;
    if (this.#moved) state.changed(this.#host);
    this.#moved = false;
    try {
      const view = sameWhereEqual(this.seen.view, await state.get(this.#host));
      this.#unread = null;
      this.#tell({ view, readAt: startedAt, problem: null });
    } catch (error) {
      this.#unread = error instanceof Problem ? error.message : 'z/VM or Temporal does not answer';
      this.#tell({ problem: this.#unread });
    } finally {
      this.#reading = false;
      this.#readAt = Date.now();
      this.#tookMs = this.#readAt - startedAt;
    }
  }

  #tell(news: Partial<Seen>): void {
    this.seen = { ...this.seen, ...news };
    this.#news.dispatchEvent(new Event('news'));
  }
}

/** True for an operation that is a reason to read: reconciliations run all day, and only those that changed something count. */
function movesSomething({ type, state, outcome }: OperationView): boolean {
  if (type !== 'reconcileHost' && type !== 'reconcileFleet') return true;
  return state !== 'running' && outcome !== 'unchanged' && outcome !== 'planned';
}

/** The new view with the old one's objects for what is equal in both, so that a difference shows by identity. */
function sameWhereEqual(old: HostView | undefined, view: HostView): HostView {
  if (old === undefined) return view;
  const guests = new Map(old.guests.map((guest) => [guest.userid as string, guest]));
  const vswitches = new Map(old.vswitches.map((vswitch) => [vswitch.name as string, vswitch]));
  return {
    ...view,
    guests: view.guests.map((guest) => oldIfEqual(guests.get(guest.userid), guest)),
    vswitches: view.vswitches.map((vswitch) => oldIfEqual(vswitches.get(vswitch.name), vswitch)),
  };
}

function oldIfEqual<Item>(old: Item | undefined, item: Item): Item {
  return old !== undefined && JSON.stringify(old) === JSON.stringify(item) ? old : item;
}
