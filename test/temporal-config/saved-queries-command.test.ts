import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');

test('the links may be read in part, by head', () => {
  // A reader that ends before the first line reads nothing.
  const script = `'${process.execPath}' workers/saved-queries.ts --host zvm1 | true; echo "\${PIPESTATUS[0]}"`;
  const { stdout, stderr } = spawnSync('bash', ['-c', script], { cwd: ROOT, encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(stdout.trim()).toBe('0');
});
