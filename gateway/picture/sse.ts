import type { Context } from 'hono';
import { type SSEStreamingApi, streamSSE } from 'hono/streaming';
import type { HoldView } from '../../client/known-hosts.ts';
import { type OperationView, runUrl } from '../../client/operations.ts';
import type { ReconciliationHealth } from '../../client/reconciliation-health.ts';
import { defined } from '../../domain/defined.ts';
import type { HostView, VswitchView } from '../../domain/host/host-view.ts';
import { allows } from '../http/callers.ts';
import { callerName } from '../http/idempotent-start.ts';
import { Problem } from '../http/problem.ts';
import { type App, hostFor, newApp, refuseQuery, type Services } from '../http/routing.ts';
import { HostFeed, type Seen } from './host-feed.ts';

/** Longest silence: proxies drop silent connections, and pages know by the events that the stream lives. */
const HEARTBEAT_MS = 10_000;

/**
 * A host's changes as server-sent events: `state`, the whole host, first; then `changes`, guests and VSWITCHes that differ; `operations`,
 * `reconciliation`, `hold` and `problem` when they have changed; `alive` with the age of what was read, in milliseconds.
 */
export function eventRoutes(services: Services): App {
  const app = newApp();
  const feeds = new Map<string, HostFeed>();
  const open = new Map<string, number>();
  app.get('/v1/hosts/:host/events', (context) => {
    const { host } = hostFor(context, services, context.req.param('host'), 'read');
    refuseQuery(context);
    // HEAD is served as a GET without a reader of the body: a stream of events would never end.
    if (context.req.method === 'HEAD') return context.body(null, 200, { 'content-type': 'text/event-stream' });
    const feed = feeds.get(host) ?? new HostFeed(services, host);
    feeds.set(host, feed);
    unbuffered(context);
    const caller = context.get('caller');
    const leave = takeStream(open, callerName(context), services.limits.streamsPerCaller);
    const allowed = () => caller === undefined || allows(caller, 'read', host);
    return streamSSE(context, (stream) => follow(stream, feed, services, allowed).finally(leave));
  });
  return app;
}

/** Count a stream of a caller until the returned function is called. Throws a Problem when the caller has too many. */
function takeStream(open: Map<string, number>, caller: string, most: number): () => void {
  const before = open.get(caller) ?? 0;
  if (before >= most)
    throw new Problem(429, 'too-many', 'Too many requests', `at most ${most} streams of events at a time: close some`);
  open.set(caller, before + 1);
  return () => {
    const left = (open.get(caller) ?? 1) - 1;
    if (left === 0) open.delete(caller);
    else open.set(caller, left);
  };
}

/** Proxies hand on each event when it comes. */
function unbuffered(context: Context): void {
  context.header('x-accel-buffering', 'no');
  context.header('cache-control', 'no-cache, no-transform');
}

/** Send events to a page until it closes, its token is revoked, or the gateway ends. */
async function follow(
  stream: SSEStreamingApi,
  feed: HostFeed,
  { options, limits }: Services,
  allowed: () => boolean,
): Promise<void> {
  const gone = new AbortController();
  const enough = options.closing === undefined ? gone.signal : AbortSignal.any([gone.signal, options.closing]);
  const leave = feed.watch();
  stream.onAbort(() => {
    leave();
    gone.abort();
  });
  const send = (event: string, data: unknown) => stream.writeSSE({ event, data: JSON.stringify(data) });
  let sent: Seen = { problem: null };
  let toldReadAt: number | undefined;
  let spokeAt = 0;
  const until = Date.now() + limits.streamSeconds * 1_000;
  try {
    while (!enough.aborted && !stream.aborted && !stream.closed && allowed()) {
      const { seen } = feed;
      // The state of the host comes first, unless it cannot be read.
      const isKnown = seen.view !== undefined || seen.problem !== null;
      if (isKnown) {
        for (const [event, data] of newsBetween(sent, seen, options)) await send(event, data);
        sent = seen;
      }
      // A reading without a change is news too: it renews the age of the picture.
      if (seen.readAt !== toldReadAt || Date.now() - spokeAt >= HEARTBEAT_MS) {
        await send('alive', { age: seen.readAt === undefined ? null : Date.now() - seen.readAt });
        toldReadAt = seen.readAt;
        spokeAt = Date.now();
      }
      if (isKnown && Date.now() >= until) break;
      if (feed.seen === seen) await feed.news(HEARTBEAT_MS, enough);
    }
  } finally {
    leave();
  }
}

/** Data of each event of the stream. */
export type HostEvents = {
  state: HostView;
  changes: HostChanges;
  operations: ListedOperation[];
  reconciliation: ReconciliationHealth;
  hold: HoldView | null;
  problem: string | null;
  alive: { age: number | null };
};
type ListedOperation = OperationView & { run?: string };
export type ListChange<Item> = { now: Item[]; gone: string[] };
export type VswitchChange = Omit<VswitchView, 'authorisations' | 'nics'> & {
  authorisations: ListChange<VswitchView['authorisations'][number]>;
  nics: ListChange<VswitchView['nics'][number]>;
};
export type HostChanges = Pick<HostView, 'iplTime' | 'capabilities' | 'behaviour' | 'visitors' | 'findings'> & {
  guests: ListChange<HostView['guests'][number]>;
  vswitches: ListChange<VswitchChange>;
};

type News = { [Event in keyof HostEvents]: [event: Event, data: HostEvents[Event]] }[keyof HostEvents];

/** The events that a page which knows `sent` lacks. A slow page gets the difference of several readings at once. */
function newsBetween(sent: Seen, seen: Seen, options: Services['options']): News[] {
  const news: News[] = [];
  if (seen.view !== undefined && seen.view !== sent.view) {
    if (sent.view === undefined) news.push(['state', seen.view]);
    else news.push(...changesBetween(sent.view, seen.view));
  }
  if (seen.operations !== undefined && JSON.stringify(seen.operations) !== JSON.stringify(sent.operations))
    news.push(['operations', withRuns(seen.operations, options)]);
  if (seen.reconciliation !== undefined && JSON.stringify(seen.reconciliation) !== JSON.stringify(sent.reconciliation))
    news.push(['reconciliation', seen.reconciliation]);
  if (seen.hold !== undefined && JSON.stringify(seen.hold) !== JSON.stringify(sent.hold))
    news.push(['hold', seen.hold]);
  if (seen.problem !== sent.problem) news.push(['problem', seen.problem]);
  return news;
}

function changesBetween(old: HostView, view: HostView): News[] {
  const guests = changed(old.guests, view.guests, ({ userid }) => userid);
  const vswitches = changed(old.vswitches, view.vswitches, ({ name }) => name);
  const quiet = [guests.now, guests.gone, vswitches.now, vswitches.gone].every((list) => list.length === 0);
  const { iplTime, capabilities, behaviour, visitors, findings } = view;
  const ofHost = ({ iplTime, capabilities, visitors, findings }: HostView) =>
    JSON.stringify([iplTime, capabilities, visitors, findings]);
  const isSame = ofHost(old) === ofHost(view);
  if (quiet && isSame) return [];
  const before = new Map(old.vswitches.map((vswitch) => [vswitch.name, vswitch]));
  const now = vswitches.now.map((vswitch) => vswitchChange(before.get(vswitch.name), vswitch));
  return [
    [
      'changes',
      {
        iplTime,
        ...defined({ capabilities, behaviour, visitors }),
        findings,
        guests,
        vswitches: { now, gone: vswitches.gone },
      },
    ],
  ];
}

/** Equal items are the same objects (HostFeed). */
function changed<Item>(old: readonly Item[], items: readonly Item[], keyOf: (item: Item) => string): ListChange<Item> {
  const before = new Set(old);
  const keys = new Set(items.map(keyOf));
  return {
    now: items.filter((item) => !before.has(item)),
    gone: old.map(keyOf).filter((key) => !keys.has(key)),
  };
}

/** Authorisations and NICs of a VSWITCH are as many as its guests: of them what is new, and what is no longer, as JSON. */
function vswitchChange(old: VswitchView | undefined, vswitch: VswitchView): VswitchChange {
  return {
    ...vswitch,
    authorisations: listChange(old?.authorisations ?? [], vswitch.authorisations),
    nics: listChange(old?.nics ?? [], vswitch.nics),
  };
}

function listChange<Item>(old: readonly Item[], items: readonly Item[]): ListChange<Item> {
  const before = new Set(old.map((item) => JSON.stringify(item)));
  const after = new Set(items.map((item) => JSON.stringify(item)));
  return {
    now: items.filter((item) => !before.has(JSON.stringify(item))),
    gone: [...before].filter((text) => !after.has(text)),
  };
}

function withRuns(
  operations: NonNullable<Seen['operations']>,
  { uiUrl, namespace }: Services['options'],
): ListedOperation[] {
  return operations.map((operation) => ({
    ...operation,
    ...defined({ run: uiUrl === undefined ? undefined : runUrl(uiUrl, namespace, operation) }),
  }));
}
