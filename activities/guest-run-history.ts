import type { Context } from '@temporalio/activity';
import type { Payload } from '@temporalio/common';
import { z } from 'zod';
import { defined } from '../domain/defined.ts';
import { isWordChange } from '../domain/text/words.ts';
import { decodePayloads } from '../temporal-config/payloads.ts';
import type { AnsweredOperation } from '../workflows/guest-queue-messages.ts';
import type { AnsweredRequest, EarlierRuns, Word } from '../workflows/host-activities.ts';

type Client = Context['client'];
type History = Awaited<ReturnType<ReturnType<Client['workflow']['getHandle']>['fetchHistory']>>;
type Event = NonNullable<History['events']>[number];
type Payloads = { payloads?: readonly Payload[] | null } | null | undefined;

/** An answer as the history has it; `signal` where the run sent it itself. */
type Answered = Pick<AnsweredOperation, 'operation' | 'id' | 'portIds'> & {
  kind: string | undefined;
  signal?: { outcome: unknown; runId: unknown };
};

/** A run of a guest as its history tells it, for one that has left no result. */
export type GuestRunHistory = {
  /** Requests without an answer, with their operations; `began`: steps of it may have been carried out. */
  unanswered: { id: string; operation: string; began: boolean }[];
  /** Answers that were on their way when the run ended: Temporal drops them. */
  undelivered: { operation: string; id: string; outcome: unknown; runId: unknown }[];
} & EarlierRuns;

const Request = z.object({
  id: z.string(),
  runId: z.string(),
  acceptedAt: z.number(),
  operation: z.object({ workflowId: z.string() }),
  dryRun: z.boolean(),
  comesAgain: z.literal(true).optional(),
  change: z.object({ kind: z.string(), asked: z.literal(true).optional() }),
});
const WordSchema = z.object({ acceptedAt: z.number(), operation: z.string() }) satisfies z.ZodType<Word>;
const AnsweredSchema = z.object({
  id: z.string(),
  runId: z.string(),
  operation: z.string(),
  comesAgain: z.literal(true).exactOptional(),
}) satisfies z.ZodType<AnsweredRequest>;
/** The words and answers in the result of a guest run, or in what it hands to its next run. */
export const EarlierRunsSchema = z.object({
  words: z.record(z.string(), WordSchema),
  answered: z.array(AnsweredSchema),
});
const Carried = EarlierRunsSchema.extend({
  waiting: z.array(Request),
  current: z.object({ request: Request, forward: z.object({ touched: z.array(z.unknown()) }) }).optional(),
});
const Done = z.object({
  kind: z.literal('done'),
  result: z.object({ found: z.object({ portIds: z.array(z.string()) }) }),
});
const Lent = z.object({ lent: z.object({ request: Request }) });
const GivenBack = z.object({ kind: z.string(), requestId: z.string() });
const Kind = z.object({ kind: z.string() });
/** The name of the SDK's markers, and the result in those of `answerOperation`. */
const LOCAL_ACTIVITY = 'core_local_activity';
const Sent = z.object({
  ...{ operation: z.string(), id: z.string(), kind: z.string() },
  portIds: z.array(z.string()),
}) satisfies z.ZodType<Answered>;
const Applying = z.object({ requestId: z.string() });
/** The sign of an activity that plans and carries out, once it has begun to carry out. */
const BegunChange = z.union([z.object({ applied: z.unknown() }), z.object({ planned: z.unknown() })]);

/** Read the history of a guest run. Throws what Temporal's client throws. */
export async function readGuestRunHistory(client: Client, workflowId: string, runId: string): Promise<GuestRunHistory> {
  const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
  const reader = new HistoryReader(client);
  for (const event of events ?? []) await reader.read(event);
  return reader.history();
}

class HistoryReader {
  readonly #client: Client;
  readonly #requests = new Map<string, z.infer<typeof Request>>();
  readonly #begun = new Set<string>();
  /** Requests of activities that plan and carry out, by the event that scheduled them, until they have ended. */
  readonly #changing = new Map<string, string>();
  readonly #answers = new Map<string, Answered>();
  readonly #delivered = new Set<string>();
  #carried: EarlierRuns = { words: {}, answered: [] };

  constructor(client: Client) {
    this.#client = client;
  }

  async read(event: Event): Promise<void> {
    const started = event.workflowExecutionStartedEventAttributes;
    if (started) {
      const [input, carried] = await this.#decode(started.input);
      const lent = Lent.safeParse(input).data?.lent.request;
      this.#enqueue(lent);
      // A window may be at work on it, which this history does not tell.
      if (lent !== undefined) this.#begun.add(lent.id);
      this.#begin(carried);
    }
    const signaled = event.workflowExecutionSignaledEventAttributes;
    if (signaled?.signalName === 'enqueue') this.#enqueue((await this.#decode(signaled.input))[0]);
    if (signaled?.signalName === 'giveBack')
      this.#takeBack(String(event.eventId), (await this.#decode(signaled.input))[0]);
    await this.#readActivity(event);
    const marker = event.markerRecordedEventAttributes;
    if (marker?.markerName === LOCAL_ACTIVITY) {
      const [answer] = (await this.#decode(marker.details?.result)).map((result) => Sent.safeParse(result).data);
      if (answer !== undefined) this.#answers.set(String(event.eventId), answer);
    }
    await this.#readSignal(event);
  }

  async #readSignal(event: Event): Promise<void> {
    const sent = event.signalExternalWorkflowExecutionInitiatedEventAttributes;
    if (sent?.signalName === 'answer') {
      const [id, outcome, runId] = await this.#decode(sent.input);
      const operation = sent.workflowExecution?.workflowId ?? '';
      const kind = Kind.safeParse(outcome).data?.kind;
      const answer = { operation, kind, portIds: portsOf(outcome), signal: { outcome, runId } };
      if (typeof id === 'string') this.#answers.set(String(event.eventId), { id, ...answer });
    }
    const arrived =
      event.externalWorkflowExecutionSignaledEventAttributes ??
      event.signalExternalWorkflowExecutionFailedEventAttributes;
    if (arrived) this.#delivered.add(String(arrived.initiatedEventId));
  }

  async #readActivity(event: Event): Promise<void> {
    const scheduled = event.activityTaskScheduledEventAttributes;
    const type = scheduled?.activityType?.name;
    if (type === 'applySteps' || type === 'changeGuest') {
      const requestId = Applying.safeParse((await this.#decode(scheduled?.input))[0]).data?.requestId;
      if (requestId === undefined) return;
      if (type === 'changeGuest') this.#changing.set(String(event.eventId), requestId);
      else this.#begun.add(requestId);
    }
    const { activityTaskCompletedEventAttributes: completed, activityTaskFailedEventAttributes: failed } = event;
    const requestId = this.#changing.get(String((completed ?? failed)?.scheduledEventId));
    if (requestId === undefined) return;
    this.#changing.delete(String((completed ?? failed)?.scheduledEventId));
    const said = await this.#decode(completed?.result ?? failed?.failure?.applicationFailureInfo?.details);
    if (said.some((each) => BegunChange.safeParse(each).success)) this.#begun.add(requestId);
  }

  history(): GuestRunHistory {
    // One that has not ended may have begun.
    for (const requestId of this.#changing.values()) this.#begun.add(requestId);
    const answered = [...this.#answers.values()];
    const isAnswered = new Set(answered.map(({ id }) => id));
    const requests = [...this.#requests.values()];
    const words = { ...this.#carried.words };
    for (const { id, operation, portIds } of answered)
      for (const portId of portIds) {
        const request = this.#requests.get(id);
        if (request === undefined || request.dryRun || !isWordChange(request.change)) continue;
        const word = { acceptedAt: request.acceptedAt, operation };
        if ((words[portId]?.acceptedAt ?? 0) < word.acceptedAt) words[portId] = word;
      }
    return {
      words,
      answered: [
        ...this.#carried.answered,
        ...answered.map(({ id, operation, kind }) => {
          const { runId = '', comesAgain } = this.#requests.get(id) ?? {};
          const again = comesAgain ?? (kind === 'awaits' ? true : undefined);
          return { id, operation, runId, ...defined({ comesAgain: again }) };
        }),
        // Its operation is told that the run was lost: a repeated request of it is not carried out.
        ...requests
          .filter(({ id }) => this.#begun.has(id) && !isAnswered.has(id))
          .map(({ id, runId, operation }) => ({ id, runId, operation: operation.workflowId })),
      ],
      unanswered: requests
        .filter(({ id }) => !isAnswered.has(id))
        .map(({ id, operation }) => ({ id, operation: operation.workflowId, began: this.#begun.has(id) })),
      undelivered: [...this.#answers].flatMap(([event, { operation, id, signal }]) =>
        signal === undefined || this.#delivered.has(event) ? [] : [{ operation, id, ...signal }],
      ),
    };
  }

  #begin(carried: unknown): void {
    const state = Carried.safeParse(carried).data;
    if (state === undefined) return;
    const { waiting, current, words, answered } = state;
    this.#carried = { words, answered };
    for (const request of waiting) this.#requests.set(request.id, request);
    if (current === undefined) return;
    this.#requests.set(current.request.id, current.request);
    if (current.forward.touched.length > 0) this.#begun.add(current.request.id);
  }

  /** The end of a loan: where all is done, the operation knows it from the window. */
  #takeBack(event: string, how: unknown): void {
    const back = GivenBack.safeParse(how).data;
    const request = back && this.#requests.get(back.requestId);
    if (back === undefined || request === undefined) return;
    const { id, operation } = request;
    if (back.kind === 'untouched') this.#begun.delete(id);
    if (back.kind !== 'done') return;
    this.#answers.set(event, { id, operation: operation.workflowId, kind: 'done', portIds: portsOf(how) });
  }

  #enqueue(request: unknown): void {
    const parsed = Request.safeParse(request).data;
    if (parsed !== undefined) this.#requests.set(parsed.id, parsed);
  }

  #decode(input: Payloads): Promise<unknown[]> {
    return decodePayloads(this.#client, input?.payloads);
  }
}

/** Ports of a change that was carried out. */
function portsOf(outcome: unknown): string[] {
  return Done.safeParse(outcome).data?.result.found.portIds ?? [];
}
