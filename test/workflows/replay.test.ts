import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from '@temporalio/worker';
import { beforeAll, expect, test } from 'vitest';
import { bundleWorkflows } from '../../workers/host-worker.ts';
import * as workflows from '../../workflows/index.ts';

const FOLDER = join(import.meta.dirname, '../histories');
const histories = readdirSync(FOLDER).filter((name) => name.endsWith('.json'));
let bundle: Awaited<ReturnType<typeof bundleWorkflows>>;
beforeAll(async () => {
  bundle = await bundleWorkflows();
});

test('every workflow type has a stored history', () => {
  const types = new Set(histories.map((name) => name.split('.')[0]));
  expect([...types].sort()).toEqual(Object.keys(workflows).sort());
});

test.each(histories)('the workflows of today replay the stored history %s', async (name) => {
  const { workflowId, history } = JSON.parse(readFileSync(join(FOLDER, name), 'utf8'));
  await Worker.runReplayHistory({ workflowBundle: bundle }, history, workflowId);
});
