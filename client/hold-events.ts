import type { Client } from '@temporalio/client';
import { defined } from '../domain/defined.ts';
import { type HoldChange, holdChanges, type NumberedWord } from '../domain/host/hold-changes.ts';
import { controlFrom, type HostControl, NO_CONTROL } from '../domain/host/host-control.ts';
import { type CloudEvent, cloudEvent, type EventName } from '../domain/notifications/notification.ts';
import { controlWorkflowId } from '../temporal-config/names.ts';
import { decodePayloads } from '../temporal-config/payloads.ts';
import { isMissing, timeOf, wordOf } from './host-control.ts';

type HoldEvent = { name: Extract<EventName, 'host.held' | 'host.released'>; event: CloudEvent };

/** One run of the operators' word on a host. */
type ControlRun = {
  runId: string;
  /** The run that it goes on from, empty of the first. */
  before: string;
  from: HostControl;
  words: NumberedWord[];
  startedAt: number;
};

/** Holds and releases of a host since that time, as events: `host.held`, `host.released`. Two looks give them the same ids. */
export async function holdEvents(client: Client, host: string, since: Date): Promise<HoldEvent[]> {
  const events: HoldEvent[] = [];
  let end = Date.now();
  for (let runId: string | undefined; runId !== ''; ) {
    const run = await readRun(client, host, runId);
    if (run === undefined) break;
    const changes = holdChanges(run.from, run.words, { begin: run.startedAt, end });
    end = run.startedAt;
    events.unshift(...changes.filter(({ at }) => at >= since.getTime()).map((change) => eventOf(host, run, change)));
    // The words before its start stand in the run before it.
    runId = run.startedAt >= since.getTime() ? run.before : '';
  }
  return events;
}

async function readRun(client: Client, host: string, runId: string | undefined): Promise<ControlRun | undefined> {
  const run: ControlRun = { runId: '', before: '', from: NO_CONTROL, words: [], startedAt: 0 };
  let next: Uint8Array | undefined;
  try {
    do {
      const { history, nextPageToken } = await client.workflowService.getWorkflowExecutionHistory({
        namespace: client.options.namespace,
        execution: { workflowId: controlWorkflowId(host), ...defined({ runId }) },
        ...defined({ nextPageToken: next }),
      });
      next = nextPageToken?.length ? nextPageToken : undefined;
      for (const event of history?.events ?? []) {
        const started = event.workflowExecutionStartedEventAttributes;
        const word = await wordOf(client, event);
        if (started) {
          const [, carried] = await decodePayloads(client, started.input?.payloads);
          const { originalExecutionRunId, continuedExecutionRunId } = started;
          const ids = { runId: originalExecutionRunId ?? '', before: continuedExecutionRunId ?? '' };
          Object.assign(run, { ...ids, from: controlFrom(carried), startedAt: timeOf(event) });
        } else if (word !== undefined) run.words.push({ number: Number(event.eventId), word });
      }
    } while (next !== undefined);
    return run;
  } catch (error) {
    // There is none, or the retention of its namespace has passed.
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function eventOf(host: string, { runId }: ControlRun, { kind, word, at, hold, by, reason }: HoldChange): HoldEvent {
  const { until } = hold;
  const isoOf = (time: number) => new Date(time).toISOString();
  const name = kind === 'held' ? 'host.held' : 'host.released';
  const of = kind === 'held' ? { until: until === undefined ? undefined : isoOf(until) } : { heldBy: hold.by };
  const data = defined({ by, reason, since: isoOf(hold.since), ...of });
  const event = { id: `${runId}.${word}.${name}`, time: new Date(at), subject: host, data };
  return { name, event: cloudEvent(host, name, event) };
}
