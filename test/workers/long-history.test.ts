import { expect, inject, onTestFinished, test } from 'vitest';
import { connectClient, localTarget } from '../../client/temporal-connection.ts';

const MEGABYTE = 1024 * 1024;

test('a client reads a history of more than four megabytes', async () => {
  const { client, close } = await connectClient(localTarget(inject('temporalAddress'), inject('temporalNamespace')));
  onTestFinished(close);
  const workflowId = `long-history/${crypto.randomUUID()}`;
  // Nobody works on its task queue: its history is the signals that it got.
  const run = await client.workflow.start('nobody', { taskQueue: workflowId, workflowId });
  onTestFinished(() => void run.terminate());
  for (let number = 0; number < 5; number += 1) await run.signal('long', 'x'.repeat(MEGABYTE));
  const { events } = await run.fetchHistory();
  expect(events?.filter((event) => event.workflowExecutionSignaledEventAttributes != null)).toHaveLength(5);
}, 60_000);
