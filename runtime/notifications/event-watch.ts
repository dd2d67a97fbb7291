import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import type { Logger } from 'pino';
import { z } from 'zod';
import { occasionsSince } from '../../client/host-events.ts';
import { countOpen, startNotification } from '../../client/notifications.ts';
import { connectClient, type TemporalTarget } from '../../client/temporal-connection.ts';
import type { HostConfiguration } from '../../configuration/load.ts';
import type { WebhookConfiguration } from '../../configuration/webhooks.ts';
import { taskQueueOf } from '../../domain/host/host.ts';
import { messageOf } from '../../domain/text/error-message.ts';
import { searchAttributesOf } from '../../temporal-config/search-attributes.ts';
import type { followEvents } from '../../workflows/index.ts';

const LOOK_MS = 5_000;
/** Temporal's list is a moment late. Events that a look sees again have their deliveries already. */
const LOOK_BACK_MS = 10 * 60_000;
/** A worker that starts looks at the time since this at most, or since it last started a delivery. */
const REMEMBER_MS = 10 * 60_000;
/** Deliveries to one webhook that are open. Further events wait in Temporal's list, where none is lost. */
const MOST_OPEN = 500;

/** The watched hosts, and how often: tests look more often. */
export type Watched = { host: string; webhooks: readonly WebhookConfiguration[]; lookMs?: number; mostOpen?: number };

/**
 * Look for what happens on a host, and start a delivery for each webhook that wants it, until `signal` is aborted. Several workers may start the same
 * delivery: its Workflow ID lets one begin. The run `events/<host>` remembers how far the looks have come, for a worker that starts.
 */
export async function watchEvents(
  client: Client,
  watched: Watched,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  const { host, lookMs = LOOK_MS } = watched;
  const watch = new EventWatch(client, watched);
  let isAway = false;
  while (!signal.aborted) {
    try {
      await client.withAbortSignal(signal, () => watch.look());
      isAway = false;
    } catch (error) {
      if (signal.aborted) return;
      const level = isAway ? 'debug' : 'warn';
      logger[level]({ host, reason: messageOf(error) }, 'Temporal does not list what happens: retried');
      isAway = true;
    }
    await sleep(lookMs, undefined, { signal }).catch(() => undefined);
  }
}

/** Watch those hosts that have webhooks, on a connection of their own; none is opened when no host has. Answers the function that ends it. */
export async function watchHosts(
  hosts: readonly Pick<HostConfiguration, 'host' | 'webhooks'>[],
  target: TemporalTarget,
  logger: Logger,
): Promise<() => Promise<void>> {
  const watched = hosts.flatMap(({ host, webhooks = [] }) => (webhooks.length === 0 ? [] : [{ host, webhooks }]));
  if (watched.length === 0) return async () => {};
  const { client, close } = await connectClient(target);
  const ended = new AbortController();
  const watches = watched.map((each) => watchEvents(client, each, logger, ended.signal));
  return async () => {
    ended.abort();
    await Promise.all(watches);
    await close();
  };
}

class EventWatch {
  readonly #client: Client;
  readonly #host: string;
  readonly #webhooks: readonly WebhookConfiguration[];
  readonly #mostOpen: number;
  /** Occasions whose deliveries are started, by key, with their time. */
  readonly #done = new Map<string, number>();
  /** Everything before is done; undefined until the run that remembers it was asked. */
  #until: Date | undefined;
  #rememberedAt = 0;

  constructor(client: Client, { host, webhooks, mostOpen = MOST_OPEN }: Watched) {
    this.#client = client;
    this.#host = host;
    this.#webhooks = webhooks;
    this.#mostOpen = mostOpen;
  }

  async look(): Promise<void> {
    const begin = new Date();
    const until = this.#until ?? (await this.#remembered());
    const since = new Date(until.getTime() - LOOK_BACK_MS);
    const occasions = await occasionsSince(this.#client, this.#host, since);
    const news = occasions.filter(({ key }) => !this.#done.has(key));
    const room = news.length === 0 ? new Map<string, number>() : await this.#room();
    let started = 0;
    let isWhole = true;
    for (const { key, at, read } of news) {
      let isDone = true;
      for (const { name, event } of await read()) {
        for (const webhook of this.#webhooks.filter(({ events }) => events.includes(name))) {
          const left = room.get(webhook.name) ?? 0;
          if (left <= 0) isDone = false;
          else if (await startNotification(this.#client, { host: this.#host, webhook: webhook.name, event })) {
            room.set(webhook.name, left - 1);
            started += 1;
          }
        }
      }
      if (isDone) this.#done.set(key, at.getTime());
      else isWhole = false;
    }
    this.#until = isWhole ? begin : until;
    for (const [key, at] of this.#done) if (at < this.#until.getTime() - 2 * LOOK_BACK_MS) this.#done.delete(key);
    if (started > 0 || begin.getTime() - this.#rememberedAt >= REMEMBER_MS) await this.#remember(this.#until);
  }

  /** How many more deliveries each webhook takes now. */
  async #room(): Promise<Map<string, number>> {
    const counts = this.#webhooks.map(
      async ({ name }): Promise<[string, number]> => [
        name,
        this.#mostOpen - (await countOpen(this.#client, this.#host, name)),
      ],
    );
    return new Map(await Promise.all(counts));
  }

  /** The time up to which an earlier worker has looked; now for a host that has no webhook yet. */
  async #remembered(): Promise<Date> {
    try {
      const { memo } = await this.#client.workflow.getHandle(followerId(this.#host)).describe();
      const { lookedUntil } = Memo.parse(memo);
      this.#until = new Date(lookedUntil);
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
      this.#until = new Date();
      await this.#remember(this.#until);
    }
    return this.#until;
  }

  async #remember(until: Date): Promise<void> {
    const host = this.#host;
    const lookedUntil = until.toISOString();
    await this.#client.workflow.signalWithStart<typeof followEvents, [string]>('followEvents', {
      taskQueue: taskQueueOf(host),
      workflowId: followerId(host),
      args: [{ host, until: lookedUntil }],
      memo: { lookedUntil },
      signal: 'lookedUntil',
      signalArgs: [lookedUntil],
      typedSearchAttributes: searchAttributesOf({ host }),
      staticSummary: `remember which events of ${host} were told`,
    });
    this.#rememberedAt = Date.now();
  }
}

const Memo = z.object({ lookedUntil: z.iso.datetime() });

function followerId(host: string): string {
  return `events/${host}`;
}
