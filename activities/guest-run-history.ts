import type { Context } from '@temporalio/activity';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { z } from 'zod';
import type { AnsweredRequest, EarlierRuns, Word } from '../workflows/host-activities.ts';

type Client = Context['client'];

/** A run of a guest as its history tells it, for a run that has left no result. */
export type GuestRunHistory = {
  /** Requests that nobody has answered, with their operations; `began`: it was in progress. */
  unanswered: { id: string; operation: string; began: boolean }[];
  /** Answers that were on their way when the run ended: Temporal drops them. */
  undelivered: { id: string; operation: string; outcome: unknown }[];
} & EarlierRuns;

const Request = z.object({
  id: z.string(),
  acceptedAt: z.number(),
  operation: z.object({ workflowId: z.string() }),
});
const WordSchema = z.object({ acceptedAt: z.number(), operation: z.string() }) satisfies z.ZodType<Word>;
const Answered = z.object({ id: z.string(), operation: z.string() }) satisfies z.ZodType<AnsweredRequest>;
export const EarlierRunsSchema = z.object({ words: z.record(z.string(), WordSchema), answered: z.array(Answered) });
const Carried = EarlierRunsSchema.extend({
  waiting: z.array(Request),
  current: z.object({ request: Request }).optional(),
});
const Done = z.object({
  kind: z.literal('done'),
  result: z.object({ found: z.object({ portIds: z.array(z.string()) }) }),
});
const Planned = z.object({ requestId: z.string() });

/** Read the history of a guest run. Throws what Temporal's client throws. */
export async function readGuestRunHistory(client: Client, workflowId: string, runId: string): Promise<GuestRunHistory> {
  const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
  const decode = (payloads: readonly Payload[] | null | undefined) => decoded(client, payloads ?? []);
  const requests = new Map<string, z.infer<typeof Request>>();
  const begun = new Set<string>();
  const sent = new Map<string, { id: string; operation: string; outcome: unknown }>();
  const delivered = new Set<string>();
  const history: GuestRunHistory = { unanswered: [], undelivered: [], words: {}, answered: [] };
  for (const event of events ?? []) {
    const started = event.workflowExecutionStartedEventAttributes;
    if (started) {
      const carried = Carried.safeParse((await decode(started.input?.payloads))[1]).data;
      for (const request of carried?.waiting ?? []) requests.set(request.id, request);
      if (carried?.current !== undefined) {
        requests.set(carried.current.request.id, carried.current.request);
        begun.add(carried.current.request.id);
      }
      history.answered.push(...(carried?.answered ?? []));
      Object.assign(history.words, carried?.words);
    }
    const signaled = event.workflowExecutionSignaledEventAttributes;
    if (signaled?.signalName === 'enqueue') {
      const request = Request.safeParse((await decode(signaled.input?.payloads))[0]).data;
      if (request !== undefined && !requests.has(request.id)) requests.set(request.id, request);
    }
    const scheduled = event.activityTaskScheduledEventAttributes;
    if (scheduled?.activityType?.name === 'planChange') {
      const planned = Planned.safeParse((await decode(scheduled.input?.payloads))[0]).data;
      if (planned !== undefined) begun.add(planned.requestId);
    }
    const signalling = event.signalExternalWorkflowExecutionInitiatedEventAttributes;
    if (signalling?.signalName === 'answer') {
      const [id, outcome] = await decode(signalling.input?.payloads);
      const operation = signalling.workflowExecution?.workflowId ?? '';
      if (typeof id === 'string') sent.set(String(event.eventId), { id, operation, outcome });
    }
    const done = event.externalWorkflowExecutionSignaledEventAttributes?.initiatedEventId;
    const failed = event.signalExternalWorkflowExecutionFailedEventAttributes?.initiatedEventId;
    if (done ?? failed) delivered.add(String(done ?? failed));
  }
  for (const [eventId, each] of sent) {
    const request = requests.get(each.id);
    requests.delete(each.id);
    history.answered.push({ id: each.id, operation: each.operation });
    if (!delivered.has(eventId)) history.undelivered.push(each);
    const found = Done.safeParse(each.outcome).data?.result.found.portIds ?? [];
    if (request !== undefined)
      for (const portId of found)
        history.words[portId] = latest(history.words[portId], {
          acceptedAt: request.acceptedAt,
          operation: each.operation,
        });
  }
  for (const { id, operation } of requests.values())
    history.unanswered.push({ id, operation: operation.workflowId, began: begun.has(id) });
  return history;
}

function latest(one: Word | undefined, other: Word): Word {
  return one !== undefined && one.acceptedAt > other.acceptedAt ? one : other;
}

async function decoded(client: Client, payloads: readonly Payload[]): Promise<unknown[]> {
  const { payloadCodecs } = client.options.loadedDataConverter;
  let plain: Payload[] = [...payloads];
  for (const codec of payloadCodecs.toReversed()) plain = await codec.decode(plain);
  return plain.map((payload) => {
    try {
      return defaultPayloadConverter.fromPayload(payload);
    } catch {
      return undefined;
    }
  });
}
