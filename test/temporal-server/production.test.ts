import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { promisify } from 'node:util';
import { Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { expect, onTestFinished, type TestContext, test } from 'vitest';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import { DYNAMIC_CONFIG } from '../../temporal-config/dev-server/temporal-server.ts';
import { zvmnet, zvmnetJson } from '../cli/command.ts';
import { startProgram } from '../program.ts';
import { wayToTemporal } from '../way-to-temporal.ts';
import { createAuthority } from './authority.ts';
import {
  createNamespace,
  ensureTemporalPrograms,
  iniOf,
  type ProductionServer,
  useProductionServer,
} from './production-server.ts';

const PRODUCTION = join(import.meta.dirname, '../../temporal-config/production');
const theServer = useProductionServer('Temporal on PostgreSQL');
let isStarted = false;

/** The server, with its databases and the namespace. */
async function runningServer(context: Pick<TestContext, 'skip'>): Promise<ProductionServer> {
  const server = theServer(context);
  if (isStarted) return server;
  await server.createDatabases();
  await server.start();
  await createNamespace(server);
  isStarted = true;
  return server;
}

/** A folder with an agent's ini for a simulator. */
async function folderFor(simulator: Simulator): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'production-worker-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'zvm.ini'), iniOf(simulator.url));
  return folder;
}

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
  const { env, start, kill, createDatabases } = await runningServer(context);
  const simulator = await startSimulator({ hosts: 1, guests: 4, release: '6.3' });
  onTestFinished(() => simulator.close());
  const folder = await folderFor(simulator);
  const control = (path: string) => fetch(new URL(`/simulator/${path}`, simulator.url), { method: 'POST' });
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
  const { env } = await runningServer(context);
  const { TEMPORAL_TLS_CLIENT_CERT_PATH: _cert, TEMPORAL_TLS_CLIENT_KEY_PATH: _key, ...stranger } = env;
  const { connectionOptions } = loadClientConnectConfig({ overrideEnvVars: stranger });
  await expect(Connection.connect(connectionOptions)).rejects.toThrow();
  const known = await Connection.connect(loadClientConnectConfig({ overrideEnvVars: env }).connectionOptions);
  await known.close();
});

/** How long the first certificate is valid: worker and gateway start in this time. */
const FIRST_SECONDS = 90;

test('work goes on when the certificate of worker and gateway has expired and another one is in its place', {
  timeout: 240_000,
}, async (context) => {
  const { env, authority } = await runningServer(context);
  const simulator = await startSimulator({ hosts: 1, guests: 4, release: '6.3' });
  onTestFinished(() => simulator.close());
  const folder = await folderFor(simulator);
  const way = await wayToTemporal(env.TEMPORAL_ADDRESS);
  onTestFinished(way.goes);
  const [cert, key] = [join(folder, 'client.pem'), join(folder, 'client.key')];
  const put = async (from: { cert: string; key: string }) => {
    await copyFile(from.key, key);
    await copyFile(from.cert, cert);
  };
  const first = await authority.issue('first', { seconds: FIRST_SECONDS });
  const connects = ({ cert, key }: { cert: string; key: string }) => {
    const own = { ...env, TEMPORAL_TLS_CLIENT_CERT_PATH: cert, TEMPORAL_TLS_CLIENT_KEY_PATH: key };
    return Connection.connect(loadClientConnectConfig({ overrideEnvVars: own }).connectionOptions).then(
      (connection) => connection.close().then(() => true),
      () => false,
    );
  };
  await put(first);
  const files = { TEMPORAL_TLS_CLIENT_CERT_PATH: cert, TEMPORAL_TLS_CLIENT_KEY_PATH: key };
  const programs = { ...env, ...files, TEMPORAL_ADDRESS: way.address };
  const own = ['--config-file', join(folder, 'zvm.ini')];
  const worker = startProgram('workers/worker.ts', own, programs);
  const gateway = startProgram('workers/gateway.ts', [...own, '--port', '0'], programs);
  await expect.poll(() => gateway.said()).toContain('gateway listens');
  const [, url] = /"url":"([^"]+)"/.exec(gateway.said()) ?? [];
  await expect.poll(() => worker.said()).toContain('workers poll their task queues');
  expect(await connects(first)).toBe(true);

  await put(await authority.issue('second'));
  await expect.poll(() => worker.said()).toContain('workers are connected to Temporal with the new certificates');
  await expect.poll(() => gateway.said()).toContain('certificates for Temporal read');
  await expect.poll(() => connects(first), { timeout: 1_000 * FIRST_SECONDS }).toBe(false);
  way.goes();
  way.comesBack();
  const answer = await fetch(`${url}/v1/hosts/zvm1/guests/LNX10002/ports`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', prefer: 'wait=60' },
    body: JSON.stringify({ vswitch: 'VSW1', network: { type: 'vlan', segmentationId: 100 } }),
  });
  expect(answer.status, await answer.text()).toBe(201);
  expect(await worker.end('SIGTERM'), worker.said()).toBe(0);
  expect(await gateway.end('SIGTERM'), gateway.said()).toBe(0);
});

test('a renewed certificate of the server counts without a restart', async (context) => {
  const { env, authority } = await runningServer(context);
  const [host = '', port] = (env.TEMPORAL_ADDRESS ?? '').split(':');
  const serial = async () => {
    const socket = connect({ host, port: Number(port), servername: 'localhost', rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const { serialNumber } = socket.getPeerCertificate();
    socket.destroy();
    return serialNumber;
  };
  const before = await serial();
  await authority.issue('server');
  await expect.poll(serial).not.toBe(before);
});

const checkSettings = (settings: Record<string, string>) =>
  promisify(execFile)(join(PRODUCTION, 'check-settings.sh'), { env: { PATH: process.env.PATH, ...settings } });

test.each([
  ['for serverAuth alone', { uses: 'serverAuth' }, 'must have serverAuth and clientAuth'],
  ['that has expired', { seconds: 0 }, 'it has expired'],
])('a certificate of the server %s is refused before the server starts', async (_case, how, reason) => {
  const folder = await mkdtemp(join(tmpdir(), 'check-settings-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const authority = await createAuthority(folder);
  const settingsOf = ({ cert, key }: { cert: string; key: string }) => ({
    ...{ TEMPORAL_TLS_CERT_FILE: cert, TEMPORAL_TLS_KEY_FILE: key },
    ...{ TEMPORAL_TLS_CA_FILE: authority.file, TEMPORAL_TLS_SERVER_NAME: 'localhost' },
  });
  await checkSettings(settingsOf(await authority.issue('good')));
  await expect
    .poll(async () => {
      const settings = settingsOf(await authority.issue('bad', how));
      return checkSettings(settings).then(
        () => '',
        ({ stderr }) => stderr,
      );
    })
    .toContain(reason);
  const good = settingsOf(await authority.issue('other'));
  await expect(checkSettings({ ...good, TEMPORAL_TLS_SERVER_NAME: 'elsewhere.example' })).rejects.toThrow(
    'it has no name elsewhere.example',
  );
});

test('a port of the server that PostgreSQL has no room for is refused by the server, with the highest one', async (context) => {
  const { settings } = theServer(context);
  const how = ['--root', 'temporal-config/production', '--config', '.', '--env', 'server', '--allow-no-auth', 'start'];
  const started = promisify(execFile)(join(await ensureTemporalPrograms(() => {}), 'server'), how, {
    cwd: join(PRODUCTION, '../..'),
    env: { ...process.env, ...settings, TEMPORAL_PORT: '32755' },
  });
  await expect(started).rejects.toThrow('32754 is the most');
});
