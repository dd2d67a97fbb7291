import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { examplePortRequests, STARTER } from '../../demo/example-ports.ts';
import { wire } from '../../demo/wire.ts';
import { serve } from './environment.ts';

test('the lines of docs/api.md do what it says, beside what `npm start` wires', async () => {
  const text = await readFile(join(import.meta.dirname, '../../docs/api.md'), 'utf8');
  const blocks = [...text.matchAll(/^```sh\n(.*?)^```/gms)].map(([, block = '']) => block);
  const tried = blocks.filter((block) => block.includes('curl')).join('\n');
  const promised = [...tried.matchAll(/# → (\d+)$/gm)].map(([, status]) => status);
  const served = await serve();
  const requests = examplePortRequests(
    STARTER.ports / STARTER.hosts,
    [served.environment.configuration],
    STARTER.guestsPerHost,
  );
  const wired = await wire(served.environment.client, requests, () => {});
  expect(wired.filter(({ failure }) => failure !== undefined)).toEqual([]);
  const folder = await mkdtemp(join(tmpdir(), 'docs-'));
  const script = `set -eu\ncurl() { command curl -w '%{stderr}status %{http_code}\\n' "$@"; }\n${tried}`
    // One that writes something itself has no status to spare.
    .replaceAll("-w '%header{location}'", "-w '%{stderr}status %{http_code}\\n%{stdout}%header{location}'")
    .replaceAll('http://127.0.0.1:8088', served.gateway.url)
    .replaceAll('zvm1', served.host);
  const { stderr } = await promisify(execFile)('bash', ['-c', script], { cwd: folder });
  expect([...stderr.matchAll(/^status (\d+)$/gm)].map(([, status]) => status)).toEqual(promised);
  expect(promised.length).toBe((tried.match(/curl -/g) ?? []).length);
  await rm(folder, { recursive: true });
  await served.close();
});
