import { randomUUID } from 'node:crypto';
import type { Client, WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { taskQueueOf } from '../domain/host/host.ts';
import { searchAttributesOf } from '../temporal-config/search-attributes.ts';
import type { followNeutron } from '../workflows/follow-neutron.ts';
import type { NeutronNews } from '../workflows/follow-neutron-result.ts';
import type {
  attachNic,
  changeVlan,
  createPort,
  deletePort,
  detachNic,
  reconcileHost,
  setAdminState,
  wirePorts,
} from '../workflows/index.ts';
import type { OperationResult } from '../workflows/operation.ts';
import { toldToOperators } from './asked.ts';

/** The operations by workflow type, with what each takes. */
type Operations = {
  createPort: typeof createPort;
  attachNic: typeof attachNic;
  changeVlan: typeof changeVlan;
  setAdminState: typeof setAdminState;
  detachNic: typeof detachNic;
  deletePort: typeof deletePort;
};

/** How a type's Workflow IDs begin. */
export const ID_PREFIX: Record<keyof Operations, string> = {
  createPort: 'create-port',
  attachNic: 'attach-nic',
  changeVlan: 'change-vlan',
  setAdminState: 'admin-state',
  detachNic: 'detach-nic',
  deletePort: 'delete-port',
};

/**
 * Start an operation on its host's task queue with its usual Workflow ID (docs/workflows.md), `<type>/<host>/<subject>`; the subject is
 * the port id, or anything that makes the request unique. Starting the same ID while it runs joins the run that is there.
 */
export function startOperation<Type extends keyof Operations>(
  client: Client,
  type: Type,
  input: Parameters<Operations[Type]>[0],
  subject: string = randomUUID(),
): Promise<WorkflowHandleWithFirstExecutionRunId<(input: unknown) => Promise<OperationResult>>> {
  const { host, userid, portId } = input as { host: string; userid: string; portId?: string };
  const summary = `${ID_PREFIX[type].replaceAll('-', ' ')} for ${userid} on ${host}`;
  const portIds = portId === undefined ? [] : [portId.toLowerCase()];
  return client.workflow.start<(input: unknown) => Promise<OperationResult>>(type, {
    taskQueue: taskQueueOf(host),
    workflowId: `${ID_PREFIX[type]}/${host}/${subject}`,
    workflowIdConflictPolicy: 'USE_EXISTING',
    args: [input],
    ...toldToOperators(client.options.namespace, { type, host, userid, portIds, input, summary }),
  });
}

/**
 * Start `wirePorts`; its Workflow ID is `wire-ports/<host>/<request>`. Starting the same request while it runs joins the run that is
 * there.
 */
export function startWirePorts(
  client: Client,
  input: Parameters<typeof wirePorts>[0],
  request: string = randomUUID(),
): Promise<WorkflowHandleWithFirstExecutionRunId<typeof wirePorts>> {
  const { host } = input;
  const summary = `wire ${input.ports.length} ports on ${host}`;
  return client.workflow.start<typeof wirePorts>('wirePorts', {
    ...ofHost(host),
    workflowId: `wire-ports/${host}/${request}`,
    args: [input],
    ...toldToOperators(client.options.namespace, { type: 'wirePorts', host, input, summary }),
  });
}

/** Start a reconciliation of a host now, beside its Schedule; its Workflow ID is `reconcile/<host>/<request>`. */
export function startReconcileHost(
  client: Client,
  input: Parameters<typeof reconcileHost>[0],
  request: string = randomUUID(),
): Promise<WorkflowHandleWithFirstExecutionRunId<typeof reconcileHost>> {
  return client.workflow.start<typeof reconcileHost>('reconcileHost', {
    ...ofHost(input.host),
    workflowId: `reconcile/${input.host}/${request}`,
    args: [input],
    staticSummary: `reconcile ${input.host}`,
  });
}

/**
 * Tell the host's `followNeutron` of ports and networks that Neutron has said something of; its Workflow ID is `neutron/<host>`. Starts it when
 * it does not run.
 */
export async function tellOfNeutron(client: Client, host: string, news: NeutronNews): Promise<void> {
  await client.workflow.signalWithStart<typeof followNeutron, [NeutronNews]>('followNeutron', {
    taskQueue: taskQueueOf(host),
    workflowId: `neutron/${host}`,
    args: [{ host }],
    signal: 'neutronNews',
    signalArgs: [news],
    typedSearchAttributes: searchAttributesOf({ host }),
    staticSummary: `what Neutron says of ${host}`,
  });
}

function ofHost(host: string) {
  return {
    taskQueue: taskQueueOf(host),
    workflowIdConflictPolicy: 'USE_EXISTING' as const,
    typedSearchAttributes: searchAttributesOf({ host }),
  };
}
