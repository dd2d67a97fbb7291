import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import { taskQueueOf } from '../../domain/host/host.ts';
import { READINGS } from '../../domain/operations/host-operations.ts';
import { messageOf } from '../../domain/text/error-message.ts';
import { isMissing } from './worker-build.ts';

const LOOK_MS = 30_000;
/** Callers that share a reading have long had its result. */
const KEPT_MS = 60_000;
/** As many in one look: each is a call to the server. */
const MOST_AT_ONCE = 200;

const TYPES = [...Object.keys(READINGS), 'probeWorker'].map((type) => `"${type}"`).join(', ');

/**
 * Delete readings of a host that have ended well, until `signal` is aborted: they change nothing, and would hide operations and repairs in
 * Temporal's list. One that failed or timed out stays as long as any run. Several workers may delete the same.
 */
export async function watchEndedReadings(
  client: Client,
  host: string,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  let isAway = false;
  while (!signal.aborted) {
    await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    try {
      await client.withAbortSignal(signal, () => deleteEndedReadings(client, host, KEPT_MS));
      isAway = false;
    } catch (error) {
      if (signal.aborted) return;
      logger[isAway ? 'debug' : 'warn']({ host, reason: messageOf(error) }, 'ended readings were not deleted: retried');
      isAway = true;
    }
  }
}

/** Delete readings of a host that ended well more than so many milliseconds ago. Throws what Temporal's client throws. */
export async function deleteEndedReadings(client: Client, host: string, keptMs: number): Promise<void> {
  const before = new Date(Date.now() - keptMs).toISOString();
  const query = `TaskQueue = "${taskQueueOf(host)}" AND WorkflowType IN (${TYPES}) AND ExecutionStatus = "Completed" AND CloseTime < "${before}"`;
  let left = MOST_AT_ONCE;
  for await (const { workflowId, runId } of client.workflow.list({ query, pageSize: MOST_AT_ONCE })) {
    await deleteRun(client, workflowId, runId);
    left -= 1;
    if (left === 0) return;
  }
}

async function deleteRun(client: Client, workflowId: string, runId: string): Promise<void> {
  try {
    const workflowExecution = { workflowId, runId };
    await client.workflowService.deleteWorkflowExecution({ namespace: client.options.namespace, workflowExecution });
  } catch (error) {
    // Another worker has deleted it; the list is a moment behind.
    if (!isMissing(error)) throw error;
  }
}
