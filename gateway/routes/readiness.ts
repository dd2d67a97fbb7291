import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { messageOf } from '../../domain/text/error-message.ts';
import { ZVM_HOST } from '../../temporal-config/search-attributes.ts';

const ANSWER_MS = 5_000;
/** Age of an answer that serves further probes: they come every few seconds from several sides. */
const READY_FOR_MS = 15_000;
const UNREADY_FOR_MS = 2_000;
/** A task queue without workers: a workflow started there is deleted at once. */
const QUEUE = 'zvm/gateway-ready';

/** Checks that Temporal accepts changes, by starting a workflow as a change does. */
export class Readiness {
  readonly #client: Client;
  #answer: { until: number; problem: Promise<string | undefined> } | undefined;

  constructor(client: Client) {
    this.#client = client;
  }

  /** Reason why Temporal does not accept changes now; undefined when it does. */
  problem(): Promise<string | undefined> {
    if (this.#answer !== undefined && Date.now() < this.#answer.until) return this.#answer.problem;
    const answer = { until: Number.POSITIVE_INFINITY, problem: this.#ask() };
    this.#answer = answer;
    void answer.problem.then((problem) => {
      answer.until = Date.now() + (problem === undefined ? READY_FOR_MS : UNREADY_FOR_MS);
    });
    return answer.problem;
  }

  async #ask(): Promise<string | undefined> {
    const workflowId = `ready/${randomUUID()}`;
    try {
      // A reading alone would not show a missing namespace or search attribute, or a read-only database.
      await this.#client.withDeadline(Date.now() + ANSWER_MS, () =>
        this.#client.workflow.start('probeWorker', {
          workflowId,
          taskQueue: QUEUE,
          workflowExecutionTimeout: ANSWER_MS,
          typedSearchAttributes: [{ key: ZVM_HOST, value: 'gateway' }],
          staticSummary: 'probe whether Temporal accepts changes',
        }),
      );
    } catch (error) {
      return reasonOf(error);
    }
    await this.#forget(workflowId);
    return undefined;
  }

  /** Deletes the probe: it would stand in lists until it times out, and in the database for the namespace's retention. */
  async #forget(workflowId: string): Promise<void> {
    const client = this.#client;
    await client
      .withDeadline(Date.now() + ANSWER_MS, () =>
        client.workflowService.deleteWorkflowExecution({
          namespace: client.options.namespace,
          workflowExecution: { workflowId },
        }),
      )
      .catch(() => undefined);
  }
}

/** The cause, which the client's own error only wraps. */
function reasonOf(error: unknown): string {
  const { cause } = error instanceof Error ? error : { cause: undefined };
  return messageOf(cause instanceof Error ? cause : error);
}
