import { type Client, type WorkflowExecutionInfo, WorkflowNotFoundError } from '@temporalio/client';
import { taskQueueOf } from '../domain/host/host.ts';
import { AWAITING_OUTCOMES, quoted, ZVM_OUTCOME } from '../temporal-config/search-attributes.ts';

/** Runs that stay open, and wait for somebody's word. */
const WAITING_TYPES = ['hostControl', 'followEvents'];
/** Outcomes of runs that wait for a person, a window or a receiver of notifications. */
const WAITING_OUTCOMES: readonly string[] = ['held', ...AWAITING_OUTCOMES];
const ASKED_AT_ONCE = 20;

/**
 * True when a worker of the host has something to do: an open run goes on, or one that waits has been told something, or its time has come. The length of
 * a task queue, which Temporal only estimates, would not tell that. Throws what Temporal's client throws.
 */
export async function hasWork(client: Client, host: string): Promise<boolean> {
  const query = `TaskQueue = ${quoted(taskQueueOf(host))} AND ExecutionStatus = "Running"`;
  const waiting: WorkflowExecutionInfo[] = [];
  for await (const run of client.workflow.list({ query })) {
    if (!isWaiting(run)) return true;
    waiting.push(run);
  }
  while (waiting.length > 0) {
    const asked = await Promise.all(waiting.splice(0, ASKED_AT_ONCE).map((run) => hasTask(client, run)));
    if (asked.includes(true)) return true;
  }
  return false;
}

function isWaiting({ type, typedSearchAttributes }: WorkflowExecutionInfo): boolean {
  const outcome = typedSearchAttributes.get(ZVM_OUTCOME) ?? '';
  if (type === 'notify') return outcome === 'retrying';
  return WAITING_TYPES.includes(type) || WAITING_OUTCOMES.includes(outcome);
}

async function hasTask(client: Client, { workflowId, runId }: WorkflowExecutionInfo): Promise<boolean> {
  try {
    const { raw } = await client.workflow.getHandle(workflowId, runId).describe();
    return raw.pendingWorkflowTask != null || (raw.pendingActivities ?? []).length > 0;
  } catch (error) {
    // It has ended meanwhile.
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}
