import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';

/** Node itself, and two that compile or check themselves and work without it. */
const TRUSTED = ['@swc/core', 'node', 'protobufjs'];

test('npm ci runs the install scripts of no other packages', async () => {
  const text = await readFile(join(import.meta.dirname, '../package-lock.json'), 'utf8');
  const { packages }: { packages: Record<string, { hasInstallScript?: boolean }> } = JSON.parse(text);
  const withScript = Object.entries(packages).flatMap(([path, { hasInstallScript }]) =>
    hasInstallScript === true ? [path.replace(/^.*node_modules\//, '')] : [],
  );
  expect([...new Set(withScript)].sort()).toEqual(TRUSTED);
});
