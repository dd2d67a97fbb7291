import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { newApp } from '../../gateway/http/routing.ts';
import { pageRoutes } from '../../gateway/picture/pages.ts';

test('a file that could not be read once is served as soon as it can be read', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pages-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, 'picture.css');
  await writeFile(file, 'body {}');
  const app = newApp();
  app.onError((_error, context) => context.body(null, 500));
  pageRoutes(app, folder);
  await rm(file);
  expect((await app.request('/page/picture.css')).status).toBe(500);
  await writeFile(file, 'main {}');
  const answer = await app.request('/page/picture.css');
  expect([answer.status, await answer.text()]).toEqual([200, 'main {}']);
});
