import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, inject, onTestFinished, test } from 'vitest';
import { connectClient, localTarget } from '../../client/temporal-connection.ts';
import { createTemporalMemory } from '../../runtime/host/temporal-memory.ts';

const SILENT = pino({ level: 'silent' });
const GONE = { workflowId: 'guest/zvm1/LNX10001', runId: '00000000-0000-4000-8000-000000000001' };

async function there() {
  const { client, close } = await connectClient(localTarget(inject('temporalAddress'), inject('temporalNamespace')));
  onTestFinished(close);
  const workflowId = `memory/${crypto.randomUUID()}`;
  const { firstExecutionRunId: runId } = await client.workflow.start('probeWorker', {
    taskQueue: workflowId,
    workflowId,
  });
  onTestFinished(() => void client.workflow.getHandle(workflowId).terminate());
  const directory = await mkdtemp(join(tmpdir(), 'memory-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  return { client, run: { workflowId, runId }, directory };
}

test('a Temporal that knows the runs of before is the same, one that does not was restored, also by the word of a file', async () => {
  const { client, run, directory } = await there();
  const memory = createTemporalMemory('zvm1', directory, SILENT);
  memory.keep(run);
  expect(await memory.lost(client, 0, 10)).toBeUndefined();
  memory.keep(GONE);
  expect(await memory.lost(client, 0, 10)).toContain(GONE.workflowId);
  expect(await memory.lost(client, Date.now() + 1, 10)).toBeUndefined();
  await expect.poll(() => readFile(join(directory, 'zvm1.runs.json'), 'utf8')).toContain(GONE.runId);
  expect(await createTemporalMemory('zvm1', directory, SILENT).lost(client, 0, 10)).toContain(GONE.runId);
});

test('an unreadable memory counts as none', async () => {
  const { client, directory } = await there();
  await writeFile(join(directory, 'zvm1.runs.json'), '{"');
  expect(await createTemporalMemory('zvm1', directory, SILENT).lost(client, 0, 10)).toBeUndefined();
});
