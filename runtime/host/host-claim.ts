import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { type Client, WorkflowFailedError } from '@temporalio/client';
import type { WorkerDeploymentVersion } from '@temporalio/common';
import {
  identityOf,
  isSameSystem,
  pollersOf,
  systemText,
  WORKFLOW_TASKS,
  type WorkerIdentity,
  workerIn,
} from '../../client/worker-identity.ts';
import { type HostConfiguration, serverUrlOf } from '../../configuration/load.ts';
import { defined } from '../../domain/defined.ts';
import { taskQueueOf } from '../../domain/host/host.ts';
import type { probeWorker } from '../../workflows/index.ts';

/** Time limit for the answer of a running worker; a worker without an answer has ended or hangs. */
const ANSWER_MS = 10_000;

/** A worker of another z/VM system has the host's name already: each would carry out operations of the other. */
export class HostTaken extends Error {
  override readonly name = 'HostTaken';

  constructor(own: WorkerIdentity, other: WorkerIdentity) {
    super(
      `host ${own.host} has a worker for another z/VM system already: ${systemText(other)} by ${other.process} since ${other.since}; this worker is for ` +
        `${systemText(own)} by ${own.process}. This worker does not start: each would carry out operations of the other system. Give this host another name ` +
        '(zvm_host), point TEMPORAL_ADDRESS or TEMPORAL_NAMESPACE elsewhere, or stop the other worker first',
    );
  }
}

/** The identity of a new worker of a host. */
export function ownIdentity(configuration: HostConfiguration): WorkerIdentity {
  const { host, zhcpNode } = configuration;
  const process_ = `${process.pid}@${hostname()}`;
  const since = new Date();
  const system = { host, zhcpNode, serverUrl: serverUrlOf(configuration) };
  return { ...system, process: process_, since: since.toISOString(), identity: identityOf(system, process_, since) };
}

/** A host's name for one z/VM system, as long as its worker runs. */
export type HostClaim = {
  /** Throws HostTaken when another worker with an earlier start polls now: of two simultaneous workers the later ends. */
  look(client: Client): Promise<void>;
};

/** Claim the name of a worker's host. Throws HostTaken when a running worker has that name for another z/VM system. */
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

/** Workers with the same host's name for another z/VM system; some of them may have just ended. */
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
    staticSummary: `probe the workers of ${host}`,
  });
  await handle.result().catch((error: unknown) => {
    if (!(error instanceof WorkflowFailedError)) throw error;
  });
  const { events } = await handle.fetchHistory();
  const taken = (events ?? []).flatMap((event) => event.workflowTaskStartedEventAttributes?.identity ?? []);
  return workerIn(taken.at(-1) ?? '');
}
