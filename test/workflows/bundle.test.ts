import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { bundleWorkflows } from '../../runtime/host/workflow-bundle.ts';

const ROOT = join(import.meta.dirname, '../..');

test('the bundle of the workflows holds no zod: it would be loaded anew for every worker', async () => {
  const { code } = await bundleWorkflows();
  expect(code).toContain('convergeGuest');
  expect(code).not.toContain('ZodError');
});

test('the bundle is a text of one byte a character, and its source map has places without sources: a worker keeps both, in two threads', async () => {
  const { code } = await bundleWorkflows();
  expect(code).toMatch(/^\p{ASCII}*$/u);
  const [, map = ''] = code.split('sourceMappingURL=data:application/json;charset=utf-8;base64,');
  const { sources, sourcesContent, mappings } = JSON.parse(Buffer.from(map, 'base64').toString());
  expect(sources).toContainEqual(expect.stringContaining('workflows/converge-guest.ts'));
  expect(sourcesContent).toBeUndefined();
  expect(mappings.length).toBeGreaterThan(10_000);
});

test('no module of the workflows keeps anything between runs, which share it', async () => {
  const { code } = await bundleWorkflows();
  const ours = [...new Set(code.match(/(?:workflows|domain|temporal-config)\/[a-z/-]+\.ts/g) ?? [])];
  expect(ours).toContain('workflows/converge-guest.ts');
  const keeping = ours.flatMap((file) => {
    const lines = readFileSync(join(ROOT, file), 'utf8').split('\n');
    return lines.filter((line) => KEEPS.test(line)).map((line) => `${file}: ${line}`);
  });
  expect(keeping).toEqual([]);
});

/** A variable of a module, or a collection of one that is empty at first. */
const KEEPS =
  /^(?:export )?(?:(?:let|var) |const \w+(?:: .+)? = (?:new (?:Map|Set|WeakMap|WeakSet)\b.*\(\)|\[\]|\{\});)/;
