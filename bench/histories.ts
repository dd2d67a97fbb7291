import type { Client, WorkflowHandle } from '@temporalio/client';
import { taskQueueOf } from '../domain/host/host.ts';

/** Events of runs by kind. */
export type HistoryCounts = {
  events: number;
  workflowTasks: number;
  /** Workflow tasks that were taken by a worker and timed out: they are done again. */
  timedOutTasks: number;
  activities: number;
  signals: number;
};

type Event = NonNullable<Awaited<ReturnType<WorkflowHandle['fetchHistory']>>['events']>[number];

const AT_ONCE = 20;

/** Events of the guest runs of a host that began after `since`, and of one operation. */
export async function countEvents(
  client: Client,
  host: string,
  since: Date,
  workflowId: string,
): Promise<{ guests: HistoryCounts; operation: HistoryCounts }> {
  const [guests, operation] = await Promise.all([
    countGuestEvents(client, host, since),
    countOperationEvents(client, workflowId),
  ]);
  return { guests, operation };
}

/** Events of one operation. */
export function countOperationEvents(client: Client, workflowId: string): Promise<HistoryCounts> {
  return countsOf(client, { workflowId, runId: undefined });
}

/** Events of the guest runs of a host that began after `since`. */
export async function countGuestEvents(client: Client, host: string, since: Date): Promise<HistoryCounts> {
  const query = `TaskQueue = "${taskQueueOf(host)}" AND WorkflowType = "convergeGuest" AND StartTime >= "${since.toISOString()}"`;
  const runs: { workflowId: string; runId: string }[] = [];
  for await (const run of client.workflow.list({ query })) runs.push(run);
  const guests: HistoryCounts[] = [];
  const work = async () => {
    for (let run = runs.shift(); run !== undefined; run = runs.shift()) guests.push(await countsOf(client, run));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return summed(guests);
}

async function countsOf(
  client: Client,
  { workflowId, runId }: { workflowId: string; runId: string | undefined },
): Promise<HistoryCounts> {
  const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
  return countedEvents(events ?? []);
}

/** The events of one history by kind. */
export function countedEvents(events: readonly Event[]): HistoryCounts {
  const count = (has: (event: Event) => unknown) => events.filter((event) => has(event) != null).length;
  return {
    events: events.length,
    workflowTasks: count((event) => event.workflowTaskStartedEventAttributes),
    timedOutTasks: count((event) => event.workflowTaskTimedOutEventAttributes),
    activities: count((event) => event.activityTaskScheduledEventAttributes),
    signals: count(
      (event) =>
        event.workflowExecutionSignaledEventAttributes ?? event.signalExternalWorkflowExecutionInitiatedEventAttributes,
    ),
  };
}

/** The sum of some counts. */
export function summed(counts: readonly HistoryCounts[]): HistoryCounts {
  const sum = (kind: keyof HistoryCounts) => counts.reduce((total, each) => total + each[kind], 0);
  return {
    events: sum('events'),
    workflowTasks: sum('workflowTasks'),
    timedOutTasks: sum('timedOutTasks'),
    activities: sum('activities'),
    signals: sum('signals'),
  };
}
