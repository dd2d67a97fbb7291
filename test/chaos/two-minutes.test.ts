import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');
/** Two minutes, the time to bring everything up, and that to let all come to its end. */
const LIMIT_MS = 20 * 60_000;

test(
  'two minutes of kills and faults under load, by a random seed, invert nothing, lose nothing and lock nothing',
  async () => {
    const args = [join(ROOT, 'chaos', 'main.ts'), '--minutes', '2', '--json'];
    const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    onTestFinished(() => void child.kill('SIGTERM'));
    let answer = '';
    let said = '';
    child.stdout.on('data', (chunk) => {
      answer += String(chunk);
    });
    // The seed is in the first line: who reads the log of a test that was stopped needs it too.
    child.stderr.on('data', (chunk) => {
      said += String(chunk);
      process.stderr.write(chunk);
    });
    await once(child, 'close');
    expect(answer, said).not.toBe('');
    expect(JSON.parse(answer), said).toMatchObject({ inverted: 0, wrongLastWord: 0, doubled: 0, locked: 0 });
    expect(child.exitCode, said).toBe(0);
  },
  LIMIT_MS,
);
