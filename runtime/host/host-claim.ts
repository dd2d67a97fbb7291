import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { type Client, WorkflowFailedError } from '@temporalio/client';
import type { WorkerDeploymentVersion } from '@temporalio/common';
import {
  identityOf,
  isSameSystem,
  pollersOf,
  WORKFLOW_TASKS,
  type WorkerIdentity,
  workerIn,
} from '../../client/worker-identity.ts';
import type { HostConfiguration } from '../../configuration/load.ts';
import { defined } from '../../domain/defined.ts';
import { taskQueueOf } from '../../domain/host/host.ts';
import type { probeWorker } from '../../workflows/index.ts';

/** A worker that is there has answered by then; who has not is gone, or cannot do work. */
const ANSWER_MS = 10_000;

/** A worker of another z/VM system has the host's name already: both would do each other's work, each on its own system. */
export class HostTaken extends Error {
  override readonly name = 'HostTaken';

  constructor(own: WorkerIdentity, other: WorkerIdentity) {
    super(
      `host ${own.host} is worked for already, on another z/VM system: ${systemOf(other)} by ${other.process} since ${other.since}; this worker has ` +
        `${systemOf(own)} by ${own.process}. It does not run, since each would carry out what is meant for the other. Give this host another name ` +
        '(zvm_host), point TEMPORAL_ADDRESS or TEMPORAL_NAMESPACE elsewhere, or stop the other worker first',
    );
  }
}

/** How the worker of a host calls itself from now on. */
export function ownIdentity({ host, zhcpNode, xcat }: HostConfiguration): WorkerIdentity {
  const process_ = `${process.pid}@${hostname()}`;
  const since = new Date();
  const system = { host, zhcpNode, xcatUrl: xcat.url };
  return { ...system, process: process_, since: since.toISOString(), identity: identityOf(system, process_, since) };
}

/** A host's name for one z/VM system, as long as its worker runs. */
export type HostClaim = {
  /** Throws HostTaken when another worker has asked for work meanwhile that was there before: of two that come at the same moment the later gives way. */
  look(client: Client): Promise<void>;
};

/** Claim the name of a worker's host. Throws HostTaken when a worker that is there works under that name on another z/VM system. */
export async function claimHost(client: Client, own: WorkerIdentity): Promise<HostClaim> {
  const there = await others(client, own);
  if (there.length > 0) {
    const answering = await answeringWorker(client, own.host);
    if (answering !== undefined && !isSameSystem(answering, own)) throw new HostTaken(own, answering);
  }
  const gone = new Map(there.map(({ worker, lastSeenMs }) => [worker.identity, lastSeenMs]));
  return {
    async look(now) {
      for (const { worker, lastSeenMs } of await others(now, own)) {
        if (lastSeenMs > (gone.get(worker.identity) ?? 0) && cameBefore(worker, own)) throw new HostTaken(own, worker);
      }
    },
  };
}

function cameBefore(one: WorkerIdentity, other: WorkerIdentity): boolean {
  return one.since === other.since ? one.identity < other.identity : one.since < other.since;
}

/** Workers of the same host's name that work on another z/VM system, among them some that are gone since a moment. */
async function others(client: Client, own: WorkerIdentity): Promise<{ worker: WorkerIdentity; lastSeenMs: number }[]> {
  const pollers = await pollersOf(client, taskQueueOf(own.host), WORKFLOW_TASKS);
  return pollers.flatMap(({ identity, lastSeenMs }) => {
    const worker = workerIn(identity);
    return worker === undefined || isSameSystem(worker, own) ? [] : [{ worker, lastSeenMs }];
  });
}

/** The worker that takes work of a host now, of the given build or of the current one; undefined when none does within ten seconds. */
export async function answeringWorker(
  client: Client,
  host: string,
  version?: WorkerDeploymentVersion,
): Promise<WorkerIdentity | undefined> {
  const handle = await client.workflow.start<typeof probeWorker>('probeWorker', {
    taskQueue: taskQueueOf(host),
    workflowId: `probe/${host}/${randomUUID().slice(0, 8)}`,
    workflowExecutionTimeout: ANSWER_MS,
    ...defined({ versioningOverride: version && { pinnedTo: version } }),
    staticSummary: `probe which worker of ${host} is there`,
  });
  await handle.result().catch((error: unknown) => {
    if (!(error instanceof WorkflowFailedError)) throw error;
  });
  const { events } = await handle.fetchHistory();
  const taken = (events ?? []).flatMap((event) => event.workflowTaskStartedEventAttributes?.identity ?? []);
  return workerIn(taken.at(-1) ?? '');
}

function systemOf({ zhcpNode, xcatUrl }: WorkerIdentity): string {
  return `zHCP ${zhcpNode} of xCAT ${xcatUrl}`;
}
