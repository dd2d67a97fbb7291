import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { drawLatency, parseLatency, seeded } from '../../simulator/http/latency.ts';

const folder = mkdtempSync(join(tmpdir(), 'simulator-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function start(
  ...args: string[]
): Promise<{ ready: { url: string; mns: { url: string }[] }; child: ChildProcess }> {
  const main = join(import.meta.dirname, '../../simulator/main.ts');
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { ready: JSON.parse(String(line)), child };
}

async function stop(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}

test('alone it prints one line with its URLs, and keeps its state from run to run', async () => {
  const state = join(folder, 'state.json');
  const first = await start('--hosts', '1', '--guests', '2', '--state', state);
  const tables = `${first.ready.url}/xcatws/tables/switch?userName=admin&password=admin&format=json`;
  await fetch(tables, { method: 'PUT', body: '["port=p-1 switch.vlan=7"]', headers: { 'content-type': 'text/plain' } });
  await stop(first.child);
  const again = await start('--hosts', '1', '--guests', '2', '--state', state);
  const dump = await fetch(`${again.ready.url}/xcatws/tables/switch?userName=admin&password=admin&format=json`);
  expect(await dump.text()).toContain('p-1');
  await stop(again.child);
});

test('it serves several management nodes, over TLS, with their authorities in a file', async () => {
  const ca = join(folder, 'ca.pem');
  const { ready, child } = await start('--https', '--mns', '2', '--hosts', '1', '--guests', '1', '--ca-file', ca);
  expect(ready.mns).toHaveLength(2);
  for (const { url } of ready.mns) {
    const asked = request(`${url}/xcatws/version?userName=admin&password=admin&format=json`, { ca: readFileSync(ca) });
    asked.end();
    const [response] = await once(asked, 'response');
    expect(response.statusCode).toBe(200);
    response.resume();
  }
  await stop(child);
});

test('latencies are drawn as asked, the same ones for the same seed', () => {
  const drawn = (seed: number, text: string) => {
    const random = seeded(seed);
    return Array.from({ length: 2_000 }, () => drawLatency(parseLatency(text), random));
  };
  expect(drawn(1, 'uniform:200:800')).toEqual(drawn(1, 'uniform:200:800'));
  expect(drawn(1, 'uniform:200:800')).not.toEqual(drawn(2, 'uniform:200:800'));
  expect(drawn(1, 'uniform:200:800').every((ms) => ms >= 200 && ms <= 800)).toBe(true);
  const sorted = drawn(3, 'lognormal:500:0.5').sort((one, other) => one - other);
  expect((sorted[1_000] ?? 0) / 500).toBeCloseTo(1, 0);
  expect(sorted[1_999]).toBeGreaterThan(1_500);
  expect(new Set(drawn(1, '250'))).toEqual(new Set([250]));
  expect(() => parseLatency('soon')).toThrow(/--latency soon/);
});
