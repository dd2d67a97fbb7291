import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { runProgram } from '../../command-line/program.ts';
import type { Stack } from '../../demo/stack.ts';
import { createLogger, installTemporalRuntime } from '../../runtime/process/logging.ts';
import { SERVER_VARIABLES } from '../../temporal-config/dev-server/temporal-binary.ts';
import { completeQueries } from '../../temporal-config/saved-queries.ts';
import { listPath, runPath, saveViewsScript, viewUrl } from '../../temporal-config/ui.ts';
import { newPage, startChromium } from '../chromium.ts';
import { portId, type Scene } from './scene.ts';
import { setStage } from './stage.ts';

const FOLDER = join(import.meta.dirname, '../../docs/images');

type Picture = { name: string; height: number; path: string; run?: string; tab?: string; shows: string };

function picturesOf(scene: Scene): Picture[] {
  const namespace = 'zvm';
  return [
    {
      name: 'ui-list',
      height: 760,
      path: listPath(namespace, 'WorkflowType != "convergeGuest"'),
      shows: scene.waiting,
    },
    {
      name: 'ui-port-history',
      height: 620,
      path: listPath(namespace, `ZvmPort = "${portId(1)}"`),
      shows: scene.changed,
    },
    { name: 'ui-failure', height: 900, path: '', run: scene.failed, tab: 'history', shows: 'Event History' },
    { name: 'ui-guest-run', height: 900, path: '', run: 'guest/zvm1/LNX10009', tab: 'history', shows: 'Event History' },
    {
      name: 'ui-tried-again',
      height: 760,
      path: '',
      run: 'guest/zvm1/LNX10011',
      tab: 'user-metadata',
      shows: 'Details',
    },
    { name: 'ui-repair', height: 860, path: '', run: scene.repaired, tab: 'user-metadata', shows: 'Details' },
  ];
}

async function main(): Promise<void> {
  installTemporalRuntime(createLogger('fatal'));
  const { stack, scene } = await setStage();
  const browser = await startChromium();
  if (browser === undefined) throw new Error('no Chromium');
  try {
    await mkdir(FOLDER, { recursive: true });
    const page = await newPage(browser, { viewport: { width: 1280, height: 800 } });
    const ui = stack.uiUrl ?? '';
    await page.goto(viewUrl(ui, '/namespaces/zvm/workflows'));
    const views = completeQueries({ host: 'zvm1' }).filter(({ ofNow }) => ofNow !== true);
    const saved = views.map(({ name, query }) => ({ name, query: query({}, new Date()) }));
    await Promise.all([page.waitForEvent('load'), page.evaluate(saveViewsScript('zvm', saved))]);
    for (const picture of picturesOf(scene)) await take(page, stack, picture);
  } finally {
    await browser.close();
    await stack.stop();
  }
}

async function take(page: Page, stack: Stack, { name, height, path, run, tab, shows }: Picture): Promise<void> {
  await page.setViewportSize({ width: run === undefined ? 1640 : 1280, height });
  await page.goto(viewUrl(stack.uiUrl ?? '', run === undefined ? path : await pathOf(stack, run, tab)));
  await page.getByText(shows).first().waitFor();
  // The UI loads its frames and timelines later, and shows no sign when they are complete.
  await page.waitForTimeout(2_500);
  await page.screenshot({ path: join(FOLDER, `${name}.png`) });
  process.stdout.write(`docs/images/${name}.png\n`);
}

async function pathOf(stack: Stack, workflowId: string, tab = 'history'): Promise<string> {
  const { runId } = await stack.client.workflow.getHandle(workflowId).describe();
  return `${runPath('zvm', workflowId)}/${runId}/${tab}`;
}

runProgram(
  {
    name: 'screenshots',
    does: 'Takes the pictures of the Temporal UI in docs/images, of a scene played for them. Needs Chromium.',
    options: {},
    environment: { 'NETWORKING_ZVM_CACHE, XDG_CACHE_HOME': SERVER_VARIABLES['NETWORKING_ZVM_CACHE, XDG_CACHE_HOME'] },
  },
  main,
);
