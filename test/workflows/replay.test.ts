import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from '@temporalio/worker';
import { beforeAll, expect, test } from 'vitest';
import { observedWorker } from '../../runtime/telemetry/observed-worker.ts';
import * as workflows from '../../workflows/index.ts';
import { bundledWorkflows } from '../bundled-workflows.ts';
import { bundleReworded } from './reworded-workflows.ts';

const FOLDER = join(import.meta.dirname, '../histories');
const histories = readdirSync(FOLDER).filter((name) => name.endsWith('.json'));
let bundle: Awaited<ReturnType<typeof bundledWorkflows>>;
let reworded: Awaited<ReturnType<typeof bundledWorkflows>>;
beforeAll(async () => {
  bundle = await bundledWorkflows();
  reworded = await bundleReworded();
});

test('every workflow type has a stored history', () => {
  const types = new Set(histories.map((name) => name.split('.')[0]));
  expect([...types].sort()).toEqual(Object.keys(workflows).sort());
});

const replay = async (workflowBundle: typeof bundle, name: string) => {
  const { workflowId, history } = JSON.parse(readFileSync(join(FOLDER, name), 'utf8'));
  await Worker.runReplayHistory({ workflowBundle, sinks: observedWorker.sinks }, history, workflowId);
};

test.each(histories)('the workflows of today replay the stored history %s', async (name) => {
  await replay(bundle, name);
});

test('the sentences of the second bundle read otherwise', () => {
  expect(bundle.code).not.toContain('reworded: ');
  expect(reworded.code).toContain('reworded: ');
});

test.each(histories)('with every sentence reworded they replay %s all the same', async (name) => {
  await replay(reworded, name);
});
