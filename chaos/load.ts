import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, WorkflowFailedError } from '@temporalio/client';
import { messageOf } from '../command-line/program.ts';
import type { GuestPlace } from './places.ts';
import { HOST, TASK_QUEUE } from './places.ts';
import type { Random } from './random.ts';
import type { Request, RequestPlan } from './requests.ts';
import { type Acceptance, isForZvmnet, type Way } from './ways.ts';

export type WayName = 'http' | 'zvmnet' | 'temporal';

export type LoadOptions = {
  plan: RequestPlan;
  random: Random;
  ways: Readonly<Record<WayName, Way>>;
  client: Client;
  /** The first gateway's URL. */
  gateway: string;
  /** Requests in a second, on average. */
  rate: number;
  /** The limit of requests in total, bursts included. */
  most: number;
  /** The number of open operations above which only bursts are sent: a slow machine gets less load, not a longer queue. */
  mostOpen: number;
  countOpen(): Promise<number>;
  /** True for a control run, in which the requests of a guest wait for each other, so that nothing can be inverted. */
  serial: boolean;
  say(line: string): void;
};

/** The limit of pending requests: while Temporal is away their issuers wait. */
const MOST_PENDING = 60;
const MOST_IN_LANES = 16;
const POLL_MS = 500;
const CANCELLED = 0.06;
const RECONCILE_EVERY_MS = 20_000;

/** Sends requests by all ways in at once, as several independent issuers would. */
export class Load {
  /** Workflow IDs of accepted requests, as their issuers learned them, with the way in. */
  readonly accepted: { workflowId: string; way: WayName }[] = [];
  /** The numbers of sent requests by way in. */
  readonly sent: Record<WayName, number> = { http: 0, zvmnet: 0, temporal: 0 };
  cancels = 0;
  reconciliations = 0;
  /** Forbidden answers to requests. */
  readonly errors: string[] = [];
  private readonly options: LoadOptions;
  private readonly pending = new Set<Promise<void>>();
  /** The end of the last request to each guest, in a serial run. */
  private readonly lanes = new Map<string, Promise<void>>();
  private zvmnetRuns = false;
  private openCount = 0;
  private countedAt = 0;

  constructor(options: LoadOptions) {
    this.options = options;
  }

  get total(): number {
    return this.sent.http + this.sent.zvmnet + this.sent.temporal;
  }

  /** Send requests until the time is over or the limit is reached. */
  async run(milliseconds: number): Promise<void> {
    const { random, plan, rate, most } = this.options;
    const end = performance.now() + milliseconds;
    let reconcileAt = performance.now() + RECONCILE_EVERY_MS / 2;
    while (performance.now() < end && this.total < most) {
      // Several issuers send requests to one guest at the same moment.
      if (random.chance(0.12)) this.rush(random.between(2, 5));
      else this.send(plan.next());
      if (performance.now() > reconcileAt) {
        reconcileAt += RECONCILE_EVERY_MS;
        this.track(this.reconcile(random.chance(0.5)));
      }
      await sleep(Math.min(5_000, (-Math.log(1 - random.next()) * 1_000) / rate));
      while ((await this.isEnough()) && performance.now() < end) await sleep(POLL_MS);
    }
  }

  /** True when enough operations are open, by a count of a moment ago, or an older one while Temporal is away. */
  private async isEnough(): Promise<boolean> {
    const { serial, countOpen, mostOpen } = this.options;
    if (this.pending.size > (serial ? MOST_IN_LANES : MOST_PENDING)) return true;
    if (performance.now() > this.countedAt + POLL_MS) {
      this.openCount = await countOpen().catch(() => this.openCount);
      this.countedAt = performance.now();
    }
    return this.openCount >= mostOpen;
  }

  /** Send many requests to few guests as fast as possible. */
  burst(count: number): void {
    while (count > 0) {
      const some = Math.min(count, this.options.random.between(3, 8));
      this.rush(some);
      count -= some;
    }
  }

  /** PortChange for ports, each by a way of its own, and wait until that is answered. */
  async begin(requests: readonly Request[]): Promise<void> {
    for (const request of requests) this.send(request);
    await this.answered();
  }

  /** Wait until each pending request is answered or given up. */
  async answered(): Promise<void> {
    while (this.pending.size > 0) await Promise.all(this.pending);
  }

  private rush(count: number, guest: GuestPlace = this.options.plan.guest()): void {
    for (let sent = 0; sent < count && this.total < this.options.most; sent += 1)
      this.send(this.options.plan.next(guest));
  }

  private send(request: Request): void {
    const { random, ways } = this.options;
    const way = this.wayFor(request);
    const key = randomUUID();
    const cancelAfter = random.chance(CANCELLED) ? random.between(0, 3_000) : undefined;
    const cancelBy = random.chance(0.5) ? 'http' : 'temporal';
    this.sent[way] += 1;
    const sending = this.inTurn(request, () => ways[way].send(request, key)).finally(() => {
      if (way === 'zvmnet') this.zvmnetRuns = false;
    });
    this.track(
      sending.then(async (acceptance) => {
        if (acceptance === undefined) return;
        this.accepted.push({ ...acceptance, way });
        if (cancelAfter === undefined) return;
        await sleep(cancelAfter);
        await this.cancel(acceptance.workflowId, cancelBy);
      }),
    );
  }

  private inTurn(request: Request, send: () => Promise<Acceptance>): Promise<Acceptance> {
    if (!this.options.serial) return send();
    const userids = ('place' in request ? [request.place] : request.places).map(({ userid }) => userid);
    const before = Promise.all(userids.map((userid) => this.lanes.get(userid)));
    const sending = before.then(send);
    const ended = sending.then((acceptance) => this.ended(acceptance));
    for (const userid of userids) this.lanes.set(userid, ended);
    return sending;
  }

  /** Wait for the end of an operation, through all failures of Temporal. */
  private async ended(acceptance: Acceptance): Promise<void> {
    while (acceptance !== undefined)
      try {
        await this.options.client.workflow.getHandle(acceptance.workflowId).result();
        return;
      } catch (error) {
        if (error instanceof WorkflowFailedError) return;
        await sleep(POLL_MS);
      }
  }

  /** The way in for a request. zvmnet starts slowly, so it runs once at a time, and never in a serial run, which has to know whether a request was accepted. */
  private wayFor(request: Request): WayName {
    const way = this.options.random.weighted({ http: 46, temporal: 46, zvmnet: 8 });
    if (way !== 'zvmnet') return way;
    if (this.options.serial || this.zvmnetRuns || !isForZvmnet(request)) return 'http';
    this.zvmnetRuns = true;
    return way;
  }

  private async cancel(workflowId: string, by: 'http' | 'temporal'): Promise<void> {
    const { client, gateway } = this.options;
    this.cancels += 1;
    // The operation may have ended or the server may be away: any caller meets both.
    if (by === 'temporal')
      await client.workflow
        .getHandle(workflowId)
        .cancel()
        .catch(() => {});
    else {
      const url = `${gateway}/v1/operations/${encodeURIComponent(workflowId.replaceAll('/', '~'))}/cancel`;
      await fetch(url, { method: 'POST', signal: AbortSignal.timeout(10_000) }).catch(() => {});
    }
  }

  private async reconcile(byHttp: boolean): Promise<void> {
    const { client, gateway } = this.options;
    this.reconciliations += 1;
    if (byHttp)
      await fetch(`${gateway}/v1/hosts/${HOST}/reconciliations`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{}',
        signal: AbortSignal.timeout(10_000),
      }).catch(() => {});
    else
      await client.workflow
        .start('reconcileHost', {
          taskQueue: TASK_QUEUE,
          workflowId: `own/reconcile/${randomUUID()}`,
          args: [{ host: HOST }],
        })
        .catch(() => {});
  }

  private track(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => {
        const message = messageOf(error);
        this.errors.push(message);
        this.options.say(`a request went wrong: ${message}`);
      })
      .finally(() => this.pending.delete(tracked));
    this.pending.add(tracked);
  }
}
