import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import type { Logger } from 'pino';
import { readGuestRunHistory } from '../../activities/guest-run-history.ts';
import { taskQueueOf } from '../../domain/host/host.ts';

// Noticed well within a minute: Temporal's list is a second behind at most.
const LOOK_MS = 15_000;
/** The first look goes back so far: no worker may have run meanwhile. */
const FIRST_LOOK_BACK_MS = 7 * 24 * 3_600_000;
const LOOK_BACK_MS = 10 * 60_000;
const LOST = ['Terminated', 'Failed', 'TimedOut'].map((status) => `"${status}"`).join(', ');

/**
 * Look for guest runs of a host that ended before they had answered, because they were terminated or failed by a defect, and tell the
 * operations that wait for them, until `signal` is aborted. Several workers may tell the same: an operation takes the first word.
 */
export async function watchLostGuestRuns(
  client: Client,
  host: string,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  const seen = new Set<string>();
  let since = Date.now() - FIRST_LOOK_BACK_MS;
  while (!signal.aborted) {
    try {
      const begin = Date.now();
      await client.withAbortSignal(signal, async () => {
        for await (const run of client.workflow.list({ query: lostSince(host, since) })) {
          if (seen.has(run.runId)) continue;
          await tellOperations(client, run, logger);
          seen.add(run.runId);
        }
      });
      since = begin - LOOK_BACK_MS;
    } catch (error) {
      if (signal.aborted) return;
      logger.warn({ host, reason: String(error) }, 'Temporal does not list terminated guest runs: retried');
    }
    await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
}

function lostSince(host: string, time: number): string {
  const at = new Date(time).toISOString();
  return `TaskQueue = "${taskQueueOf(host)}" AND WorkflowType = "convergeGuest" AND ExecutionStatus IN (${LOST}) AND CloseTime >= "${at}"`;
}

async function tellOperations(client: Client, { workflowId, runId }: WorkflowExecutionInfo, logger: Logger) {
  const { raw } = await client.workflow.getHandle(workflowId, runId).describe();
  // Temporal's reset ends a run and goes on with it in another.
  if ((raw.workflowExtendedInfo?.resetRunId ?? '') !== '') return;
  const { unanswered, undelivered } = await readGuestRunHistory(client, workflowId, runId);
  const tell = (operation: string, name: string, ...args: unknown[]) =>
    client.workflow
      .getHandle(operation)
      .signal(name, ...args)
      .catch((error: unknown) => {
        logger.debug({ operation, reason: String(error) }, 'operation has ended: no answer sent');
      });
  for (const { operation, id, outcome, runId } of undelivered) await tell(operation, 'answer', id, outcome, runId);
  for (const { operation, id, began } of unanswered) await tell(operation, 'guestLost', id, { began });
  if (unanswered.length > 0)
    logger.warn(
      { guestRun: workflowId, runId, operations: unanswered.length },
      'guest run ended before its queue was empty',
    );
}
