import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { expect, onTestFinished, test } from 'vitest';
import { startSimulator } from '../../simulator/simulator.ts';
import { DYNAMIC_CONFIG } from '../../temporal-config/dev-server/temporal-server.ts';
import { zvmnet, zvmnetJson } from '../cli/command.ts';
import { startProgram } from '../program.ts';
import { createNamespace, iniOf, useProductionServer } from './production-server.ts';

const PRODUCTION = join(import.meta.dirname, '../../temporal-config/production');
const theServer = useProductionServer('Temporal on PostgreSQL');

test('the values of the dynamic config are those that npm start uses', async () => {
  const text = await readFile(join(PRODUCTION, 'dynamic-config.yaml'), 'utf8');
  const values = DYNAMIC_CONFIG.map(({ key, value }) => `${key}:\n  - value: ${value}\n`).join('');
  expect(text.replace(/^#.*\n/gm, '')).toBe(values);
});

const UNITS = join(PRODUCTION, 'systemd');

test('the services start programs that are there, with options that these know', async () => {
  const units = await readdir(UNITS);
  expect(units).toHaveLength(4);
  for (const file of [...units.map((unit) => join(UNITS, unit)), join(PRODUCTION, 'on-demand/on-demand.conf')]) {
    const text = await readFile(file, 'utf8');
    for (const [, program, rest = ''] of text.matchAll(/^Exec\w+=\S+\/networking-zvm (\S+)(.*)/gm)) {
      const source = await readFile(join(PRODUCTION, '../..', `workers/${program}.ts`), 'utf8');
      for (const [, option = ''] of rest.matchAll(/ --([\w-]+)/g))
        expect(option === 'config-file' ? "'config-file'" : source, `${program} ${option}`).toContain(option);
    }
  }
});

test('systemd finds hardly anything that the services are exposed to', async ({ skip }) => {
  const analyze = (...args: string[]) => promisify(execFile)('systemd-analyze', args);
  await analyze('--version').catch(() => skip('systemd-analyze is not on this machine'));
  for (const unit of await readdir(UNITS)) {
    const { stdout } = await analyze('security', '--no-pager', '--offline=true', '--threshold=30', join(UNITS, unit));
    expect(Number(/exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1]), unit).toBeLessThan(3);
  }
});

test('an operation that ran when the server was killed ends when it is back', async (context) => {
  const { env, start, kill, createDatabases } = theServer(context);
  const simulator = await startSimulator({ hosts: 1, guests: 4, release: '6.3' });
  const folder = await mkdtemp(join(tmpdir(), 'production-worker-'));
  onTestFinished(async () => {
    await simulator.close();
    await rm(folder, { recursive: true });
  });
  const control = (path: string) => fetch(new URL(`/simulator/${path}`, simulator.url), { method: 'POST' });
  await writeFile(join(folder, 'zvm.ini'), iniOf(simulator.url));
  await createDatabases();
  await start();
  await createNamespace(theServer(context));
  const worker = startProgram('workers/worker.ts', ['--config-file', join(folder, 'zvm.ini')], env);
  const shown = async (id: string) => (await zvmnet(['ops', 'show', id], env)).out;
  await expect.poll(async () => (await zvmnetJson(['hosts'], env)).hosts).toMatchObject([{ host: 'zvm1', workers: 1 }]);

  await control('systems/zhcp1/guests/LNX10001/lock');
  const port = ['--guest', 'LNX10001', '--vswitch', 'VSW1', '--vlan', '100', '--live', '--host', 'zvm1'];
  const { id } = await zvmnetJson(['port', 'create', ...port, '--no-wait'], env);
  await expect.poll(() => shown(id)).toContain('locked by another change');
  await kill();
  await createDatabases();
  await control('systems/zhcp1/guests/LNX10001/unlock');
  await start();
  await expect.poll(() => shown(id)).toContain('live now');
  expect(simulator.mn.systems[0]?.guest('LNX10001')?.nics).toMatchObject([{ vswitch: 'VSW1' }]);
  expect(await worker.end('SIGTERM'), worker.said()).toBe(0);
});

test('a client without a certificate of the authority is refused', async (context) => {
  const { env } = theServer(context);
  const { TEMPORAL_TLS_CLIENT_CERT_PATH: _cert, TEMPORAL_TLS_CLIENT_KEY_PATH: _key, ...stranger } = env;
  const { connectionOptions } = loadClientConnectConfig({ overrideEnvVars: stranger });
  await expect(Connection.connect(connectionOptions)).rejects.toThrow();
  const known = await Connection.connect(loadClientConnectConfig({ overrideEnvVars: env }).connectionOptions);
  await known.close();
});
