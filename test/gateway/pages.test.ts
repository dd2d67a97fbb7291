import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { errorRoutes } from '../../gateway/error-pages.ts';
import { answerWith, PROBLEM_KINDS, Problem } from '../../gateway/http/problem.ts';
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

/** The pages about errors, and a problem of each kind at `/fails/{kind}`. */
function errorApp(publicUrl?: string) {
  const app = newApp();
  errorRoutes(app);
  app.get('/fails/:kind', (context) => {
    const kind = PROBLEM_KINDS.find((each) => each === context.req.param('kind'));
    throw new Problem(409, kind ?? 'internal', 'It failed', 'for a reason');
  });
  app.onError((error, context) =>
    error instanceof Problem ? answerWith(context, error, publicUrl) : context.body(error.message, 500),
  );
  return app;
}

test.each(PROBLEM_KINDS)('the type of the problem %s is the address of the page about it', async (kind) => {
  const app = errorApp();
  const { type } = (await (await app.request(`/fails/${kind}`)).json()) as { type: string };
  const page = await app.request(type);
  expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=UTF-8']);
  expect(await page.text()).toContain(`<h1>${kind}</h1>`);
});

test("behind a proxy that address begins with the callers' own", async () => {
  const answer = await errorApp('https://api.example/zvm/').request('/fails/refused');
  expect(await answer.json()).toMatchObject({ type: 'https://api.example/zvm/errors/refused' });
});

test('the page about an error has its cause and the way out, with code, links to others, and nothing unread', async () => {
  const app = errorApp();
  const text = await (await app.request('/errors/smapi-212-20')).text();
  expect(text).toContain('<strong>Cause.</strong>');
  expect(text).toContain('<a href="/errors/smapi-212-16">smapi-212-16</a>');
  expect(await (await app.request('/errors/smapi-212-8')).text()).toContain('<code>CP QUERY VMLAN</code>');
  const of = await app.request(`/errors/${encodeURIComponent('field-binding:vnic_type')}`);
  expect(of.status).toBe(200);
  for (const name of ['no-such-error', '<script>', '../fields']) {
    const missing = await app.request(`/errors/${encodeURIComponent(name)}`);
    expect(missing.status).toBe(404);
  }
});

test('all pages about errors are listed, and none has Markdown left', async () => {
  const app = errorApp();
  const list = await (await app.request('/errors')).text();
  const pages = [...list.matchAll(/href="(\/errors\/[^"]+)"/g)].map(([, path = '']) => path);
  expect(pages.length).toBeGreaterThan(100);
  for (const path of pages) expect(await (await app.request(path)).text(), path).not.toMatch(/\*\*|`|\]\(/);
});
