import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { PRESENCE_QUEUE, type WorkerIdentity } from '../../client/worker-identity.ts';

/** The server ends a poll after a minute. */
const LONGEST_QUESTION_MS = 75_000;
const AGAIN_MS = 2_000;

/**
 * Be there, until the signal says otherwise, at the queue by which hosts are known. No work comes by it, so that this needs no worker, of which one process
 * may have but one for a queue.
 */
export async function bePresent(client: Client, { identity }: WorkerIdentity, signal: AbortSignal): Promise<void> {
  const { namespace } = client.options;
  const ask = () =>
    client.workflowService.pollActivityTaskQueue({ namespace, taskQueue: { name: PRESENCE_QUEUE }, identity });
  while (!signal.aborted) {
    const asked = client.withAbortSignal(signal, () => client.withDeadline(Date.now() + LONGEST_QUESTION_MS, ask));
    // The check of the Schedules reports an unreachable Temporal.
    const isAway = await asked.then(
      () => false,
      () => true,
    );
    if (isAway) await sleep(AGAIN_MS, undefined, { signal }).catch(() => undefined);
  }
}
