import type { Client } from '@temporalio/client';
import { FEILONG_ZHCP } from '../domain/host/host.ts';

/** The z/VM system that a worker of a host works on: its zHCP, or FEILONG_ZHCP, and the server that it reaches it by. */
export type System = { host: string; zhcpNode: string; serverUrl: string };

/** A worker as Temporal knows it: `identity` is what it calls itself by, with its system in it. */
export type WorkerIdentity = System & { process: string; since: string; identity: string };

/**
 * The task queue at which every worker tells by its identity that it is there: Temporal lists who waits at a queue, but not the queues. No
 * host's own queue has this name, since a host's name has no slash.
 */
export const PRESENCE_QUEUE = 'zvm/hosts';

// The server keeps who has asked for work for five minutes. A worker asks at least once a minute: who has not for two is gone. That it has
// ended, which its SDK tells, server 1.29 shows no sooner.
const GONE_MS = 120_000;

/** Kinds of tasks, as Temporal numbers them. */
export const WORKFLOW_TASKS = 1;
const ACTIVITY_TASKS = 2;
/** The mode of a description that Temporal calls enhanced. */
const OF_ALL_PARTITIONS = 1;

/** The identity of a worker: a line that operators read in the Temporal UI and that `workerIn` understands. */
export function identityOf(system: System, process: string, since: Date): string {
  return `${process} for ${system.host}: ${systemText(system)}, since ${since.toISOString()}`;
}

/** A z/VM system by its server: `zHCP zhcp1 of xCAT https://mn`, or `Feilong https://feilong`. */
export function systemText({ zhcpNode, serverUrl }: Omit<System, 'host'>): string {
  return zhcpNode === FEILONG_ZHCP ? `Feilong ${serverUrl}` : `zHCP ${zhcpNode} of xCAT ${serverUrl}`;
}

/** The worker of an identity. Undefined for the identity of another program, or of a worker of an older version. */
export function workerIn(identity: string): WorkerIdentity | undefined {
  const found = /^(\S+) for (\S+): (?:zHCP (\S+) of xCAT|Feilong) (\S+), since (\S+)$/.exec(identity);
  if (found === null) return undefined;
  const [, process = '', host = '', zhcpNode = FEILONG_ZHCP, serverUrl = '', since = ''] = found;
  return { process, host, zhcpNode, serverUrl, since, identity };
}

/** True when both work on the same z/VM system, by the same server. */
export function isSameSystem(one: System, other: System): boolean {
  return one.zhcpNode === other.zhcpNode && one.serverUrl === other.serverUrl;
}

/** A poller of a task queue. */
export type Poller = { identity: string; lastSeenMs: number };

/** Workers that have polled a task queue within two minutes. Of many workers with a poll each Temporal tells a part. */
export async function pollersOf(client: Client, queue: string, tasks: number): Promise<Poller[]> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace: client.options.namespace,
    taskQueue: { name: queue },
    taskQueueType: tasks,
  });
  return recentOf(pollers ?? []);
}

type Told = { identity?: string | null; lastAccessTime?: { seconds?: unknown; nanos?: number | null } | null };

function recentOf(pollers: readonly Told[]): Poller[] {
  return pollers
    .map(({ identity, lastAccessTime }) => ({
      identity: identity ?? '',
      lastSeenMs: Number(lastAccessTime?.seconds ?? 0) * 1_000 + Number(lastAccessTime?.nanos ?? 0) / 1_000_000,
    }))
    .filter(({ lastSeenMs }) => Date.now() - lastSeenMs < GONE_MS);
}

/** The hosts of zHCPs of the configuration's own server that have a running worker. */
export async function hostsOf(client: Client, serverUrl: string, zhcps: readonly string[]): Promise<string[]> {
  const workers = await presentWorkers(client);
  const found = workers.filter((worker) => worker.serverUrl === serverUrl && zhcps.includes(worker.zhcpNode));
  return [...new Set(found.map(({ host }) => host))];
}

/**
 * All running workers, by their identities. A queue has four partitions, and each worker polls one of them. Temporal tells at once the pollers of the first,
 * 11 of 32, and those of all some seconds later (docs/reference/temporal.md 3.5).
 */
export async function presentWorkers(client: Client): Promise<WorkerIdentity[]> {
  const pollers = await Promise.all([pollersOf(client, PRESENCE_QUEUE, ACTIVITY_TASKS), pollersOfPartitions(client)]);
  return [...new Set(pollers.flat().map(({ identity }) => identity))].flatMap((identity) => workerIn(identity) ?? []);
}

async function pollersOfPartitions(client: Client): Promise<Poller[]> {
  const { versionsInfo } = await client.workflowService.describeTaskQueue({
    namespace: client.options.namespace,
    taskQueue: { name: PRESENCE_QUEUE },
    apiMode: OF_ALL_PARTITIONS,
    taskQueueTypes: [ACTIVITY_TASKS],
    reportPollers: true,
  });
  const types = Object.values(versionsInfo ?? {}).flatMap(({ typesInfo }) => Object.values(typesInfo ?? {}));
  return recentOf(types.flatMap(({ pollers }) => pollers ?? []));
}
