import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { freePort } from '../../temporal-config/dev-server/free-ports.ts';
import { findTemporalServer } from '../../temporal-config/dev-server/temporal-binary.ts';
import { startTemporalServer } from '../../temporal-config/dev-server/temporal-server.ts';
import { NAMESPACE } from '../../temporal-config/names.ts';
import { SEARCH_ATTRIBUTES, ZVM_HOST, ZVM_VLAN } from '../../temporal-config/search-attributes.ts';

let root: string;
let databaseFile: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'running-'));
  databaseFile = join(root, 'temporal.db');
});

afterEach(() => rm(root, { recursive: true, force: true }));

const say = () => {};

async function realBinary(): Promise<string> {
  const { TEMPORAL_ADDRESS: _address, TEMPORAL_PROFILE: _profile, TEMPORAL_CONFIG_FILE: _file, ...env } = process.env;
  const found = await findTemporalServer({ say, env });
  if (found.kind === 'external') throw new Error(`these tests need an executable, not the server at ${found.address}`);
  return found.path;
}

async function withClient<T>(address: string, use: (client: Client) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address });
  try {
    return await use(new Client({ connection, namespace: NAMESPACE }));
  } finally {
    await connection.close();
  }
}

async function eventually(holds: () => boolean | Promise<boolean>, limitMs = 90_000): Promise<void> {
  for (const limit = Date.now() + limitMs; !(await holds()); await pause(50)) {
    if (Date.now() > limit) throw new Error(`not within ${limitMs} ms`);
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const workflow = { taskQueue: 'nobody', args: [] };

test('a workflow outlives two starts on one database file, and no process stays', async () => {
  const binary = await realBinary();
  const first = await startTemporalServer({ binary, databaseFile, say });
  await withClient(first.address, (client) => client.workflow.start('waits', { ...workflow, workflowId: 'kept' }));
  await first.stop();
  expect(isAlive(first.pid)).toBe(false);

  const second = await startTemporalServer({ binary, databaseFile, say });
  const { status } = await withClient(second.address, (client) => client.workflow.getHandle('kept').describe());
  expect(status.name).toBe('RUNNING');
  await second.stop();
  await second.stop();
  expect(isAlive(second.pid)).toBe(false);
});

test('a database file made before a search attribute was listed gets it at the next start, ready for use', async () => {
  const binary = await realBinary();
  const port = await freePort();
  const old = spawn(
    binary,
    [
      ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--headless', '--log-level', 'error'],
      ...['--db-filename', databaseFile, '--namespace', NAMESPACE, '--search-attribute', `${ZVM_HOST.name}=Keyword`],
    ],
    { stdio: 'ignore' },
  );
  await eventually(() => withClient(`127.0.0.1:${port}`, async () => true).catch(() => false));
  old.kill('SIGTERM');
  await once(old, 'exit');

  const server = await startTemporalServer({ binary, databaseFile, say });
  try {
    await withClient(server.address, async (client) => {
      const { customAttributes } = await client.connection.operatorService.listSearchAttributes({
        namespace: NAMESPACE,
      });
      expect(Object.keys(customAttributes ?? {})).toEqual(
        expect.arrayContaining(SEARCH_ATTRIBUTES.map((key) => key.name)),
      );
      await client.workflow.start('waits', {
        ...workflow,
        workflowId: 'tagged',
        typedSearchAttributes: [{ key: ZVM_VLAN, value: ['100', '200'] }],
      });
      await eventually(async () => (await client.workflow.count(`ZvmVlan = '200'`)).count === 1);
    });
  } finally {
    await server.stop();
  }
});

test('a server that dies is reported with its last lines', async () => {
  const binary = await realBinary();
  await writeFile(databaseFile, 'this is no database file. '.repeat(100));
  await expect(startTemporalServer({ binary, databaseFile, say })).rejects.toThrow(/it ended[\s\S]*not a database/);
});

test('where another program was quicker at the chosen port, the server starts on another', async () => {
  const quicker = createServer();
  const binary = join(root, 'temporal');
  const tried = join(root, 'tried');
  // The real server, on a machine where another program takes its first port at that moment.
  await once(quicker.listen(0, '127.0.0.1'), 'listening');
  const { port: taken } = quicker.address() as AddressInfo;
  await writeFile(
    binary,
    `#!/bin/sh
[ -e ${tried} ] && exec ${await realBinary()} "$@"
touch ${tried}
exec ${await realBinary()} server start-dev --ip 127.0.0.1 --headless --port ${taken}
`,
    { mode: 0o755 },
  );
  const server = await startTemporalServer({ binary, say });
  try {
    expect(existsSync(tried)).toBe(true);
    expect(server.address).not.toBe(`127.0.0.1:${taken}`);
  } finally {
    await server.stop();
    quicker.close();
  }
});

test('an executable that is not there is an error, not a crash', async () => {
  await expect(startTemporalServer({ binary: join(root, 'absent'), say })).rejects.toThrow(/absent/);
});

test.each(['process.exit(1)', 'throw new Error("lost")', 'process.kill(process.pid, "SIGKILL")'])(
  'the server does not outlive a parent that ends by %s',
  async (end) => {
    const program = `
      const { startTemporalServer } = await import(${JSON.stringify(new URL('../../temporal-config/dev-server/temporal-server.ts', import.meta.url).href)});
      const server = await startTemporalServer({ binary: ${JSON.stringify(await realBinary())}, say() {} });
      process.stdout.write(server.pid + '\\n', () => { ${end}; });`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    let complaint = '';
    parent.stderr.on('data', (data: Buffer) => {
      complaint += data.toString();
    });
    parent.stdout.on('data', (data: Buffer) => {
      output += data.toString();
    });
    await once(parent, 'close');
    const pid = Number(output);
    expect(pid, complaint).toBeGreaterThan(1);
    await eventually(() => !isAlive(pid));
  },
);
