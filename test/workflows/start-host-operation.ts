import { randomUUID } from 'node:crypto';
import type { Client, WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { taskQueueOf } from '../../domain/host/host.ts';
import { dhcpWorkflowId, managementNetworkWorkflowId, vswitchWorkflowId } from '../../temporal-config/names.ts';
import { searchAttributesOf } from '../../temporal-config/search-attributes.ts';
import type {
  ensureDhcp,
  ensureManagementNetwork,
  ensureVswitch,
  listVswitches,
  reconcileFleet,
} from '../../workflows/index.ts';

/**
 * Start an operation on a VSWITCH; its Workflow ID is `vswitch/<host>/<name>`, so that one at a time changes it. Throws Temporal's
 * WorkflowExecutionAlreadyStartedError while another one does.
 */
export function startVswitchOperation(
  client: Client,
  type: 'ensureVswitch' | 'deleteVswitch',
  input: { host: string; vswitch: string; dryRun?: boolean; force?: boolean },
): Promise<WorkflowHandleWithFirstExecutionRunId<typeof ensureVswitch>> {
  const { host, vswitch } = input;
  return client.workflow.start<typeof ensureVswitch>(type, {
    taskQueue: taskQueueOf(host),
    workflowId: vswitchWorkflowId(host, vswitch),
    workflowIdConflictPolicy: 'FAIL',
    args: [input],
    typedSearchAttributes: searchAttributesOf({ host, vswitches: [vswitch.toUpperCase()] }),
    staticSummary: `${type === 'ensureVswitch' ? 'ensure' : 'delete'} VSWITCH ${vswitch} on ${host}`,
  });
}

/** Start a reading of all VSWITCHes; its Workflow ID is `list-vswitches/<host>`: who asks while one runs gets its answer. */
export function startListVswitches(
  client: Client,
  input: Parameters<typeof listVswitches>[0],
): Promise<WorkflowHandleWithFirstExecutionRunId<typeof listVswitches>> {
  return client.workflow.start<typeof listVswitches>('listVswitches', {
    ...ofHost(input.host),
    workflowId: `list-vswitches/${input.host}`,
    args: [input],
    staticSummary: `list the VSWITCHes of ${input.host}`,
  });
}

/** Start `ensureDhcp`; its Workflow ID is `dhcp/<host>`: one at a time, and who asks while one runs joins it. */
export function startEnsureDhcp(
  client: Client,
  input: Parameters<typeof ensureDhcp>[0],
): Promise<WorkflowHandleWithFirstExecutionRunId<typeof ensureDhcp>> {
  return client.workflow.start<typeof ensureDhcp>('ensureDhcp', {
    ...ofHost(input.host),
    workflowId: dhcpWorkflowId(input.host),
    args: [input],
    staticSummary: `give the DHCP node of ${input.host} its NICs`,
  });
}

/** Start `ensureManagementNetwork`; its Workflow ID is `management-network/<host>`: one at a time, and who asks while one runs joins it. */
export function startEnsureManagementNetwork(
  client: Client,
  input: Parameters<typeof ensureManagementNetwork>[0],
): Promise<WorkflowHandleWithFirstExecutionRunId<typeof ensureManagementNetwork>> {
  return client.workflow.start<typeof ensureManagementNetwork>('ensureManagementNetwork', {
    ...ofHost(input.host),
    workflowId: managementNetworkWorkflowId(input.host),
    args: [input],
    staticSummary: `give the management node its NIC for ${input.host}`,
  });
}

/** Start a reconciliation of several hosts, on the task queue of the first; its Workflow ID is `reconcile/fleet/<request>`. */
export function startReconcileFleet(
  client: Client,
  input: Parameters<typeof reconcileFleet>[0],
  request: string = randomUUID(),
): Promise<WorkflowHandleWithFirstExecutionRunId<typeof reconcileFleet>> {
  return client.workflow.start<typeof reconcileFleet>('reconcileFleet', {
    taskQueue: taskQueueOf(input.hosts[0] ?? ''),
    workflowId: `reconcile/fleet/${request}`,
    args: [input],
    staticSummary: `reconcile ${input.hosts.length} host(s)`,
  });
}

function ofHost(host: string) {
  return {
    taskQueue: taskQueueOf(host),
    workflowIdConflictPolicy: 'USE_EXISTING' as const,
    typedSearchAttributes: searchAttributesOf({ host }),
  };
}
