import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { isOperationType, type OperationType, parseRequest } from '../domain/operations/operations.ts';
import { RESULTS } from '../domain/operations/results.ts';
import { messageOf } from '../domain/text/error-message.ts';
import { guestWorkflowId, workflowIdOf } from '../temporal-config/names.ts';
import { decodePayloads } from '../temporal-config/payloads.ts';
import { is, ZVM_HOST } from '../temporal-config/search-attributes.ts';
import { readControl, sayOfHost } from './host-control.ts';
import { inGroups } from './in-groups.ts';
import { cancelOperation, deepestCause, failureOf, listOperations, type OperationView } from './operations.ts';
import type { Origin } from './origin.ts';
import { requestOf, startOperation } from './start-operation.ts';

/** An operation that was open when Temporal's database was dumped. */
export type OpenOperation = OperationView & {
  /** An operator has let it go on. */
  goesOn: boolean;
};

/** The steps that an operation would carry out now, none where it is done already; or why nobody can say. */
export type WhatItWouldDo = { would: string[] } | { unknown: string };

const MOST_OPEN = 1_000;
/** Their plans are made a few at a time: z/VM answers for each. */
const PLANNED_AT_ONCE = 4;
const ENDED_AT_ONCE = 10;
const PLAN_PREFIX = 'restore-plan/';
const PLAN_MS = 30_000;
/** They write nothing while their host is held, and end by themselves. */
const READERS = new Set<string>(['reconcileHost', 'reconcileFleet'] satisfies OperationType[]);

/** The open operations of a host that a restore holds, in the order of their starts. */
export async function openOperations(client: Client, host: string): Promise<OpenOperation[]> {
  const { restore } = await readControl(client, host);
  const running = await listOperations(client, { host, state: 'running' }, MOST_OPEN);
  const open = running.filter(({ id, type }) => !READERS.has(type) && !workflowIdOf(id).startsWith(PLAN_PREFIX));
  const allowed = new Set(restore?.goesOn.map(({ workflowId }) => workflowId));
  return open.toReversed().map((operation) => ({ ...operation, goesOn: allowed.has(workflowIdOf(operation.id)) }));
}

/** The same operations with what each would do. */
export async function withPlans(
  client: Client,
  operations: readonly OpenOperation[],
): Promise<(OpenOperation & WhatItWouldDo)[]> {
  return inGroups(operations, PLANNED_AT_ONCE, async (each) => ({ ...each, ...(await planOf(client, each)) }));
}

/**
 * Ask for the plan of an operation's own request, and wait `patienceMs` at most: a guest in the middle of an operation's steps answers only after
 * it.
 */
export async function planOf(
  client: Client,
  { id, runId, type, host }: OperationView,
  patienceMs = PLAN_MS,
): Promise<WhatItWouldDo> {
  try {
    const input = await inputOf(client, workflowIdOf(id), runId);
    if (!isOperationType(type) || typeof input !== 'object' || input === null)
      return { unknown: 'its request is unreadable' };
    const parsed = parseRequest(type, { ...input, dryRun: true });
    if (!parsed.accepted) return { unknown: 'its request is unreadable' };
    const workflowId = `${PLAN_PREFIX}${host}/${randomUUID().slice(0, 13)}`;
    const started = await startOperation(client, requestOf(type, parsed.request), { workflowId });
    const result = client.workflow.getHandle(workflowId).result();
    result.catch(() => undefined);
    const late = Symbol('late');
    const planned = await Promise.race([result, sleep(patienceMs, late, { ref: false })]);
    if (planned !== late) return { would: stepsOf(planned) };
    await cancelOperation(client, started.id);
    return { unknown: 'its guest gives no plan: an operation is in the middle of its steps there' };
  } catch (error) {
    return { unknown: failureOf(deepestCause(error)).message || messageOf(error) };
  }
}

function stepsOf(result: unknown): string[] {
  const steps = RESULTS.steps.safeParse(result).data?.steps;
  if (steps !== undefined) return steps;
  const guests = RESULTS.migration.safeParse(result).data?.guests;
  if (guests !== undefined) return guests.flatMap((guest) => guest.steps.map((step) => `${guest.userid}: ${step}`));
  const ports = RESULTS.wiring.safeParse(result).data?.ports ?? [];
  return ports.map(({ portId, userid, outcome, reason }) => `port ${portId} of ${userid}: ${reason ?? outcome}`);
}

/** The input that an operation was started with. */
async function inputOf(client: Client, workflowId: string, runId: string): Promise<unknown> {
  const { history } = await client.workflowService.getWorkflowExecutionHistory({
    namespace: client.options.namespace,
    execution: { workflowId, runId },
    maximumPageSize: 1,
  });
  const [input] = await decodePayloads(
    client,
    history?.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads,
  );
  return input;
}

/** Say that Temporal's database was restored: the host is held until `finishRestore`. */
export function beginRestore(client: Client, host: string, { by, via, reason }: Origin): Promise<void> {
  return sayOfHost(client, host, 'restored', { by, via, reason: reason ?? "Temporal's database was restored" });
}

/** Let an open operation go on; those of its guest that were accepted earlier go first. */
export async function letGoOn(client: Client, { id, host }: OperationView, { by, via, reason }: Origin): Promise<void> {
  const workflowId = workflowIdOf(id);
  const { raw } = await client.workflow.getHandle(workflowId).describe();
  const firstRunId = raw.workflowExecutionInfo?.firstRunId ?? '';
  await sayOfHost(client, host, 'goOn', { by, via, reason, workflowId, firstRunId });
}

/** End an open operation. Nothing is written: a guest in the middle of its steps is left as it is. */
export function endOpen(client: Client, operation: OperationView, origin: Origin): Promise<void> {
  return endAllOpen(client, [operation], origin);
}

/** End several open operations of a host, a few at a time. */
export async function endAllOpen(
  client: Client,
  operations: readonly OperationView[],
  { by }: Pick<Origin, 'by'>,
): Promise<void> {
  await inGroups(operations, ENDED_AT_ONCE, ({ id }) => cancelOperation(client, id, undefined, by));
  const ofGuests = operations.find(({ userid }) => userid === undefined);
  const open = ofGuests === undefined ? [] : await openGuestRuns(client, ofGuests.host);
  const words = operations.flatMap(({ id, host, userid }) =>
    (userid === undefined ? open : [guestWorkflowId(host, userid)]).map((guest) => ({ guest, id: workflowIdOf(id) })),
  );
  await inGroups(words, ENDED_AT_ONCE, ({ guest, id }) =>
    client.workflow
      .getHandle(guest)
      .signal('abandon', id)
      // Without a run the guest has no request of it.
      .catch(() => undefined),
  );
}

async function openGuestRuns(client: Client, host: string): Promise<string[]> {
  const query = `WorkflowType = "convergeGuest" AND ExecutionStatus = "Running" AND ${is(ZVM_HOST, host)}`;
  const runs: string[] = [];
  for await (const { workflowId } of client.workflow.list({ query })) runs.push(workflowId);
  return runs;
}

/** The end of a restore: all that is open goes on. */
export function finishRestore(client: Client, host: string, { by, via, reason }: Origin): Promise<void> {
  return sayOfHost(client, host, 'finish', { by, via, reason });
}
