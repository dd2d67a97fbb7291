/** The Workflow ID that is a guest's lock: Temporal allows one open run of it (docs/architecture.md). */
export function guestWorkflowId(host: string, userid: string): string {
  return `guest/${host}/${userid}`;
}

/** One at a time makes, changes or deletes a VSWITCH. */
export function vswitchWorkflowId(host: string, vswitch: string): string {
  return `vswitch/${host}/${vswitch.toUpperCase()}`;
}

/** One at a time gives a host's DHCP node its NICs. */
export function dhcpWorkflowId(host: string): string {
  return `dhcp/${host}`;
}

/** One at a time gives a host's management node its NIC. */
export function managementNetworkWorkflowId(host: string): string {
  return `management-network/${host}`;
}

/** How the Schedules of reconciliation begin, and the Workflow IDs of what they and others start for a host. */
export const RECONCILE_PREFIX = 'reconcile/';

/** The Schedule of a host's reconciliation. */
export function reconcileScheduleId(host: string): string {
  return `${RECONCILE_PREFIX}${host}`;
}
