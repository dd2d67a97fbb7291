import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { beforeAll, expect, inject, onTestFinished, test } from 'vitest';
import { workersOf } from '../../client/known-hosts.ts';
import { readHostView } from '../../client/read-state.ts';
import { connectClient, localTarget } from '../../client/temporal-connection.ts';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../simulator/simulator.ts';
import { freePorts } from '../../temporal-config/dev-server/free-ports.ts';
import { ZVM_OUTCOME } from '../../temporal-config/search-attributes.ts';
import { startProgram } from '../program.ts';
import { portId, vlan } from '../workflows/environment.ts';
import { startRun } from '../workflows/start.ts';

const NEW_PASSWORD = 'new-and-secret';

let client: Client;
beforeAll(async () => {
  const connected = await connectClient(localTarget(inject('temporalAddress'), inject('temporalNamespace')));
  client = connected.client;
  return connected.close;
});

async function simulated(options: SimulatorOptions = {}): Promise<Simulator> {
  const simulator = await startSimulator({ hosts: 1, guests: 2, release: '6.3', ...options });
  onTestFinished(() => simulator.close());
  return simulator;
}

/** A worker as a service runs it, on files that the test changes. Resolves when it polls for the host. */
async function workerOn(url: string, caText?: string) {
  const folder = await mkdtemp(join(tmpdir(), 'renewal-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const host = `zvm-${randomUUID().slice(0, 8)}`;
  const [ini, caFile] = [join(folder, 'zvm.ini'), join(folder, 'ca.pem')];
  const write = (password: string) =>
    writeFile(
      ini,
      `[DEFAULT]
[AGENT]
zvm_host = ${host}
polling_interval = 3600
xcat_zhcp_nodename = zhcp1
zvm_xcat_server = ${url}
zvm_xcat_username = admin
zvm_xcat_password = ${password}
${caText === undefined ? '' : `zvm_xcat_ca_file = ${caFile}`}
[ml2_type_vlan]
network_vlan_ranges = VSW1:1:4094
`,
    );
  const writeCa = (text: string) => writeFile(caFile, text);
  if (caText !== undefined) await writeCa(caText);
  await write('admin');
  const program = startProgram('workers/worker.ts', ['--config-file', ini]);
  await expect.poll(() => workersOf(client, host), { message: program.said() }).toBe(1);
  const read = () => readHostView(client, host, randomUUID());
  return { host, write, writeCa, program, read };
}

test('a password that changes in xCAT and in the file needs no restart, and stands nowhere', async () => {
  const simulator = await simulated();
  const { write, program, read } = await workerOn(simulator.url);
  expect((await read()).guests).not.toEqual([]);
  simulator.mn.tables.put('passwd', { key: 'xcat', username: 'admin', password: NEW_PASSWORD });
  await expect(read()).rejects.toThrow();
  await write(NEW_PASSWORD);
  await expect.poll(program.said).toContain('user, password and certificates of xCAT renewed');
  expect((await read()).guests).not.toEqual([]);
  expect(program.said()).not.toContain(NEW_PASSWORD);
});

test('a file that has become wrong is reported, and the last configuration stays in use', async () => {
  const simulator = await simulated();
  const { write, program, read } = await workerOn(simulator.url);
  await write('admin\nnonsense without a sign');
  await expect.poll(program.said).toContain('the previous one stays in use');
  expect((await read()).guests).not.toEqual([]);
});

test('SIGHUP has the files read again, and does not end the worker', async () => {
  const simulator = await simulated();
  const { program, read } = await workerOn(simulator.url);
  const before = program.said().split('configuration read').length;
  process.kill(program.pid, 'SIGHUP');
  await expect.poll(() => program.said().split('configuration read').length).toBeGreaterThan(before);
  expect((await read()).guests).not.toEqual([]);
});

test('a request made before a new authority of the management node is known waits, and succeeds once it is', async () => {
  const [port = 0] = await freePorts(1);
  const first = await startSimulator({ https: true, hosts: 1, guests: 2, port, release: '6.3' });
  const { host, writeCa, program, read } = await workerOn(first.url, first.ca ?? '');
  expect((await read()).guests).not.toEqual([]);
  await first.close();
  const second = await simulated({ https: true, port });
  const change = await startRun(client, 'createPort', {
    ...{ host, userid: 'LNX10001', portId: portId(1) },
    ...{ vswitch: 'VSW1', network: vlan(7) },
  });
  await expect
    .poll(async () => (await change.describe()).typedSearchAttributes.get(ZVM_OUTCOME), { message: program.said() })
    .toBe('retrying');
  await writeCa(`${first.ca}${second.ca}`);
  expect(await change.result()).toMatchObject({ changed: true });
});
