import type { Context } from '@temporalio/activity';
import { searchTermsOfChange } from '../domain/guest/search-terms.ts';
import { taskQueueOf } from '../domain/host/host.ts';
import { isSingle } from '../domain/operations/batch.ts';
import type { Userid } from '../domain/text/identifiers.ts';
import { guestWorkflowId } from '../temporal-config/names.ts';
import { aboutGuest } from '../temporal-config/saved-queries.ts';
import { searchAttributesOf } from '../temporal-config/search-attributes.ts';
import { listPath, markdownLink, runPath } from '../temporal-config/ui.ts';
import type { GuestRequest } from '../workflows/guest-request.ts';

type Client = Context['client'];
/** A request to a guest. */
export type ToGuest = { userid: Userid; request: GuestRequest };

/** Temporal hands out the tasks of guests in windows after those of others, whose priority is 3. */
const PRIORITY_OF_WINDOWS = 4;
// As many as keep the server busy without being a burst.
const AT_ONCE = 20;

/** Put requests into the queues of their guests; starts the run of a guest that has none. Throws what Temporal's client throws. */
export async function enqueueRequests(client: Client, host: string, requests: readonly ToGuest[]): Promise<void> {
  await withEach(requests, (each) => enqueueRequest(client, host, each));
}

/** Call Temporal for each, as many at once as keep the server busy. */
export async function withEach<Item>(items: readonly Item[], call: (item: Item) => Promise<void>): Promise<void> {
  const left = [...items];
  const work = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) await call(next);
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, work));
}

/** Put a request into the queue of its guest; starts the run of a guest that has none. */
export async function enqueueRequest(client: Client, host: string, { userid, request }: ToGuest): Promise<void> {
  const options = { ...guestRunOptions(client, host, { userid, request }), args: [{ host, userid }] };
  await client.workflow.signalWithStart('convergeGuest', { ...options, signal: 'enqueue', signalArgs: [request] });
}

/** The options of a guest's run that begins with the request. */
export function guestRunOptions(client: Client, host: string, { userid, request }: ToGuest) {
  const { namespace } = client.options;
  const { operation, summary, change, runId } = request;
  const asked = markdownLink(operation.workflowId, runPath(namespace, operation.workflowId, runId));
  const all = markdownLink(`All about ${userid}`, listPath(namespace, aboutGuest(host, userid)));
  return {
    taskQueue: taskQueueOf(host),
    workflowId: guestWorkflowId(host, userid),
    ...(isSingle(request.batch) ? {} : { priority: { priorityKey: PRIORITY_OF_WINDOWS } }),
    // Thousands of signals may have come to a run while its worker was starved.
    workflowTaskTimeout: '30 seconds',
    staticSummary: summary,
    staticDetails: `The run of guest **${userid}** on **${host}**. Started by ${asked}.\n\n${all}`,
    typedSearchAttributes: searchAttributesOf({ host, userid, ...searchTermsOfChange(change) }),
  } as const;
}
