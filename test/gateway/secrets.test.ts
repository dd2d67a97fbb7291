import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { connectClient, localTarget } from '../../client/temporal-connection.ts';
import { addToken } from '../../runtime/gateway/token-file.ts';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import { findTemporalServer } from '../../temporal-config/dev-server/temporal-binary.ts';
import { startTemporalServer, type TemporalServer } from '../../temporal-config/dev-server/temporal-server.ts';
import { portId, vlan } from '../workflows/environment.ts';
import { WAIT } from './environment.ts';

// Every secret but the tokens has this in it, so that a piece of one is found too.
const HUSH = 'Hush';
const ROOT = join(import.meta.dirname, '../..');

let folder = '';
let simulator: Simulator;
let temporal: TemporalServer;
let gatewayUrl = '';
let token = '';
const written: string[] = [];
const processes: ChildProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'secrets-'));
  const say = () => {};
  const found = await findTemporalServer({ say, env: {} });
  if (found.kind === 'external') throw new Error('a server of its own is needed');
  [simulator, temporal] = await Promise.all([
    startSimulator({ hosts: 2, guests: 4, release: '6.3', username: 'mnadmin', password: `${HUSH}-xcat-1` }),
    startTemporalServer({ binary: found.path, say }),
  ]);
  token = addToken(join(folder, 'tokens.json'), 'all', ['*'], ['read', 'change', 'reconcile']);
  const good = await configured('good.conf', 'zvm-good', 'zhcp1', `${HUSH}-xcat-1`);
  const bad = await configured('bad.conf', 'zvm-bad', 'zhcp2', `${HUSH}-wrong-2`);
  const both = await configured(
    'both.conf',
    'zvm-good',
    'zhcp1',
    `${HUSH}-xcat-1`,
    '[zvm_host:zvm-good]\n[zvm_host:zvm-bad]\nxcat_zhcp_nodename = zhcp2\n',
  );
  const workers = [good, bad].map((file) => start('workers/worker.ts', ['--config-file', file]));
  const listening = start('workers/gateway.ts', [
    ...['--config-file', both, '--tokens', join(folder, 'tokens.json'), '--port', '0', '--ui-url', 'http://ui.example'],
  ]);
  await vi.waitUntil(() => listening().includes('gateway listens'), { timeout: 90_000 });
  await vi.waitUntil(() => workers.every((told) => told().includes('worker started')), { timeout: 90_000 });
  gatewayUrl = /"url":"([^"]+)"/.exec(listening())?.[1] ?? '';
});
afterAll(async () => {
  for (const child of processes) if (child.exitCode === null) child.kill('SIGTERM');
  await Promise.all(processes.map((child) => (child.exitCode === null ? once(child, 'exit') : undefined)));
  await temporal.stop();
  await simulator.close();
  await rm(folder, { recursive: true });
});

async function configured(file: string, host: string, zhcp: string, password: string, more = ''): Promise<string> {
  const path = join(folder, file);
  const neutron = `transport_url = rabbit://openstack:${HUSH}-rabbit-3@127.0.0.1:1/\n`;
  const networks = '[ml2_type_vlan]\nnetwork_vlan_ranges = VSW1,VSW2\n';
  await writeFile(
    path,
    `[DEFAULT]\nlog_level = trace\n${neutron}[AGENT]\nzvm_xcat_server = ${simulator.url}\nzvm_xcat_username = mnadmin\n` +
      `zvm_xcat_password = ${password}\nzvm_host = ${host}\nxcat_zhcp_nodename = ${zhcp}\n${networks}${more}`,
  );
  return path;
}

/** Start a process of the program; gives what it has written so far. */
function start(file: string, args: string[]): () => string {
  const child = spawn(process.execPath, [join(ROOT, file), ...args], {
    cwd: folder,
    env: { PATH: process.env.PATH, TEMPORAL_ADDRESS: temporal.address, TEMPORAL_NAMESPACE: temporal.namespace },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  processes.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      output += String(chunk);
      written.push(String(chunk));
    });
  return () => output;
}

async function call(method: string, path: string, body?: string, headers: Record<string, string> = {}) {
  const answer = await fetch(`${gatewayUrl}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body }),
  });
  const text = await answer.text();
  written.push(text, JSON.stringify([...answer.headers]));
  return { status: answer.status, text };
}

/** All histories of the server's namespace, and what Temporal shows of the runs, with what is encoded in them decoded. */
async function histories(): Promise<{ count: number; text: string }> {
  const { client, close } = await connectClient(localTarget(temporal.address, temporal.namespace));
  const pieces: string[] = [];
  for await (const run of client.workflow.list()) {
    const history = await client.workflow.getHandle(run.workflowId, run.runId).fetchHistory();
    pieces.push(JSON.stringify([history.events, run.memo, run.workflowId], decoded));
  }
  await close();
  return { count: pieces.length, text: pieces.join('\n') };
}

function decoded(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (!(value instanceof Uint8Array)) return value;
  const text = Buffer.from(value).toString('utf8');
  return [text, ...(text.match(/H4sI[A-Za-z0-9+/=]{20,}/g) ?? []).map((packed) => unpacked(packed))];
}

function unpacked(packed: string): string {
  try {
    return gunzipSync(Buffer.from(packed, 'base64')).toString();
  } catch {
    return '';
  }
}

test('no password, token or key stands in what the processes write, in any history, or in any answer', async () => {
  const port = '/v1/hosts/zvm-good/guests/LNX10001/ports/';
  const body = JSON.stringify({ vswitch: 'VSW1', network: vlan(100) });
  const waiting = WAIT;
  await expect.poll(async () => (await call('GET', '/v1/hosts/zvm-good/guests')).status).toBe(200);
  const keyed = { ...waiting, 'idempotency-key': `${HUSH}-key-4` };
  expect((await call('PUT', `${port}${portId(1)}?live=true`, body, keyed)).status).toBe(200);
  expect((await call('PUT', `${port}${portId(2)}`, body.replace('VSW1', 'NOSUCH'), waiting)).status).toBe(409);
  // Neutron's broker is not there, which is reported with the rest.
  expect((await call('POST', '/v1/hosts/zvm-good/reconciliations', '{}', waiting)).status).toBe(502);
  // xCAT does not know the password of this host's worker: its first step fails, again and again.
  const query = 'giveUpAfterMinutes=1';
  const stuck = `${port.replace('zvm-good', 'zvm-bad')}${portId(3)}?${query}`;
  expect([202, 409, 502]).toContain((await call('PUT', stuck, body, { prefer: 'wait=10' })).status);
  await expect.poll(async () => (await histories()).text).toContain('password');
  expect((await call('GET', '/v1/hosts/zvm-bad/guests/LNX10001')).status).toBeGreaterThanOrEqual(500);
  // A secret that a caller lets slip does not come back, and is not kept.
  expect((await call('PUT', `${port}${portId(4)}`, `{"password":"${HUSH}-body-5"`)).status).toBe(400);
  expect((await call('PUT', `${port}${portId(4)}`, JSON.stringify({ vswitch: `${HUSH}-body-6` }))).status).toBe(422);
  const wrong = { authorization: `Bearer ${HUSH}-token-7` };
  expect((await call('GET', '/v1/hosts', undefined, wrong)).status).toBe(401);
  expect((await call('GET', '/v1/hosts', undefined, { authorization: `Basic ${HUSH}8` })).status).toBe(401);
  expect((await call('GET', `/v1/hosts?authorization=Bearer%20${token}&access_token=${HUSH}-query-9`)).status).toBe(
    422,
  );
  expect((await call('GET', `/nothing?token=${token}`)).status).toBe(404);
  expect((await call('GET', `/v1/operations?limit=${HUSH}-10`)).status).toBe(422);

  const { count, text } = await histories();
  expect(count).toBeGreaterThan(8);
  const all = [...written, text].join('\n');
  // The search can find: hosts, guests and xCAT's answers are there.
  for (const word of [
    'zvm-bad',
    'LNX10001',
    'xcat does not answer yet',
    '"caller":"all"',
    'gateway listens',
    'worker started',
    // Log entries say what failed.
    '"error":"vswitch: VSWITCH NOSUCH is not defined on zvm-good',
    '"error":"GET /tables/zvm: HTTP 401: Authentication failure',
  ])
    expect(all.includes(word), word).toBe(true);
  expect(text.includes('NOSUCH')).toBe(true);
  for (const word of [HUSH, token, token.slice(4, 24), token.slice(-20)]) expect(all.includes(word), word).toBe(false);
  for (const word of [`${HUSH}-xcat-1`, `${HUSH}-wrong-2`, `mnadmin:${HUSH}-xcat-1`, token])
    expect(all.includes(Buffer.from(word).toString('base64').slice(0, -4)), word).toBe(false);
}, 300_000);
