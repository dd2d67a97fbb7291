import {
  type Client,
  WorkflowExecutionAlreadyStartedError,
  type WorkflowExecutionInfo,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { z } from 'zod';
import { defined } from '../domain/defined.ts';
import { taskQueueOf } from '../domain/host/host.ts';
import {
  CloudEvent,
  cloudEvent,
  eventNameOf,
  type NotifyInput,
  TEST_EVENT,
} from '../domain/notifications/notification.ts';
import { operationIdOf, workflowIdOf } from '../temporal-config/names.ts';
import { is, quoted, searchAttributesOf, ZVM_HOST, ZVM_OUTCOME } from '../temporal-config/search-attributes.ts';
import type { notify } from '../workflows/index.ts';

/** `undelivered` is a dead letter: nothing tries again by itself. */
export const NOTIFICATION_STATES = ['delivering', 'retrying', 'delivered', 'undelivered'] as const;
export type NotificationState = (typeof NOTIFICATION_STATES)[number];

/** A delivery of an event to a webhook. */
export type NotificationView = {
  id: string;
  host: string;
  webhook: string;
  event: string;
  eventId: string;
  subject?: string;
  state: NotificationState;
  /** When the event happened, when its delivery began, and when that ended. */
  time: string;
  startedAt: string;
  closedAt?: string;
};

export type NotificationFilter = {
  host?: string | undefined;
  hosts?: readonly string[] | undefined;
  webhook?: string | undefined;
  state?: NotificationState | undefined;
};

/** The Workflow ID of a delivery: one for each event and webhook. */
function notifyWorkflowId({ host, webhook, event }: NotifyInput): string {
  return `${prefixOf(host, webhook)}${event.id}`;
}

function prefixOf(host: string, webhook: string): string {
  return `notify/${host}/${webhook}/`;
}

/** The key of a delivery's memo that has its input, to list it and to start it anew. */
const INPUT = 'notification';
const Input = z.object({ host: z.string(), webhook: z.string(), event: CloudEvent });

/**
 * Start the delivery of an event to a webhook. False when it was started before: as long as the server keeps ended runs. With `again` one that
 * has failed is started anew.
 */
export async function startNotification(client: Client, input: NotifyInput, again = false): Promise<boolean> {
  const { host, webhook, event } = input;
  try {
    await client.workflow.start<typeof notify>('notify', {
      taskQueue: taskQueueOf(host),
      workflowId: notifyWorkflowId(input),
      workflowIdReusePolicy: again ? 'ALLOW_DUPLICATE_FAILED_ONLY' : 'REJECT_DUPLICATE',
      args: [input],
      memo: { [INPUT]: input },
      typedSearchAttributes: searchAttributesOf({ host }),
      staticSummary: `tell ${webhook}: ${eventNameOf(event)} on ${host}`,
    });
    return true;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
    throw error;
  }
}

/** At most `limit` deliveries: those that are open, then the others, the last that ended first. */
export async function listNotifications(
  client: Client,
  { host, hosts, webhook, state }: NotificationFilter,
  limit: number,
): Promise<NotificationView[]> {
  const parts = ['WorkflowType = "notify"'];
  if (host !== undefined) parts.push(is(ZVM_HOST, host));
  if (hosts !== undefined) parts.push(`${ZVM_HOST.name} IN (${hosts.map(quoted).join(', ')})`);
  if (state === 'delivered' || state === 'undelivered' || state === 'retrying') parts.push(is(ZVM_OUTCOME, state));
  if (state === 'delivering') parts.push('ExecutionStatus = "Running"', `${ZVM_OUTCOME.name} IS NULL`);
  const found: NotificationView[] = [];
  for await (const run of client.workflow.list({ query: parts.join(' AND '), pageSize: limit + 1 })) {
    const view = viewOf(run);
    if (view !== undefined && (webhook === undefined || view.webhook === webhook)) found.push(view);
    if (found.length >= limit) break;
  }
  return found;
}

/** One delivery; undefined when there is none. */
export async function describeNotification(client: Client, id: string): Promise<NotificationView | undefined> {
  try {
    return viewOf(await client.workflow.getHandle(workflowIdOf(id)).describe());
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

/** Deliver an event now: one that waits for its next attempt, or a dead letter. False when it has been delivered; undefined when there is none. */
export async function retryNotification(client: Client, id: string): Promise<boolean | undefined> {
  const handle = client.workflow.getHandle(workflowIdOf(id));
  try {
    const run = await handle.describe();
    const input = Input.safeParse(run.memo?.[INPUT]).data;
    if (input === undefined || run.type !== 'notify') return undefined;
    if (run.status.name !== 'RUNNING') return await startNotification(client, input, true);
    await handle.signal('deliverNow');
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

/** Start the delivery of a signed test event, which means nothing; answers its id. */
export async function startTestNotification(
  client: Client,
  host: string,
  webhook: string,
  by: string,
): Promise<string> {
  const id = crypto.randomUUID();
  const event = cloudEvent(host, TEST_EVENT, { id, time: new Date(), data: { message: 'a test call', by } });
  const input = { host, webhook, event };
  await startNotification(client, input);
  return operationIdOf(notifyWorkflowId(input));
}

/** How many deliveries to a webhook are open. */
export async function countOpen(client: Client, host: string, webhook: string): Promise<number> {
  const query = `WorkflowId STARTS_WITH ${quoted(prefixOf(host, webhook))} AND ExecutionStatus = "Running"`;
  return (await client.workflow.count(query)).count;
}

type Run = Pick<
  WorkflowExecutionInfo,
  'workflowId' | 'type' | 'status' | 'startTime' | 'closeTime' | 'memo' | 'typedSearchAttributes'
>;

function viewOf(run: Run): NotificationView | undefined {
  const input = Input.safeParse(run.memo?.[INPUT]).data;
  if (input === undefined) return undefined;
  const { host, webhook, event } = input;
  return {
    id: operationIdOf(run.workflowId),
    ...{ host, webhook, event: eventNameOf(event), eventId: event.id },
    ...defined({ subject: event.subject }),
    state: stateOf(run),
    time: event.time,
    startedAt: run.startTime.toISOString(),
    ...defined({ closedAt: run.closeTime?.toISOString() }),
  };
}

function stateOf({ status, typedSearchAttributes }: Run): NotificationState {
  if (status.name === 'COMPLETED') return 'delivered';
  if (status.name !== 'RUNNING') return 'undelivered';
  return typedSearchAttributes.get(ZVM_OUTCOME) === 'retrying' ? 'retrying' : 'delivering';
}
