/** The Temporal namespace of this project. */
export const NAMESPACE = 'zvm';

/** The keys of an operation's memo: its origin, the plan that waits, the last decision on it, and that a run waits for it which waits for nobody. */
export const MEMO = { origin: 'origin', awaits: 'awaits', decision: 'decision', unattended: 'unattended' } as const;

/** The Workflow ID that is a guest's lock: Temporal allows one open run of it (docs/architecture.md). */
export function guestWorkflowId(host: string, userid: string): string {
  return `guest/${host}/${userid}`;
}

/** The Workflow ID of operations on a VSWITCH; one at a time. */
export function vswitchWorkflowId(host: string, vswitch: string): string {
  return `vswitch/${host}/${vswitch.toUpperCase()}`;
}

/** The Workflow ID of `ensureDhcp` on a host; one at a time. */
export function dhcpWorkflowId(host: string): string {
  return `dhcp/${host}`;
}

/** The Workflow ID of `ensureManagementNetwork` on a host; one at a time. */
export function managementNetworkWorkflowId(host: string): string {
  return `management-network/${host}`;
}

/**
 * The id of an operation as URLs and people write it: its Workflow ID with `~` for `/`, which no name of a host, guest, VSWITCH or port
 * holds.
 */
export function operationIdOf(workflowId: string): string {
  return workflowId.replaceAll('/', '~');
}

/** The Workflow ID of an operation's id. */
export function workflowIdOf(operationId: string): string {
  return operationId.replaceAll('~', '/');
}

/** The prefix of the Schedules of reconciliation, and of the Workflow IDs of their runs. */
export const RECONCILE_PREFIX = 'reconcile/';

/** The id of a host's Schedule of reconciliation. */
export function reconcileScheduleId(host: string): string {
  return `${RECONCILE_PREFIX}${host}`;
}

/** The beginning of the Workflow IDs of the Schedule's runs, which bear the time of their start. */
export function scheduledRunPrefix(host: string): string {
  return `${reconcileScheduleId(host)}-2`;
}

/** The Workflow ID of a Schedule's own workflow, as Temporal names it. */
export function scheduleWorkflowId(scheduleId: string): string {
  return `temporal-sys-scheduler:${scheduleId}`;
}

/** The note on a host's Schedule while it is not paused. */
export function reconciliationNote(host: string, everySeconds: number): string {
  return `Compares ${host} with its record every ${everySeconds} s and repairs drift. Pause it before maintenance, with the reason.`;
}

/** The Workflow ID of the operators' word on a host: its hold. */
export function controlWorkflowId(host: string): string {
  return `control/${host}`;
}
