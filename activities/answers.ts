import type { Context } from '@temporalio/activity';
import type { Answer, AnswerToOperation } from '../workflows/guest-queue-messages.ts';
import { isMissingRun } from './temporal-operations.ts';

type Client = Context['client'];
type Outgoing = { answer: Answer; bytes: number; sent: PromiseWithResolvers<void> };

/** Temporal warns of a signal of half a megabyte. */
const MOST_BYTES = 256 * 1024;
/** The guests of a window end within a second or two. A workflow task that waits so long still leaves the worker's CPU as the bound. */
const GATHER_MS = 100;

/** The answers of a worker's guest runs to bulk operations. */
export type Answers = {
  /**
   * Send an answer; an operation that has ended needs none. Safe to repeat: an operation takes the first answer to a request. Guests that end at
   * the same time share a signal. Throws what Temporal's client throws.
   */
  send(client: Client, answer: AnswerToOperation): Promise<void>;
};

/** Create the answers of one worker. */
export function createAnswers(): Answers {
  const outboxes = new Map<string, Outbox>();
  return {
    async send(client, { operation, ...answer }) {
      const handle = client.workflow.getHandle(operation);
      const outbox = outboxes.get(operation) ?? new Outbox((answers) => unlessEnded(handle.signal('answers', answers)));
      outboxes.set(operation, outbox);
      try {
        await outbox.send(answer);
      } finally {
        if (outbox.isEmpty && outboxes.get(operation) === outbox) outboxes.delete(operation);
      }
    },
  };
}

async function unlessEnded(signal: Promise<void>): Promise<void> {
  try {
    await signal;
  } catch (error) {
    if (!isMissingRun(error)) throw error;
  }
}

/** Answers to one operation: those that come while others are gathered, or under way, go together. */
class Outbox {
  readonly #signal: (answers: Answer[]) => Promise<void>;
  #waiting: Outgoing[] = [];
  #isAtWork = false;

  constructor(signal: (answers: Answer[]) => Promise<void>) {
    this.#signal = signal;
  }

  get isEmpty(): boolean {
    return !this.#isAtWork && this.#waiting.length === 0;
  }

  send(answer: Answer): Promise<void> {
    const sent = Promise.withResolvers<void>();
    this.#waiting.push({ answer, bytes: Buffer.byteLength(JSON.stringify(answer)), sent });
    if (!this.#isAtWork) {
      this.#isAtWork = true;
      setTimeout(() => void this.#work(), GATHER_MS);
    }
    return sent.promise;
  }

  async #work(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#takeBatch();
      try {
        await this.#signal(batch.map(({ answer }) => answer));
        for (const { sent } of batch) sent.resolve();
      } catch (error) {
        for (const { sent } of batch) sent.reject(error);
      }
    }
    this.#isAtWork = false;
  }

  #takeBatch(): Outgoing[] {
    let bytes = 0;
    const isIn = (each: Outgoing, index: number) => {
      bytes += each.bytes;
      return index === 0 || bytes <= MOST_BYTES;
    };
    const end = this.#waiting.findIndex((each, index) => !isIn(each, index));
    return this.#waiting.splice(0, end < 0 ? this.#waiting.length : end);
  }
}
