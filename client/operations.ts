import { type Client, WorkflowFailedError, WorkflowNotFoundError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { z } from 'zod';
import { ZVM_HOST, ZVM_OUTCOME, ZVM_PORT, ZVM_USERID } from '../temporal-config/search-attributes.ts';
import { runPath } from '../temporal-config/ui-links.ts';
import { is, quoted } from '../temporal-config/visibility.ts';
import { operationIdOf, workflowIdOf } from './operation-id.ts';

/** Workflow types that somebody starts to change something. */
export const OPERATION_TYPES = [
  'createPort',
  'attachNic',
  'changeVlan',
  'setAdminState',
  'detachNic',
  'deletePort',
  'wirePorts',
  'ensureVswitch',
  'deleteVswitch',
  'ensureDhcp',
  'ensureManagementNetwork',
  'reconcileHost',
  'reconcileFleet',
  'followNeutron',
] as const;

export const OPERATION_STATES = ['running', 'completed', 'failed', 'cancelled', 'terminated', 'timedOut'] as const;
export type OperationState = (typeof OPERATION_STATES)[number];

/** What became of an operation that failed. */
export type OperationFailure = {
  /** `Refused`, `StepFailed` or `GaveUp`. */
  type: string;
  message: string;
  refusals: { field: string; reason: string; advice: string }[];
  step?: string;
  advice?: string;
  undone?: boolean;
};

/** An operation as callers see it. */
export type OperationView = {
  id: string;
  runId: string;
  type: string;
  host: string;
  userid?: string;
  portIds: string[];
  state: OperationState;
  /** `changed`, `unchanged`, `refused`, `failed`, `cancelled`, `drifted`; while it runs `waiting`, `retrying`. */
  outcome?: string;
  startedAt: string;
  closedAt?: string;
};

/** An operation with all that can be known of it now. */
export type OperationDetails = OperationView & {
  summary?: string;
  /** Where it stands, in Markdown. */
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
  type?: string | undefined;
  state?: OperationState | undefined;
  /** Leave out reconciliations that found nothing to do: they come every half a minute. */
  withoutIdle?: boolean | undefined;
  /** Those older than this run, as the page before ended with. */
  after?: { runId: string; startedAt: string } | undefined;
};

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

/** The newest operations first, at most `limit`. */
export async function listOperations(client: Client, filter: OperationFilter, limit: number): Promise<OperationView[]> {
  const found: OperationView[] = [];
  let beyond = filter.after === undefined;
  for await (const run of client.workflow.list({ query: queryOf(filter), pageSize: limit + 1 })) {
    const view = viewOf(run);
    // Several runs may have begun in the same millisecond: the page goes on after the very run that the last one ended with.
    if (!beyond) {
      if (view.runId === filter.after?.runId) beyond = true;
      else if (view.startedAt < (filter.after?.startedAt ?? '')) {
        beyond = true;
        found.push(view);
      }
    } else found.push(view);
    if (found.length >= limit) break;
  }
  return found;
}

function queryOf({ host, hosts, userid, portId, type, state, withoutIdle, after }: OperationFilter): string {
  const types = type === undefined ? OPERATION_TYPES : [type];
  const parts = [`WorkflowType IN (${types.map(quoted).join(', ')})`];
  if (host !== undefined) parts.push(is(ZVM_HOST, host));
  if (hosts !== undefined) parts.push(`${ZVM_HOST.name} IN (${hosts.map(quoted).join(', ')})`);
  if (userid !== undefined) parts.push(is(ZVM_USERID, userid));
  if (portId !== undefined) parts.push(is(ZVM_PORT, portId));
  if (withoutIdle === true)
    parts.push(
      `(WorkflowType != "reconcileHost" OR ${ZVM_OUTCOME.name} != "unchanged" OR ${ZVM_OUTCOME.name} IS NULL)`,
    );
  if (state !== undefined) parts.push(`ExecutionStatus = ${quoted(WORDS[state])}`);
  if (after !== undefined) {
    const until = new Date(Date.parse(after.startedAt) + 1).toISOString();
    parts.push(`StartTime <= ${quoted(until)}`);
  }
  return parts.join(' AND ');
}

type Run = Awaited<ReturnType<ReturnType<Client['workflow']['getHandle']>['describe']>>;
type Listed = Pick<
  Run,
  'workflowId' | 'runId' | 'type' | 'status' | 'startTime' | 'closeTime' | 'typedSearchAttributes'
>;

/** Outcomes of what has not ended. */
const UNENDED = new Set(['waiting', 'retrying']);

function viewOf({
  workflowId,
  runId,
  type,
  status,
  startTime,
  closeTime,
  typedSearchAttributes: has,
}: Listed): OperationView {
  const userid = has.get(ZVM_USERID);
  const state = STATES[status.name] ?? 'running';
  const told = has.get(ZVM_OUTCOME);
  // Who was terminated while it waited had no time to say that it does so no more.
  const outcome = state !== 'running' && UNENDED.has(told ?? '') ? undefined : told;
  return {
    id: operationIdOf(workflowId),
    runId,
    type,
    host: has.get(ZVM_HOST) ?? '',
    ...(userid === undefined ? {} : { userid }),
    portIds: [...(has.get(ZVM_PORT) ?? [])],
    state,
    ...(outcome === undefined ? {} : { outcome }),
    startedAt: startTime.toISOString(),
    ...(closeTime === undefined ? {} : { closedAt: closeTime.toISOString() }),
  };
}

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
    if (run.status.name === 'CONTINUED_AS_NEW' && runId !== undefined)
      return describeOperation(client, operationId, undefined, { ask });
    const view = viewOf(run);
    const [summary, details, ending] = await Promise.all([
      run.staticSummary(),
      ask && view.state === 'running' ? currentDetails(client, operationId) : undefined,
      view.state === 'running' ? {} : endingOf(client, workflowIdOf(operationId), view.runId),
    ]);
    return {
      ...view,
      ...(summary === undefined ? {} : { summary }),
      ...(details === undefined ? {} : { details }),
      ...ending,
    };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

const Metadata = z.object({ currentDetails: z.string() });

/** What a running workflow says of itself. Undefined when no worker answers soon. */
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

/** What only the next run reads is of no use to anybody else. */
function withoutMemory(result: unknown): unknown {
  if (typeof result !== 'object' || result === null || !('memory' in result)) return result;
  const { memory: _memory, ...rest } = result;
  return rest;
}

const Refusals = z.array(z.object({ field: z.string(), reason: z.string(), advice: z.string() }));
const Report = z.object({ step: z.string().optional(), advice: z.string().optional(), undone: z.boolean().optional() });

/** What an operation failed with, in the words of its failure. */
export function failureOf(error: unknown): OperationFailure {
  if (!(error instanceof ApplicationFailure)) {
    return { type: error instanceof Error ? error.name : 'Failed', message: messageOf(error), refusals: [] };
  }
  const [first] = error.details ?? [];
  const report = Report.safeParse(first).data;
  return {
    type: error.type ?? 'StepFailed',
    message: error.message,
    refusals: Refusals.safeParse(first).data ?? [],
    ...(report?.step === undefined ? {} : { step: report.step }),
    ...(report?.advice === undefined ? {} : { advice: report.advice }),
    ...(report?.undone === undefined ? {} : { undone: report.undone }),
  };
}

/** The error that others were thrown for. */
export function deepestCause(error: unknown): unknown {
  return error instanceof Error && error.cause instanceof Error ? deepestCause(error.cause) : error;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
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
export async function cancelOperation(client: Client, operationId: string): Promise<boolean> {
  try {
    await client.workflow.getHandle(workflowIdOf(operationId)).cancel();
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
