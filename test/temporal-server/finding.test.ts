import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findTemporalServer } from '../../temporal-config/dev-server/temporal-binary.ts';

const TELLS_SERVER = 'echo "temporal version 0.0.0-DEV (Server 1.29.1, UI 2.42.1)"';
// A stand-in for `go install`: it leaves an executable in GOBIN.
const FAKE_GO = `printf '#!/bin/sh\\n${TELLS_SERVER.replaceAll('"', '\\042')}\\n' > "$GOBIN/temporal"`;

let root: string;
let bin: string;
let cache: string;
let lines: string[];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'finding-'));
  bin = join(root, 'bin');
  cache = join(root, 'cache');
  lines = [];
});

afterEach(() => rm(root, { recursive: true, force: true }));

const say = (line: string) => lines.push(line);

async function executable(path: string, body: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `#!/bin/sh\n${body}\n`);
  await chmod(path, 0o755);
  return path;
}

function find(env: NodeJS.ProcessEnv = {}, download: (directory: string) => Promise<string> = noDownload) {
  return findTemporalServer({
    say,
    download,
    env: { HOME: root, PATH: bin, NETWORKING_ZVM_CACHE: cache, ...env },
  });
}

async function noDownload(): Promise<string> {
  throw new Error('no way out');
}

test('TEMPORAL_ADDRESS comes before every executable', async () => {
  await executable(join(bin, 'temporal'), TELLS_SERVER);
  expect(await find({ TEMPORAL_ADDRESS: 'temporal.example:7233', TEMPORAL_NAMESPACE: 'net' })).toMatchObject({
    kind: 'external',
    address: 'temporal.example:7233',
    namespace: 'net',
  });
});

test('a profile of temporal.toml is used as it is', async () => {
  const file = join(root, 'temporal.toml');
  await writeFile(file, '[profile.lab]\naddress = "lab.example:7233"\napi_key = "secret"\n');
  expect(await find({ TEMPORAL_CONFIG_FILE: file, TEMPORAL_PROFILE: 'lab' })).toMatchObject({
    kind: 'external',
    address: 'lab.example:7233',
    namespace: 'zvm',
    connectionOptions: { apiKey: 'secret', tls: true },
  });
  expect(lines.join()).not.toContain('secret');
});

test('a client configuration that cannot be read is an error that says so', async () => {
  const file = join(root, 'temporal.toml');
  await writeFile(file, 'not toml at all');
  await expect(find({ TEMPORAL_CONFIG_FILE: file })).rejects.toThrow(/client configuration cannot be used/);
});

test('temporal on the path comes before the cache', async () => {
  const path = await executable(join(bin, 'temporal'), TELLS_SERVER);
  await executable(join(cache, 'temporal'), TELLS_SERVER);
  expect(await find()).toEqual({ kind: 'binary', path });
  expect(lines).toEqual([expect.stringContaining('server 1.29.1')]);
});

test('a temporal on the path that tells no server version is passed over', async () => {
  await executable(join(bin, 'temporal'), 'echo "temporal version 1.5.1"');
  const path = await executable(join(cache, 'temporal'), TELLS_SERVER);
  expect(await find()).toEqual({ kind: 'binary', path });
});

test("the project's cache comes before the download", async () => {
  const path = await executable(join(cache, 'temporal'), TELLS_SERVER);
  const found = await find({}, () => Promise.reject(new Error('must not be called')));
  expect(found).toEqual({ kind: 'binary', path });
  expect(lines).toHaveLength(1);
});

test('the download comes before the build and is kept in the cache', async () => {
  await executable(join(bin, 'go'), FAKE_GO);
  const found = await find({}, (directory) => executable(join(directory, 'downloaded'), TELLS_SERVER));
  expect(found).toEqual({ kind: 'binary', path: join(cache, 'temporal') });
  expect(await readdir(cache)).toEqual(['temporal']);
  expect(lines.join('\n')).not.toContain('by Go');
});

test('a download that fails falls through to the build by Go', async () => {
  await executable(join(bin, 'go'), FAKE_GO);
  expect(await find()).toEqual({ kind: 'binary', path: join(cache, 'temporal') });
  expect(await readdir(cache)).toEqual(['temporal']);
  expect(lines).toEqual([
    expect.stringContaining('trying the SDK'),
    expect.stringContaining('no way out'),
    expect.stringContaining('about 3 minutes'),
    expect.stringContaining('gave server 1.29.1'),
  ]);
});

test('two builds at once leave one whole executable', async () => {
  await executable(join(bin, 'go'), FAKE_GO);
  const found = await Promise.all([find(), find()]);
  expect(found).toEqual(Array(2).fill({ kind: 'binary', path: join(cache, 'temporal') }));
  expect(await readdir(cache)).toEqual(['temporal']);
});

test('when nothing works the error says what was tried and what to do', async () => {
  await executable(join(bin, 'go'), 'echo "module lookup disabled" >&2; exit 1');
  await expect(find()).rejects.toThrow(/TEMPORAL_ADDRESS[\s\S]*no way out[\s\S]*module lookup disabled/);
  expect(await readdir(cache)).toEqual([]);
});
