import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { z } from 'zod';
import { defined } from '../domain/defined.ts';
import { failureText, subjectKey } from '../domain/drift/repair-subject.ts';
import { type CloudEvent, cloudEvent, type EventName } from '../domain/notifications/notification.ts';
import { OPERATION_TYPES } from '../domain/operations/operations.ts';
import { ReportedFailure } from '../domain/operations/results.ts';
import { operationIdOf, scheduledRunPrefix } from '../temporal-config/names.ts';
import { is, quoted, runsOfSchedule, ZVM_HOST, ZVM_OUTCOME } from '../temporal-config/search-attributes.ts';
import { holdEvents } from './hold-events.ts';
import { describeOperation, type OperationDetails } from './operations.ts';

/** Something that has happened on a host. Two looks at the same runs give it the same id. */
export type HostEvent = { name: EventName; event: CloudEvent };

/** A run with something to tell, of which only the list was read so far. `at` is the time of its end, or of its start while it is open. */
export type Occasion = { key: string; at: Date; read(): Promise<HostEvent[]> };

/**
 * The occasions of a host since that time, the first that ended first. They come from Temporal's list: no workflow does anything for them, and runs
 * that were terminated or timed out count too. Reading one may ask Temporal for its result.
 */
export async function occasionsSince(client: Client, host: string, since: Date): Promise<Occasion[]> {
  const [holds, ended, waiting] = await Promise.all([
    holdEvents(client, host, since),
    listed(client, endedSince(host, since)),
    listed(client, `${is(ZVM_HOST, host)} AND ExecutionStatus = "Running" AND ${is(ZVM_OUTCOME, WANTS_APPROVAL)}`),
  ]);
  const runs = ended.sort((one, other) => endOf(one).getTime() - endOf(other).getTime());
  const scheduled = runs.filter((run) => isScheduled(run, host) && !STOPPED.has(run.status.name));
  let asked: ReturnType<typeof lastScheduled> | undefined;
  const first = () => (asked ??= lastScheduled(client, host, since));
  const reconciled = scheduled.map((run, index) =>
    occasionOf(run, async () => ofReconciliation(client, host, run, scheduled[index - 1] ?? (await first()))),
  );
  const others = runs
    .filter((run) => !isScheduled(run, host) && run.parentExecution === undefined)
    .map((run) => occasionOf(run, () => ofOperation(client, host, run)));
  const approvals = waiting.map((run) => ({
    key: `${run.runId}.approval`,
    at: run.startTime,
    read: () => ofApproval(client, host, run),
  }));
  const held = holds.map(({ name, event }) => ({
    key: event.id,
    at: new Date(event.time),
    read: async () => [{ name, event }],
  }));
  return [...reconciled, ...others, ...approvals, ...held].sort((one, other) => one.at.getTime() - other.at.getTime());
}

const WANTS_APPROVAL = 'awaiting-approval';
/** Somebody has ended the run: it says nothing about the host. */
const STOPPED = new Set(['TERMINATED', 'CANCELLED']);
const TYPES = [...OPERATION_TYPES, 'followNeutron'].map(quoted).join(', ');
/** Idle runs of the Schedule are needed to tell a change from what was so already. */
const HAS_NEWS = [
  'ExecutionStatus IN ("Failed", "TimedOut", "Terminated")',
  `${ZVM_OUTCOME.name} IN ("failed", "refused")`,
].join(' OR ');

function endedSince(host: string, since: Date): string {
  const bySchedule = `WorkflowId STARTS_WITH ${quoted(scheduledRunPrefix(host))}`;
  const ended = `ExecutionStatus != "Running" AND ExecutionStatus != "ContinuedAsNew" AND CloseTime >= ${quoted(since.toISOString())}`;
  return `${is(ZVM_HOST, host)} AND WorkflowType IN (${TYPES}) AND ${ended} AND (${HAS_NEWS} OR ${bySchedule})`;
}

function isScheduled({ type, workflowId }: WorkflowExecutionInfo, host: string): boolean {
  return type === 'reconcileHost' && workflowId.startsWith(scheduledRunPrefix(host));
}

async function listed(client: Client, query: string): Promise<WorkflowExecutionInfo[]> {
  const runs: WorkflowExecutionInfo[] = [];
  for await (const run of client.workflow.list({ query })) runs.push(run);
  return runs;
}

async function lastScheduled(client: Client, host: string, before: Date): Promise<WorkflowExecutionInfo | undefined> {
  const query = `${runsOfSchedule(host)} AND ExecutionStatus IN ("Completed", "Failed", "TimedOut") AND CloseTime < ${quoted(before.toISOString())}`;
  for await (const run of client.workflow.list({ query, pageSize: 1 })) return run;
  return undefined;
}

function endOf({ closeTime, startTime }: WorkflowExecutionInfo): Date {
  return closeTime ?? startTime;
}

function occasionOf(run: WorkflowExecutionInfo, read: () => Promise<HostEvent[]>): Occasion {
  return { key: run.runId, at: endOf(run), read };
}

const Neutron = z.object({ failed: z.array(z.object({ portId: z.string(), reason: z.string() })) });

async function ofOperation(client: Client, host: string, run: WorkflowExecutionInfo): Promise<HostEvent[]> {
  const operation = await describeOperation(client, operationIdOf(run.workflowId), run.runId, { ask: false });
  // It goes on in another run, or its history is gone.
  if (operation === undefined || operation.runId !== run.runId || operation.state === 'running') return [];
  if (run.type === 'followNeutron') {
    const ports = Neutron.safeParse(operation.result).data?.failed ?? [];
    const failure = operation.failure?.message;
    return [told(host, 'neutron.refused', run, undefined, { ports, ...defined({ failure }) })];
  }
  const isRefused = operation.outcome === 'refused' || operation.failure?.type === 'Refused';
  return [told(host, isRefused ? 'operation.refused' : 'operation.failed', run, operation.id, dataOf(operation))];
}

async function ofApproval(client: Client, host: string, run: WorkflowExecutionInfo): Promise<HostEvent[]> {
  const operation = await describeOperation(client, operationIdOf(run.workflowId), run.runId, { ask: true });
  if (operation === undefined || operation.runId !== run.runId || operation.state !== 'running') return [];
  const { details } = operation;
  return [told(host, 'approval.wanted', run, operation.id, { ...dataOf(operation), ...defined({ details }) })];
}

/** The part of an operation that a receiver is told. Its result may be as large as a host. */
function dataOf(operation: OperationDetails): Record<string, unknown> {
  const { id, runId, type, summary, userid, portIds, state, outcome, origin, failure, startedAt, closedAt } = operation;
  return defined({
    ...{ operation: id, runId, type, summary, userid, portIds, state, outcome },
    ...{ by: origin?.by, via: origin?.via, reason: origin?.reason, failure, startedAt, endedAt: closedAt },
  });
}

/** A failed run that says nothing of its outcome has not looked at the host: it began with a build that was replaced. */
function foundAway({ status, typedSearchAttributes }: WorkflowExecutionInfo): boolean {
  return (
    status.name === 'TIMED_OUT' || (status.name === 'FAILED' && typedSearchAttributes.get(ZVM_OUTCOME) !== undefined)
  );
}

const Reconciled = z.object({
  drifted: z.number(),
  repaired: z.number(),
  drifts: z.array(z.string()),
  failures: z.array(ReportedFailure),
});
const MOST_LINES = 20;

/** Changes of a run of the Schedule against the one before: a host that stays away, or drift that stays, is told of once. */
async function ofReconciliation(
  client: Client,
  host: string,
  run: WorkflowExecutionInfo,
  before: WorkflowExecutionInfo | undefined,
): Promise<HostEvent[]> {
  const wasAway = before !== undefined && foundAway(before);
  if (foundAway(run)) {
    if (wasAway) return [];
    const { failure } =
      (await describeOperation(client, operationIdOf(run.workflowId), run.runId, { ask: false })) ?? {};
    return [told(host, 'host.unreachable', run, host, defined({ failure: failure?.message }))];
  }
  const back = wasAway ? [told(host, 'host.back', run, host, {})] : [];
  return [...back, ...(await ofDrift(client, host, run, before))];
}

async function ofDrift(
  client: Client,
  host: string,
  run: WorkflowExecutionInfo,
  before: WorkflowExecutionInfo | undefined,
): Promise<HostEvent[]> {
  const outcome = run.typedSearchAttributes.get(ZVM_OUTCOME);
  if (outcome === undefined || outcome === 'unchanged') return [];
  const now = await resultOf(client, run);
  const last = before === undefined || !sawDrift(before) ? undefined : await resultOf(client, before);
  const { drifted = 0, repaired = 0, drifts = [], failures = [] } = now ?? {};
  const known = new Set(last?.failures.map(keyOf));
  const newFailures = failures.filter((failure) => !known.has(keyOf(failure)));
  const lines = drifts.slice(0, MOST_LINES);
  const events: HostEvent[] = [];
  if (repaired > 0) events.push(told(host, 'drift.repaired', run, host, { drifted, repaired, drifts: lines }));
  if (newFailures.length > 0) {
    const texts = newFailures.slice(0, MOST_LINES).map((failure) => failureText(failure));
    events.push(
      told(host, 'drift.unrepaired', run, host, { drifted, failures: texts, more: newFailures.length - texts.length }),
    );
  }
  const isNew = JSON.stringify(drifts) !== JSON.stringify(last?.drifts ?? []);
  if (outcome === 'planned' && drifts.length > 0 && isNew)
    events.push(told(host, 'drift.found', run, host, { drifted, drifts: lines }));
  return events;
}

function keyOf({ about, reason }: z.infer<typeof ReportedFailure>): string {
  return about === undefined ? reason : subjectKey(about);
}

function sawDrift({ typedSearchAttributes, status }: WorkflowExecutionInfo): boolean {
  const outcome = typedSearchAttributes.get(ZVM_OUTCOME);
  return status.name === 'COMPLETED' && outcome !== undefined && outcome !== 'unchanged';
}

async function resultOf(client: Client, { workflowId, runId }: WorkflowExecutionInfo) {
  const { result } = (await describeOperation(client, operationIdOf(workflowId), runId, { ask: false })) ?? {};
  return Reconciled.safeParse(result).data;
}

function told(
  host: string,
  name: EventName,
  run: WorkflowExecutionInfo,
  subject: string | undefined,
  data: Record<string, unknown>,
): HostEvent {
  const time = run.closeTime ?? run.startTime;
  const event = cloudEvent(host, name, { id: `${run.runId}.${name}`, time, ...defined({ subject }), data });
  return { name, event };
}
