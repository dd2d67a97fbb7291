import { type Client, ScheduleAlreadyRunning, ScheduleNotFoundError, ScheduleOverlapPolicy } from '@temporalio/client';
import { originMemo } from '../../client/origin.ts';
import { taskQueueOf } from '../../domain/host/host.ts';
import { reconcileScheduleId, reconciliationNote } from '../../temporal-config/names.ts';
import { searchAttributesOf } from '../../temporal-config/search-attributes.ts';
import type { reconcileHost } from '../../workflows/index.ts';

/** How often a host is reconciled, and how often each of its directory entries is read at least. */
export type ReconcileTimes = { intervalSeconds: number; sweepSeconds: number };

/**
 * Create the Schedule of a host, or bring it up to date; a paused one stays paused. Runs that would overlap are skipped, and
 * of those missed while the server was away at most one is made up for.
 */
export async function ensureReconcileSchedule(client: Client, host: string, times: ReconcileTimes): Promise<void> {
  const { intervalSeconds, sweepSeconds } = times;
  const spec = {
    intervals: [{ every: `${intervalSeconds} seconds` as const }],
    jitter: `${Math.max(1, Math.floor(intervalSeconds / 10))} seconds` as const,
  };
  const action = {
    type: 'startWorkflow' as const,
    workflowType: 'reconcileHost',
    workflowId: reconcileScheduleId(host),
    taskQueue: taskQueueOf(host),
    args: [{ host, intervalSeconds, sweepSeconds }] satisfies Parameters<typeof reconcileHost>,
    typedSearchAttributes: searchAttributesOf({ host, by: 'schedule' }),
    memo: originMemo({ by: 'schedule', via: 'schedule' }),
    staticSummary: `reconcile ${host}`,
    staticDetails: `Compares **${host}** with its record and repairs drift. Started by the Schedule \`${reconcileScheduleId(host)}\`.`,
  };
  const policies = {
    overlap: ScheduleOverlapPolicy.SKIP,
    catchupWindow: `${Math.max(10, intervalSeconds)} seconds` as const,
  };
  try {
    await client.schedule.create({
      scheduleId: reconcileScheduleId(host),
      spec,
      action,
      policies,
      state: { note: reconciliationNote(host, intervalSeconds) },
      typedSearchAttributes: searchAttributesOf({ host }),
    });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    const handle = client.schedule.getHandle(reconcileScheduleId(host));
    await handle.update((previous) => ({ ...previous, spec, action, policies }));
  }
}

/** False when the host has no Schedule. */
export async function hasReconcileSchedule(client: Client, host: string): Promise<boolean> {
  try {
    await client.schedule.getHandle(reconcileScheduleId(host)).describe();
    return true;
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return false;
    throw error;
  }
}
