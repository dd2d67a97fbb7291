import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newToken } from '../../gateway/http/tokens.ts';
import { addToken, readTokens, watchTokens } from '../../runtime/gateway/token-file.ts';
import { portId, vlan } from '../workflows/environment.ts';
import { type Served, serve, WAIT } from './environment.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tokens-'));
});
afterAll(() => rm(folder, { recursive: true }));

const ROOT = join(import.meta.dirname, '../..');
const run = (...args: string[]) =>
  spawnSync(process.execPath, [join(ROOT, 'workers/gateway-token.ts'), ...args], { cwd: folder, encoding: 'utf8' });

test('a token is shown once, and its file has no more than its SHA-256, for its owner alone', async () => {
  const one = run('--name', 'portal', '--host', 'zvm1', '--host', 'zvm2', '--verb', 'read', '--verb', 'change');
  expect(one.status, one.stderr).toBe(0);
  expect(one.stdout).toMatch(/^zvm_[A-Za-z0-9_-]{43}\n$/);
  const file = join(folder, 'tokens.json');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await readFile(file, 'utf8')).not.toContain(one.stdout.trim().slice(4));
  const other = run('--name', 'metrics', '--host', '*', '--verb', 'read', '--file', file);
  expect(other.stdout).not.toBe(one.stdout);
  expect(readTokens(file)).toMatchObject([
    { name: 'portal', hosts: ['zvm1', 'zvm2'], verbs: ['read', 'change'] },
    { name: 'metrics', hosts: ['*'], verbs: ['read'] },
  ]);
});

test.each([
  ['no name', ['--host', 'zvm1', '--verb', 'read'], 2, '--name is missing'],
  ['no host', ['--name', 'x', '--verb', 'read'], 2, '--host is missing'],
  ['an unknown verb', ['--name', 'x', '--host', 'zvm1', '--verb', 'write'], 2, 'one of read, change, reconcile'],
  [
    'the name of another token',
    ['--name', 'portal', '--host', 'zvm1', '--verb', 'read'],
    1,
    'has a token portal already',
  ],
  [
    'a file that is not JSON',
    ['--name', 'x', '--host', '*', '--verb', 'read', '--file', '/dev/null'],
    1,
    'is not readable as JSON',
  ],
])('no token is made with %s', (_case, args, code, reason) => {
  const { status, stdout, stderr } = run(...args);
  expect(status).toBe(code);
  expect(stdout).toBe('');
  expect(stderr).toContain(reason);
});

test('a file of tokens that is wrong is named with what is wrong', async () => {
  const file = join(folder, 'wrong.json');
  const { entry } = newToken('reader', ['*'], ['read']);
  await writeFile(file, JSON.stringify({ tokens: [{ ...entry, sha256: 'Hush' }] }));
  expect(() => readTokens(file)).toThrow(/wrong\.json: tokens\.0\.sha256/);
  expect(() => readTokens(file)).not.toThrow(/Hush/);
});

test('a running gateway knows new tokens, and those no longer that are taken out', async () => {
  const file = join(folder, 'watched.json');
  const first = addToken(file, 'first', ['*'], ['read']);
  const log: string[] = [];
  const watched = watchTokens(file, (_level, fields, message) => log.push(`${message} ${JSON.stringify(fields)}`));
  const served: Served = await serve({ tokens: watched.tokens }, false);
  const status = async (token: string) =>
    (await served.call('GET', '/v1/hosts', undefined, { authorization: `Bearer ${token}` })).status;
  expect(await status(first)).toBe(200);
  const second = addToken(file, 'second', ['*'], ['read']);
  await expect.poll(() => status(second)).toBe(200);
  const bearing = { authorization: `Bearer ${first}` };
  const events = await fetch(`${served.gateway.url}/v1/hosts/${served.host}/events`, { headers: bearing });
  const ended = events.body?.pipeTo(new WritableStream());
  const { tokens } = JSON.parse(await readFile(file, 'utf8'));
  await writeFile(file, JSON.stringify({ tokens: tokens.slice(1) }));
  await expect.poll(() => status(first)).toBe(401);
  // The stream of events that it had open ends by itself.
  await ended;
  await writeFile(file, '{');
  watched.readAgain();
  expect(log.at(-1)).toContain('the previous tokens stay valid');
  expect(await status(second)).toBe(200);
  watched.close();
  await served.close();
});

test('a caller whose token is removed while it waits is answered with 401 alone', async () => {
  const file = join(folder, 'waiting.json');
  const token = addToken(file, 'waiting', ['*'], ['read', 'change']);
  const watched = watchTokens(file, () => {});
  const served = await serve({ tokens: watched.tokens });
  const { control } = served.environment;
  await control('POST', 'systems/zhcp1/guests/LNX10002/lock');
  const path = `/v1/hosts/${served.host}/guests/LNX10002/ports/${portId(1)}`;
  const bearing = { authorization: `Bearer ${token}` };
  const waiting = served.call('PUT', path, { vswitch: 'VSW1', network: vlan(100) }, { ...bearing, ...WAIT });
  const running = `/v1/operations?state=running&host=${served.host}`;
  const operations = async () => (await served.call('GET', running, undefined, bearing)).body.operations;
  await expect.poll(async () => (await operations()).length).toBe(1);
  await writeFile(file, JSON.stringify({ tokens: [] }));
  await expect.poll(watched.tokens).toEqual([]);
  await control('POST', 'systems/zhcp1/guests/LNX10002/unlock');
  const { status, body, headers } = await waiting;
  expect(status).toBe(401);
  expect(body).toMatchObject({ type: '/errors/unauthorised' });
  expect(body).not.toHaveProperty('result');
  expect(headers.get('location')).toBeNull();
  watched.close();
  await served.close();
});
