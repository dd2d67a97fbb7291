import type { Context } from '@temporalio/activity';
import { subjectKey } from '../domain/drift/repair-subject.ts';
import { messageOf } from '../domain/text/error-message.ts';
import { RECONCILE_PREFIX, reconcileScheduleId, scheduleWorkflowId } from '../temporal-config/names.ts';
import type { Survey } from '../workflows/host-activities.ts';
import type { ReconcileRun } from './kept-checkpoint.ts';
import type { SurveyTask } from './survey-failures.ts';

type Client = Context['client'];

/** The latest reconciliations of a host that found nothing to do. There are thousands a day, and none tells more than the next. */
export type IdleRuns = {
  /** A run that began at a time in milliseconds of Unix time has looked at the host. */
  note(run: ReconcileRun, at: number, isIdle: boolean): void;
  /** The runs whose histories nobody needs any more; each is named once. */
  due(): ReconcileRun[];
};

/** The Temporal UI and the Schedule's page link to the latest. */
const KEPT_LATEST = 20;
/** Of earlier ones, one in so long is kept, as a proof that the host was looked at. */
const KEPT_EVERY_MS = 1_800_000;

/** Create the list of one worker. A worker that ends forgets it: its last runs are kept as long as all others. */
export function createIdleRuns(): IdleRuns {
  let latest: { run: ReconcileRun; at: number }[] = [];
  let keptAt = Number.NEGATIVE_INFINITY;
  return {
    note(run, at, isIdle) {
      // A survey that is tried again may find something.
      latest = latest.filter((other) => other.run.runId !== run.runId);
      if (isIdle) latest.push({ run, at });
    },
    due() {
      const old = latest.slice(0, -KEPT_LATEST);
      latest = latest.slice(-KEPT_LATEST);
      return old.flatMap(({ run, at }) => {
        if (at - keptAt < KEPT_EVERY_MS) return [run];
        keptAt = at;
        return [];
      });
    },
  };
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
