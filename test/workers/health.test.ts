import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { beforeEach, expect, inject, onTestFinished, test } from 'vitest';
import { connectClient, localTarget } from '../../client/temporal-connection.ts';
import { type Health, tellHealth } from '../../runtime/process/health.ts';
import { startSimulator } from '../../simulator/simulator.ts';
import { freePort } from '../../temporal-config/dev-server/free-ports.ts';
import { reconcileScheduleId } from '../../temporal-config/names.ts';
import { startProgram } from '../program.ts';
import { wayToTemporal } from '../way-to-temporal.ts';

const SILENT = pino({ level: 'silent' });
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'health-'));
  onTestFinished(() => rm(folder, { recursive: true }));
});

async function answer(url: string): Promise<string> {
  const response = await fetch(url).catch(() => undefined);
  return response === undefined ? 'no answer' : `${response.status} ${(await response.text()).trim()}`;
}

test('probes are told why a process is broken or takes no work, and that they ask for the wrong thing', async () => {
  const says: { broken?: string; unready?: string } = {};
  const health: Health = { broken: () => says.broken, unready: () => says.unready };
  const port = await freePort();
  const told = await tellHealth(health, { host: '127.0.0.1', port }, SILENT, {});
  const ask = (path: string) => answer(`http://127.0.0.1:${port}${path}`);
  expect(await Promise.all(['/healthz', '/readyz', '/'].map(ask))).toEqual([
    '200 ok',
    '200 ok',
    expect.stringMatching(/^404 /),
  ]);
  Object.assign(says, { broken: 'a worker has failed', unready: 'Temporal does not answer' });
  expect(await ask('/healthz')).toBe('503 a worker has failed');
  expect(await ask('/readyz')).toBe('503 Temporal does not answer');
  told.close();
  await expect.poll(() => ask('/healthz')).toBe('no answer');
});

/** The datagrams to a socket in the file system, as systemd takes them: Node has no such sockets. */
async function serviceManager(socket: string): Promise<() => string[]> {
  const code = `
import socket, sys
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind(sys.argv[1])
print("bound", flush=True)
while True: print(manager.recv(4096).decode(), flush=True)`;
  const listener: ChildProcess = spawn('python3', ['-c', code, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void listener.kill());
  let words = '';
  listener.stdout?.on('data', (chunk) => {
    words += String(chunk);
  });
  await expect.poll(() => words).toContain('bound');
  return () => words.split('\n');
}

const hasSystemd = spawnSync('systemd-notify', ['--version']).status === 0;

test.runIf(hasSystemd)(
  'a worker is ready while Temporal answers, and alive also while it does not; systemd is told both',
  async () => {
    const simulator = await startSimulator({ hosts: 1, guests: 2, release: '6.3' });
    const { client, close } = await connectClient(localTarget(inject('temporalAddress'), inject('temporalNamespace')));
    onTestFinished(async () => {
      await client.schedule.getHandle(reconcileScheduleId('zvm-health')).delete();
      await close();
      await simulator.close();
    });
    const way = await wayToTemporal();
    const file = join(folder, 'zvm.ini');
    await writeFile(
      file,
      `[AGENT]
zvm_host = zvm-health
xcat_zhcp_nodename = zhcp1
zvm_xcat_server = ${simulator.url}
zvm_xcat_username = admin
zvm_xcat_password = admin
polling_interval = 86400
`,
    );
    const socket = join(folder, 'notify');
    const words = await serviceManager(socket);
    const port = await freePort();
    const args = ['--config-file', file, '--health', `127.0.0.1:${port}`];
    const env = {
      TEMPORAL_ADDRESS: way.address,
      NOTIFY_SOCKET: socket,
      WATCHDOG_USEC: '6000000',
    };
    startProgram('workers/worker.ts', args, env);
    const ask = (path: string) => answer(`http://127.0.0.1:${port}${path}`);
    await expect.poll(() => ask('/readyz')).toBe('503 the workers are starting');
    expect(words()).not.toContain('READY=1');
    await expect.poll(() => ask('/readyz')).toBe('200 ok');
    await expect.poll(words).toContain('READY=1');
    way.goes();
    await expect.poll(() => ask('/readyz'), { interval: 1_000 }).toBe('503 Temporal does not answer: zvm-health');
    expect(await ask('/healthz')).toBe('200 ok');
    const lives = () => words().filter((word) => word === 'WATCHDOG=1').length;
    const before = lives();
    await expect.poll(lives).toBeGreaterThan(before + 1);
  },
  240_000,
);
