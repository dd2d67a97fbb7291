import {
  type Client,
  type WorkflowExecutionDescription,
  WorkflowFailedError,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { z } from 'zod';
import { defined } from '../domain/defined.ts';
import { OPERATION_TYPES } from '../domain/operations/operations.ts';
import { fieldPage } from '../domain/planning/refused-field.ts';
import { messageOf } from '../domain/text/error-message.ts';
import { operationIdOf, workflowIdOf } from '../temporal-config/names.ts';
import {
  AWAITING_OUTCOMES,
  is,
  quoted,
  ZVM_APPROVED_BY,
  ZVM_BY,
  ZVM_HOST,
  ZVM_OUTCOME,
  ZVM_PORT,
  ZVM_USERID,
} from '../temporal-config/search-attributes.ts';
import { runPath } from '../temporal-config/ui.ts';
import { type Decided, decidedOf } from './approval.ts';
import { clientOf, type Origin, originOf } from './origin.ts';

/** Workflow types that lists of operations show: the operations, and Neutron's follower, which changes guests too. */
export const LISTED_TYPES = [...OPERATION_TYPES, 'followNeutron' as const];

export const OPERATION_STATES = ['running', 'completed', 'failed', 'cancelled', 'terminated', 'timedOut'] as const;
export type OperationState = (typeof OPERATION_STATES)[number];

/** Outcomes of operations; the last five while they run. */
export const OPERATION_OUTCOMES = [
  'changed',
  'unchanged',
  'planned',
  'refused',
  'failed',
  'cancelled',
  'waiting',
  'retrying',
  'held',
  ...AWAITING_OUTCOMES,
] as const;
export type OperationOutcome = (typeof OPERATION_OUTCOMES)[number];

/** The failure of an operation. */
export type OperationFailure = {
  /** `Refused`, `StepFailed` or `DeadlineExceeded`. */
  type: string;
  message: string;
  refusals: { field: string; reason: string; advice: string; page: string }[];
  step?: string;
  /** Why the step failed; `message` has it among all else. */
  reason?: string;
  advice?: string;
  undone?: boolean;
  /** The section of the documentation about it (docs/errors). */
  page?: string;
};

/** An operation as callers see it. */
export type OperationView = Decided & {
  id: string;
  runId: string;
  type: string;
  host: string;
  userid?: string;
  portIds: string[];
  state: OperationState;
  /** One of OPERATION_OUTCOMES. */
  outcome?: string;
  startedAt: string;
  closedAt?: string;
  /** The person or program that asked for it, by which way in, and why. Absent of a run that was started at Temporal itself. */
  origin?: Origin;
  /** The operation that it undoes. */
  undoes?: string;
};

/** An operation with all that can be known of it now. */
export type OperationDetails = OperationView & {
  /** All hosts of one that is of several, where its start said so. */
  hosts?: string[];
  summary?: string;
  /** Its progress, in Markdown. */
  details?: string;
  result?: unknown;
  failure?: OperationFailure;
};

export type OperationFilter = {
  host?: string | undefined;
  /** Those of these hosts alone. */
  hosts?: readonly string[] | undefined;
  userid?: string | undefined;
  portId?: string | undefined;
  /** Asked for by this person or program. */
  by?: string | undefined;
  /** Approved by this person. */
  approvedBy?: string | undefined;
  type?: string | undefined;
  state?: OperationState | undefined;
  outcome?: OperationOutcome | undefined;
  /** Started at this time or later, and before that one. */
  since?: Date | undefined;
  until?: Date | undefined;
  /** Leave out reconciliations that found nothing to do: they come every half a minute. */
  withoutIdle?: boolean | undefined;
  /** Only runs after this one, the last of the page before. */
  after?: OperationCursor | undefined;
};

/** A place in the list of operations: one that ran when it was listed, by its start, or one that had ended, by its end. */
export type OperationCursor = { ended: boolean; at: string; runId: string };

const STATES: Readonly<Record<string, OperationState>> = {
  RUNNING: 'running',
  COMPLETED: 'completed',
  FAILED: 'failed',
  CANCELLED: 'cancelled',
  TERMINATED: 'terminated',
  TIMED_OUT: 'timedOut',
  CONTINUED_AS_NEW: 'completed',
};
const WORDS: Readonly<Record<OperationState, string>> = {
  running: 'Running',
  completed: 'Completed',
  failed: 'Failed',
  cancelled: 'Canceled',
  terminated: 'Terminated',
  timedOut: 'TimedOut',
};

/**
 * At most `limit` operations in the order that the server has them: those that run, the newest first, then the others, the last that ended
 * first. An operation that ends between two pages may come a second time; none is left out.
 */
export async function listOperations(client: Client, filter: OperationFilter, limit: number): Promise<OperationView[]> {
  const { after } = filter;
  const query = queryOf(filter);
  if (after === undefined) return listed(client, query, limit);
  const ended = 'ExecutionStatus != "Running"';
  if (after.ended) return listedAfter(client, `${query} AND ${ended}`, after, limit);
  const running = await listedAfter(client, `${query} AND ExecutionStatus = "Running"`, after, limit);
  if (running.length >= limit) return running;
  return [...running, ...(await listed(client, `${query} AND ${ended}`, limit - running.length))];
}

/** The place of an operation in that list. */
export function cursorAt({ startedAt, closedAt, runId }: OperationView): OperationCursor {
  return { ended: closedAt !== undefined, at: closedAt ?? startedAt, runId };
}

async function listed(client: Client, query: string, limit: number): Promise<OperationView[]> {
  const found: OperationView[] = [];
  for await (const run of client.workflow.list({ query, pageSize: limit + 1 })) {
    found.push(viewOf(run));
    if (found.length >= limit) break;
  }
  return found;
}

async function listedAfter(
  client: Client,
  query: string,
  { ended, at, runId }: OperationCursor,
  limit: number,
): Promise<OperationView[]> {
  const until = new Date(Date.parse(at) + 1).toISOString();
  const bounded = `${query} AND ${ended ? 'CloseTime' : 'StartTime'} <= ${quoted(until)}`;
  const found: OperationView[] = [];
  // Several runs may have the same millisecond: they are told apart by the run that the page before ended with, while that is still there.
  let doubtful: OperationView[] = [];
  let beyond = false;
  for await (const run of client.workflow.list({ query: bounded, pageSize: limit + 1 })) {
    const view = viewOf(run);
    const place = cursorAt(view);
    if (!beyond && place.runId === runId) {
      beyond = true;
      doubtful = [];
    } else if (!beyond && place.at === at) doubtful.push(view);
    else if (beyond || place.at < at) {
      beyond = true;
      found.push(view);
    }
    if (beyond && doubtful.length + found.length >= limit) break;
  }
  return [...doubtful, ...found].slice(0, limit);
}

function queryOf(filter: OperationFilter): string {
  const { host, hosts, userid, portId, by, approvedBy, since, until, type, state, outcome, withoutIdle } = filter;
  const types = type === undefined ? OPERATION_TYPES : [type];
  const parts = [`WorkflowType IN (${types.map(quoted).join(', ')})`];
  if (host !== undefined) parts.push(is(ZVM_HOST, host));
  if (hosts !== undefined) parts.push(`${ZVM_HOST.name} IN (${hosts.map(quoted).join(', ')})`);
  if (userid !== undefined) parts.push(is(ZVM_USERID, userid));
  if (portId !== undefined) parts.push(is(ZVM_PORT, portId));
  if (by !== undefined) parts.push(is(ZVM_BY, by));
  if (approvedBy !== undefined) parts.push(is(ZVM_APPROVED_BY, approvedBy));
  if (since !== undefined) parts.push(`StartTime >= ${quoted(since.toISOString())}`);
  if (until !== undefined) parts.push(`StartTime < ${quoted(until.toISOString())}`);
  if (withoutIdle === true)
    parts.push(
      `(WorkflowType != "reconcileHost" OR ${ZVM_OUTCOME.name} != "unchanged" OR ${ZVM_OUTCOME.name} IS NULL)`,
    );
  if (state !== undefined) parts.push(`ExecutionStatus = ${quoted(WORDS[state])}`);
  if (outcome !== undefined) parts.push(is(ZVM_OUTCOME, outcome));
  if (outcome !== undefined && UNENDED.has(outcome)) parts.push('ExecutionStatus = "Running"');
  return parts.join(' AND ');
}

type Run = Awaited<ReturnType<ReturnType<Client['workflow']['getHandle']>['describe']>>;
type Listed = Pick<
  Run,
  'workflowId' | 'runId' | 'type' | 'status' | 'startTime' | 'closeTime' | 'typedSearchAttributes' | 'memo'
>;

/** Outcomes of what has not ended. */
const UNENDED = new Set<string>(['waiting', 'retrying', 'held', ...AWAITING_OUTCOMES] satisfies OperationOutcome[]);

function viewOf({
  workflowId,
  runId,
  type,
  status,
  startTime,
  closeTime,
  typedSearchAttributes: has,
  memo,
}: Listed): OperationView {
  const state = STATES[status.name] ?? 'running';
  const told = has.get(ZVM_OUTCOME);
  // A run that was terminated while it waited could not take its outcome back.
  const outcome = state !== 'running' && UNENDED.has(told ?? '') ? undefined : told;
  const portIds = [...(has.get(ZVM_PORT) ?? [])];
  return defined({
    id: operationIdOf(workflowId),
    runId,
    type,
    host: has.get(ZVM_HOST) ?? '',
    userid: has.get(ZVM_USERID),
    portIds,
    state,
    outcome,
    startedAt: startTime.toISOString(),
    closedAt: closeTime?.toISOString(),
    origin: originOf(memo),
    ...decidedOf(memo, outcome),
    undoes: UndoneId.safeParse(memo?.[UNDOES]).data,
  });
}

/** The memo that has the operation which an undo is of. */
export const UNDOES = 'undoes';
const UndoneId = z.string();

/** The memo that has the hosts of an operation of several. */
export const HOSTS = 'hosts';
const Hosts = z.array(z.string());

/**
 * One operation: its newest run, or the one named and what goes on from it. Undefined when there is none. With `ask`, one that runs is asked
 * where it stands, which takes a moment when no worker answers.
 */
export async function describeOperation(
  client: Client,
  operationId: string,
  runId?: string,
  { ask = true }: { ask?: boolean } = {},
): Promise<OperationDetails | undefined> {
  const handle = client.workflow.getHandle(workflowIdOf(operationId), runId);
  try {
    const run = await handle.describe();
    if (goesOnInAnotherRun(run) && runId !== undefined)
      return describeOperation(client, operationId, undefined, { ask });
    const view = viewOf(run);
    const [summary, details, ending] = await Promise.all([
      run.staticSummary(),
      ask && view.state === 'running' ? currentDetails(client, operationId) : undefined,
      view.state === 'running' ? {} : endingOf(client, workflowIdOf(operationId), view.runId),
    ]);
    const hosts = Hosts.safeParse(run.memo?.[HOSTS]).data;
    return {
      ...view,
      ...defined({ hosts, summary, details }),
      ...ending,
    };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

/** True of a run that another one of the same operation has followed: as new, or after Temporal's reset. */
function goesOnInAnotherRun({ status, raw }: WorkflowExecutionDescription): boolean {
  return status.name === 'CONTINUED_AS_NEW' || (raw.workflowExtendedInfo?.resetRunId ?? '') !== '';
}

const Metadata = z.object({ currentDetails: z.string() });

/** The current details of a running workflow, in Markdown. Undefined when no worker answers soon. */
export async function currentDetails(client: Client, operationId: string): Promise<string | undefined> {
  try {
    const handle = client.workflow.getHandle(workflowIdOf(operationId));
    const answer = await client.withDeadline(Date.now() + 3_000, () => handle.query('__temporal_workflow_metadata'));
    const details = Metadata.safeParse(answer).data?.currentDetails;
    return details === '' ? undefined : details;
  } catch {
    return undefined;
  }
}

async function endingOf(
  client: Client,
  workflowId: string,
  runId: string,
): Promise<{ result?: unknown; failure?: OperationFailure }> {
  try {
    return {
      result: withoutMemory(await client.workflow.getHandle(workflowId, runId, { followRuns: false }).result()),
    };
  } catch (error) {
    if (error instanceof WorkflowFailedError) return { failure: failureOf(error.cause ?? error) };
    return {};
  }
}

/** The result without the checkpoint, which only the next run reads. */
function withoutMemory(result: unknown): unknown {
  if (typeof result !== 'object' || result === null || !('checkpoint' in result)) return result;
  const { checkpoint: _checkpoint, ...rest } = result;
  return rest;
}

const Refusals = z.array(z.object({ field: z.string(), reason: z.string(), advice: z.string() }));
const Report = z.object({
  step: z.string().optional(),
  reason: z.string().optional(),
  advice: z.string().optional(),
  undone: z.boolean().optional(),
  page: z.string().optional(),
});

/** The failure of an operation as callers see it. */
export function failureOf(error: unknown): OperationFailure {
  if (!(error instanceof ApplicationFailure)) {
    return { type: error instanceof Error ? error.name : 'Failed', message: messageOf(error), refusals: [] };
  }
  const [first] = error.details ?? [];
  const report = Report.safeParse(first).data;
  return {
    type: error.type ?? 'StepFailed',
    message: error.message,
    refusals: (Refusals.safeParse(first).data ?? []).map((each) => ({ ...each, page: fieldPage(each.field) })),
    ...defined({ ...report }),
  };
}

/** The error that others were thrown for. */
export function deepestCause(error: unknown): unknown {
  return error instanceof Error && error.cause instanceof Error ? deepestCause(error.cause) : error;
}

/** How many operations of a host the server knows, by state. */
export async function countOperations(client: Client, host: string): Promise<Partial<Record<OperationState, number>>> {
  const { groups } = await client.workflow.count(`${queryOf({ host })} GROUP BY ExecutionStatus`);
  const counts: Partial<Record<OperationState, number>> = {};
  for (const { count, groupValues } of groups) {
    const [state] = OPERATION_STATES.filter((each) => WORDS[each] === String(groupValues[0]));
    if (state !== undefined) counts[state] = count;
  }
  return counts;
}

/** Ask a running operation to stop and undo what it has done. False when there is none that runs. */
export async function cancelOperation(
  client: Client,
  operationId: string,
  runId?: string,
  by?: string,
): Promise<boolean> {
  try {
    const asking = by === undefined ? client : clientOf(client, by);
    await asking.workflow.getHandle(workflowIdOf(operationId), runId).cancel();
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

/** The page of a run in the Temporal UI. */
export function runUrl(uiUrl: string, namespace: string, { id, runId }: { id: string; runId: string }): string {
  return `${uiUrl.replace(/\/$/, '')}${runPath(namespace, workflowIdOf(id), runId)}`;
}
