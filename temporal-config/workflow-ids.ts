/** The Workflow ID that is a guest's lock: Temporal allows one open run of it (docs/architecture.md). */
export function guestWorkflowId(host: string, userid: string): string {
  return `guest/${host}/${userid}`;
}

/** How the Schedules of reconciliation begin, and the Workflow IDs of what they and others start for a host. */
export const RECONCILE_PREFIX = 'reconcile/';

/** The Schedule of a host's reconciliation. */
export function reconcileScheduleId(host: string): string {
  return `${RECONCILE_PREFIX}${host}`;
}
