import { type Client, type Connection, WorkflowNotFoundError } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { z } from 'zod';
import { NAMESPACE } from '../temporal-config/names.ts';
import { type Ending, OPERATION_TYPES, type Operation, type OperationType, operationOf } from './operation.ts';

const AT_ONCE = 20;
/** temporal.api.enums.v1.HistoryEventFilterType: the last event alone. */
const CLOSE_EVENT = 2;

type History = Awaited<ReturnType<Connection['workflowService']['getWorkflowExecutionHistory']>>;
type HistoryEvent = NonNullable<NonNullable<NonNullable<History['history']>['events']>[number]>;
type Payload = Parameters<typeof defaultPayloadConverter.fromPayload>[0];
type Run = { workflowId: string; runId: string };

const types = OPERATION_TYPES.map((type) => `"${type}"`).join(', ');

/** All operations that Temporal has accepted, each from its own history. */
export async function acceptedOperations(client: Client, connection: Connection): Promise<Operation[]> {
  const runs = new Map<string, { first: Run; last: Run; type: OperationType }>();
  // The list begins with the newest run; an operation that continued as new has several.
  for await (const run of client.workflow.list({ query: `WorkflowType IN (${types})` })) {
    const { workflowId, runId } = run;
    const type = z.enum(OPERATION_TYPES).parse(run.type);
    const known = runs.get(workflowId);
    const each = { workflowId, runId };
    runs.set(workflowId, { type, first: each, last: known?.last ?? each });
  }
  const operations: Operation[] = [];
  const left = [...runs.values()];
  const work = async () => {
    for (let next = left.pop(); next !== undefined; next = left.pop())
      operations.push(await operationFrom(connection, next));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return operations.toSorted((one, other) => one.acceptedAt - other.acceptedAt);
}

/** Workflow IDs of operations, reconciliations and guest runs that are open. */
export async function openWorkflows(client: Client): Promise<string[]> {
  const found: string[] = [];
  const query = `ExecutionStatus = "Running" AND WorkflowType IN (${types}, "reconcileHost", "convergeGuest")`;
  for await (const { workflowId } of client.workflow.list({ query })) found.push(workflowId);
  return found;
}

/** The number of open operations. */
export async function countOpenOperations(client: Client): Promise<number> {
  return (await client.workflow.count(`ExecutionStatus = "Running" AND WorkflowType IN (${types})`)).count;
}

/** The number of guest runs so far. */
export async function countGuestRuns(client: Client): Promise<number> {
  return (await client.workflow.count('WorkflowType = "convergeGuest"')).count;
}

/** The Workflow IDs among the given ones that Temporal does not know. */
export async function unknownTo(client: Client, workflowIds: readonly string[]): Promise<string[]> {
  const unknown: string[] = [];
  for (const workflowId of workflowIds)
    try {
      await client.workflow.getHandle(workflowId).describe();
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
      unknown.push(workflowId);
    }
  return unknown;
}

async function operationFrom(
  connection: Connection,
  { first, last, type }: { first: Run; last: Run; type: OperationType },
): Promise<Operation> {
  const started = await eventOf(connection, first, false);
  const closed = await eventOf(connection, last, true);
  const [payload] = started.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
  return operationOf({
    workflowId: first.workflowId,
    type,
    acceptedAt: timeOf(started),
    input: decoded(payload),
    ending: endingOf(closed),
  });
}

/** The first or the last event of a run. */
async function eventOf(connection: Connection, { workflowId, runId }: Run, last: boolean): Promise<HistoryEvent> {
  const { history } = await connection.workflowService.getWorkflowExecutionHistory({
    namespace: NAMESPACE,
    execution: { workflowId, runId },
    ...(last ? { historyEventFilterType: CLOSE_EVENT } : { maximumPageSize: 1 }),
  });
  const event = last ? history?.events?.at(-1) : history?.events?.[0];
  if (event === undefined || event === null) throw new Error(`${workflowId} has no history`);
  return event;
}

function endingOf(event: HistoryEvent): Ending {
  const at = timeOf(event);
  const completed = event.workflowExecutionCompletedEventAttributes;
  if (completed) return { kind: 'completed', at, result: decoded(completed.result?.payloads?.[0]) };
  const failed = event.workflowExecutionFailedEventAttributes?.failure;
  if (failed) {
    const type = failed.applicationFailureInfo?.type ?? '';
    const report = decoded(failed.applicationFailureInfo?.details?.payloads?.[0]);
    return { kind: 'failed', at, type, message: failed.message ?? '', report };
  }
  if (event.workflowExecutionCanceledEventAttributes) return { kind: 'cancelled', at };
  if (event.workflowExecutionTerminatedEventAttributes) return { kind: 'terminated', at };
  if (event.workflowExecutionTimedOutEventAttributes) return { kind: 'timedOut', at };
  return { kind: 'open' };
}

function decoded(payload: Payload | undefined | null): unknown {
  return payload === undefined || payload === null ? undefined : defaultPayloadConverter.fromPayload(payload);
}

function timeOf({ eventTime }: HistoryEvent): number {
  return Number(eventTime?.seconds ?? 0) * 1_000 + Math.floor(Number(eventTime?.nanos ?? 0) / 1_000_000);
}
