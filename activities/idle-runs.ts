import type { Context } from '@temporalio/activity';
import { z } from 'zod';
import { subjectKey } from '../domain/drift/repair-subject.ts';
import { messageOf } from '../domain/text/error-message.ts';
import { RECONCILE_PREFIX, reconcileScheduleId, scheduleWorkflowId } from '../temporal-config/names.ts';
import { is, runsOfSchedule, ZVM_OUTCOME } from '../temporal-config/search-attributes.ts';
import type { Survey } from '../workflows/host-activities.ts';
import { isWhole, type ReconcileRun } from './kept-checkpoint.ts';
import type { SurveyTask } from './survey-failures.ts';

type Client = Context['client'];

/** The latest reconciliations of a host that found nothing to do. There are thousands a day, and none tells more than the next. */
export type IdleRuns = {
  /**
   * The runs whose histories nobody needs any more, now that `run` has looked at the host; each is named once. `before` tells of idle runs that other
   * workers have left, the first that ended first: it is asked once.
   */
  dueAfter(run: ReconcileRun, isIdle: boolean, before: () => Promise<ReconcileRun[]>): Promise<ReconcileRun[]>;
};

/** The Schedule's page of the Temporal UI links to as many. */
const KEPT_LATEST = 10;

/** Create the list of one worker. */
export function createIdleRuns(): IdleRuns {
  let latest: ReconcileRun[] | undefined;
  return {
    async dueAfter(run, isIdle, before) {
      const known = latest ?? (await before());
      // A survey that is tried again may find something.
      const others = known.filter(({ runId }) => runId !== run.runId);
      const all = isIdle ? [...others, run] : others;
      latest = all.slice(-KEPT_LATEST);
      return all.slice(0, -KEPT_LATEST);
    },
  };
}

const MOST_LEFT = 50;
const IdleResult = z.object({
  reIpled: z.literal(false),
  failures: z.array(z.unknown()).max(0),
  reported: z.object({ up: z.literal(0), down: z.literal(0) }),
  checkpoint: z.string().refine((text) => !isWhole(text)),
});

/** The last idle runs of the host's Schedule, the first that ended first, as their results tell. Those that cannot be read now are kept as long as all others. */
export async function idleRunsBefore(client: Client, host: string): Promise<ReconcileRun[]> {
  const query = `${runsOfSchedule(host)} AND ExecutionStatus = "Completed" AND ${is(ZVM_OUTCOME, 'unchanged')}`;
  const left: ReconcileRun[] = [];
  try {
    let looked = 0;
    for await (const { workflowId, runId } of client.workflow.list({ query, pageSize: MOST_LEFT })) {
      const run = client.workflow.getHandle(workflowId, runId, { followRuns: false });
      const result: unknown = await run.result().catch(() => undefined);
      if (IdleResult.safeParse(result).success) left.unshift({ workflowId, runId });
      looked += 1;
      if (looked === MOST_LEFT) break;
    }
  } catch {
    // Temporal does not answer.
  }
  return left;
}

/** True of a run of the host's Schedule that changes nothing, tells nobody of a port, and knows of no failure that the run before did not know. */
export function isIdle(
  run: ReconcileRun,
  { host, failed }: Pick<SurveyTask, 'host' | 'failed'>,
  survey: Omit<Survey, 'checkpoint' | 'request'>,
): boolean {
  const { candidates, vswitches, managementNetwork, dhcp, statuses, reIpled } = survey;
  const known = new Set(failed.map(({ about }) => subjectKey(about)));
  return (
    run.workflowId.startsWith(`${RECONCILE_PREFIX}${host}-`) &&
    [candidates, vswitches, statuses].every(({ length }) => length === 0) &&
    ![managementNetwork, dhcp, reIpled].includes(true) &&
    survey.failed.every(({ about }) => known.has(subjectKey(about)))
  );
}

/** A look at the Schedule's own workflow takes a query: it is closed and goes on as a new run every few hours. */
const LOOK_EVERY_MS = 3_600_000;

/**
 * Create the list of closed runs of the Schedule's own workflow. Temporal keeps them as long as all others, with the result of each reconciliation,
 * and nobody reads them. A server whose Schedules are no workflows has none.
 */
export function createClosedSchedules(host: string): (client: Client, now: number) => Promise<ReconcileRun[]> {
  let lookedAt = Number.NEGATIVE_INFINITY;
  return async (client, now) => {
    if (now - lookedAt < LOOK_EVERY_MS) return [];
    lookedAt = now;
    const workflowId = scheduleWorkflowId(reconcileScheduleId(host));
    const query = `TemporalNamespaceDivision = "TemporalScheduler" AND WorkflowId = "${workflowId}" AND ExecutionStatus = "ContinuedAsNew"`;
    const runs: ReconcileRun[] = [];
    try {
      for await (const { runId } of client.workflow.list({ query })) runs.push({ workflowId, runId });
    } catch {
      // The next look finds them.
    }
    return runs;
  };
}

/** Delete the histories of ended runs. One that Temporal does not delete is kept as long as all others. */
export async function deleteRuns(
  { client, log }: Pick<Context, 'client' | 'log'>,
  runs: readonly ReconcileRun[],
): Promise<void> {
  const { namespace } = client.options;
  for (const run of runs)
    await client.workflowService
      .deleteWorkflowExecution({ namespace, workflowExecution: run })
      .catch((error: unknown) => {
        log.debug('the history of an idle run is kept', { ...run, reason: messageOf(error) });
      });
}
