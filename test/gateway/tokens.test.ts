import { spawnSync } from 'node:child_process';
import { chmod, chown, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callerOfToken } from '../../gateway/http/callers.ts';
import { newToken } from '../../gateway/http/tokens.ts';
import { addToken, readTokens, watchTokens } from '../../runtime/gateway/token-file.ts';
import { keepUses, useFileOf } from '../../runtime/gateway/token-use.ts';
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

test('a file keeps its owner and its mode, so that the gateway can still read it', async () => {
  const file = join(folder, 'owned.json');
  addToken(file, 'first', ['*'], ['read']);
  await chmod(file, 0o640);
  // Only root may give a file away.
  const isRoot = process.getuid?.() === 0;
  if (isRoot) await chown(file, 12_345, 23_456);
  addToken(file, 'second', ['*'], ['read']);
  const { uid, gid, mode } = await stat(file);
  expect(mode & 0o777).toBe(0o640);
  if (isRoot) expect([uid, gid]).toEqual([12_345, 23_456]);
});

test('a token is refused from its expiry on, and the list says so and when it was used last', async () => {
  const file = join(folder, 'expiring.json');
  const soon = addToken(file, 'soon', ['*'], ['read'], new Date(Date.now() + 3_600_000));
  const made = run('--name', 'dated', '--host', '*', '--verb', 'read', '--expires', '2999-01-01', '--file', file);
  expect(made.status, made.stderr).toBe(0);
  const tokens = readTokens(file);
  expect(callerOfToken(soon, tokens)?.name).toBe('soon');
  const past = tokens.map((token) => ({ ...token, expires: new Date(Date.now() - 1) }));
  expect(callerOfToken(soon, past)).toBeUndefined();
  // A caller that is known already loses its rights too.
  const known = [...tokens];
  const caller = callerOfToken(soon, () => known);
  known.splice(0, known.length, ...past);
  expect(caller?.grants()).toEqual([]);
  const useFile = useFileOf(file, {});
  const uses = keepUses(useFile, () => {});
  uses.used('soon');
  uses.close();
  const list = run('list', '--file', file);
  expect(list.stdout).toMatch(/^soon +\* +read +expires 20\S+ +last used 20\S+Z$/m);
  expect(list.stdout).toMatch(/^dated +\* +read +expires 2999-01-01T00:00:00.000Z +last used unknown$/m);
  expect(run('--name', 'x', '--host', '*', '--verb', 'read', '--expires', '1999-01-01').stderr).toContain(
    'in the future',
  );
});

test('a last use that cannot be kept is told of once, and nothing fails for it', () => {
  const told: string[] = [];
  const uses = keepUses('/proc/no/tokens.used', (_level, _fields, message) => told.push(message));
  uses.used('portal');
  uses.close();
  uses.close();
  expect(told).toEqual(['last use of tokens cannot be kept']);
});

test('tokens of a file that stays unreadable expire within the grace, loudly, and come back with the file', async () => {
  const file = join(folder, 'unreadable.json');
  addToken(file, 'portal', ['*'], ['read']);
  const log: string[] = [];
  const watched = watchTokens(file, (level, _fields, message) => log.push(`${level} ${message}`), 300);
  const good = await readFile(file, 'utf8');
  await writeFile(file, '{');
  watched.readAgain();
  expect(watched.tokens()).toHaveLength(1);
  await expect.poll(watched.tokens).toEqual([]);
  expect(log.at(-1)).toBe('error token file not usable: no token is accepted');
  await writeFile(file, good);
  await expect.poll(() => watched.tokens().length).toBe(1);
  watched.close();
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
