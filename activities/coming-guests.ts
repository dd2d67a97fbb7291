import { Context } from '@temporalio/activity';
import { openRun } from './temporal-operations.ts';

type Client = Context['client'];

/** Knowledge of who may still come to a window: Temporal's of the tasks of guest runs, and this worker's of the activities that have come. */
export type ComingGuests = {
  /** Carry out the rest of an activity that has come to its window. */
  afterComing<Result>(work: () => Promise<Result>): Promise<Result>;
  /**
   * True while the open run of a guest, by its Workflow ID, has a task that no worker has taken, a workflow task, or an activity in this worker that
   * has not come. A guest that waits, or is at work on another request, is not coming. True too when Temporal does not answer in time.
   */
  isComing(client: Client, workflowId: string): Promise<boolean>;
};

// A starved server takes its time; a look that hangs must not hold up the window.
const LOOK_MS = 10_000;

/** Create the knowledge of one worker. */
export function createComingGuests(): ComingGuests {
  const come = new Set<string>();
  return {
    async afterComing(work) {
      const { workflowExecution, activityId } = Context.current().info;
      const activity = `${workflowExecution?.runId} ${activityId}`;
      come.add(activity);
      try {
        return await work();
      } finally {
        come.delete(activity);
      }
    },
    async isComing(client, workflowId) {
      try {
        const run = await client.withDeadline(Date.now() + LOOK_MS, () => openRun(client, workflowId));
        if (run === undefined) return false;
        if (run.raw.pendingWorkflowTask != null) return true;
        return (run.raw.pendingActivities ?? []).some(({ activityId, lastWorkerIdentity }) => {
          const isTaken = Boolean(lastWorkerIdentity);
          const isHere = lastWorkerIdentity === client.options.identity;
          return !isTaken || (isHere && !come.has(`${run.runId} ${activityId}`));
        });
      } catch {
        return true;
      }
    },
  };
}
