import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { createAnswers } from '../../activities/answers.ts';
import { connectClient, localTarget } from '../../client/temporal-connection.ts';
import { decodePayloads } from '../../temporal-config/payloads.ts';
import type { AnswerToOperation } from '../../workflows/guest-queue-messages.ts';

let client: Client;
let close: () => Promise<void>;
beforeAll(async () => {
  ({ client, close } = await connectClient(localTarget(inject('temporalAddress'), inject('temporalNamespace'))));
});
afterAll(() => close());

/** An operation without a worker: its history keeps each signal. */
async function operation() {
  const workflowId = `asks/${randomUUID()}`;
  const handle = await client.workflow.start('wirePorts', {
    workflowId,
    taskQueue: `nobody-${workflowId}`,
    args: [{}],
  });
  return {
    workflowId,
    terminate: () => handle.terminate(),
    /** The ids of the answers that each signal had, by its name. */
    async signals() {
      const { events } = await handle.fetchHistory();
      const signals: { name: string; ids: unknown[] }[] = [];
      for (const { workflowExecutionSignaledEventAttributes: signal } of events ?? []) {
        if (signal == null) continue;
        const [first] = await decodePayloads(client, signal.input?.payloads);
        const ids = Array.isArray(first) ? first.map(({ id }: { id: unknown }) => id) : [first];
        signals.push({ name: signal.signalName ?? '', ids });
      }
      return signals;
    },
  };
}

function answerTo(workflowId: string, id: string, more: Partial<AnswerToOperation> = {}): AnswerToOperation {
  const outcome = { kind: 'cancelled' } as const;
  return { operation: workflowId, id, outcome, runId: 'run', ...more };
}

test("answers of a window's guests go to their operation by one signal, and each is sent once", async () => {
  const { workflowId, signals, terminate } = await operation();
  const answers = createAnswers();
  const ids = Array.from({ length: 40 }, (_, index) => `request/${index}`);
  await Promise.all(ids.map((id) => answers.send(client, answerTo(workflowId, id))));
  expect(await signals()).toEqual([{ name: 'answers', ids }]);
  await answers.send(client, answerTo(workflowId, 'late'));
  expect((await signals()).at(-1)).toEqual({ name: 'answers', ids: ['late'] });
  await terminate();
});

test('answers that are too large for one signal go by several', async () => {
  const { workflowId, signals, terminate } = await operation();
  const answers = createAnswers();
  const failure = { type: 'StepFailed', message: 'x'.repeat(200_000), nonRetryable: true, details: [] };
  const large = { outcome: { kind: 'failed', failure } as const };
  const ids = ['one', 'two', 'three'];
  await Promise.all(ids.map((id) => answers.send(client, answerTo(workflowId, id, large))));
  expect(await signals()).toEqual(ids.map((id) => ({ name: 'answers', ids: [id] })));
  await terminate();
});

test('an operation that has ended needs no answer', async () => {
  const { workflowId, terminate } = await operation();
  await terminate();
  await expect(createAnswers().send(client, answerTo(workflowId, 'request/0'))).resolves.toBeUndefined();
});
