import type { Client, WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { requestOf, runOf, startOperation, workflowIdFor } from '../../client/start-operation.ts';
import { taskQueueOf } from '../../domain/host/host.ts';
import { OPERATIONS, type OperationType, parseRequest } from '../../domain/operations/operations.ts';
import type * as workflows from '../../workflows/index.ts';
import type { ReconcileHostResult } from '../../workflows/reconciliation-result.ts';

/**
 * Start an operation as gateway and zvmnet do. A request that they would refuse is started as the Temporal UI would: the worker refuses it.
 * `subject` ends the Workflow ID.
 */
export async function startRun<Type extends OperationType>(
  client: Client,
  type: Type,
  input: object,
  subject?: string,
): Promise<WorkflowHandleWithFirstExecutionRunId<(typeof workflows)[Type]>> {
  const parsed = parseRequest(type, input);
  const host = 'host' in input ? String(input.host) : '';
  const named = subject === undefined ? undefined : `${OPERATIONS[type].idPrefix}/${host}/${subject}`;
  if (!parsed.accepted) {
    const workflowId = named ?? `${OPERATIONS[type].idPrefix}/${host}/${crypto.randomUUID()}`;
    const run = await client.workflow.start(type, { taskQueue: taskQueueOf(host), workflowId, args: [input] });
    const { workflowId: id, firstExecutionRunId } = run;
    return Object.assign(client.workflow.getHandle<(typeof workflows)[Type]>(id), { firstExecutionRunId });
  }
  const request = requestOf(type, parsed.request);
  const started = await startOperation(client, request, { workflowId: named ?? workflowIdFor(request) });
  if (started.conflict !== undefined) throw new Error(`${started.id} is in progress`);
  return Object.assign(runOf(client, type, started), { firstExecutionRunId: started.runId });
}

/** The part of a reconciliation's result that the next one takes. */
export type LastReconciliation = Pick<ReconcileHostResult, 'checkpoint'> &
  Partial<Pick<ReconcileHostResult, 'failures'>>;

/** Reconcile a host to its end, as its Schedule does after the run with the result `last`. */
export async function reconcileHost(
  { client, host }: { client: Client; host: string },
  last: LastReconciliation | undefined,
  more: object,
): Promise<ReconcileHostResult> {
  const from = last === undefined ? {} : { last: { checkpoint: last.checkpoint, failures: last.failures ?? [] } };
  return (await startRun(client, 'reconcileHost', { host, intervalSeconds: 1, ...from, ...more })).result();
}
