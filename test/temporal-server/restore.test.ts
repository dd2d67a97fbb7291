import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import { zvmnet, zvmnetJson } from '../cli/command.ts';
import { startProgram } from '../program.ts';
import { createNamespace, iniOf, useProductionServer } from './production-server.ts';

const SOON = { timeout: 120_000, interval: 500 };
const theServer = useProductionServer('a restored Temporal');

/** The control API of a simulator. */
async function asked(simulator: Simulator, path: string, method = 'GET'): Promise<unknown> {
  return (await fetch(new URL(`/simulator/${path}`, simulator.url), { method })).json();
}

const State = z.object({ tables: z.object({ switch: z.array(z.object({ node: z.string().nullable() })) }) });

/** How many ports of a guest are recorded. */
async function portsOf(simulator: Simulator, userid: string): Promise<number> {
  const { tables } = State.parse(await asked(simulator, 'state'));
  return tables.switch.filter(({ node }) => node === userid.toLowerCase()).length;
}

const Events = z.array(z.looseObject({ type: z.string() }));

test('operations that were open at the dump do not go on by themselves: a port that was deleted since is not made again', async (context) => {
  const { env, start, kill, createDatabases, dump, restore } = theServer(context);
  const simulator = await startSimulator({ hosts: 1, guests: 6, release: '6.3' });
  const folder = await mkdtemp(join(tmpdir(), 'restored-'));
  onTestFinished(async () => {
    await simulator.close();
    await rm(folder, { recursive: true });
  });
  await writeFile(join(folder, 'zvm.ini'), iniOf(simulator.url, 'polling_interval = 5\nreconcile_mode = repair\n'));
  const control = (path: string) => asked(simulator, path, 'POST');
  await createDatabases();
  await start();
  await createNamespace(theServer(context));
  const startWorker = () =>
    startProgram('workers/worker.ts', ['--config-file', join(folder, 'zvm.ini')], {
      ...env,
      ZVM_STATE_DIRECTORY: folder,
    });
  let worker = startWorker();
  const hosts = async () => (await zvmnetJson(['hosts'], env)).hosts;
  await expect.poll(hosts, SOON).toMatchObject([{ host: 'zvm1', workers: 1 }]);
  const create = (userid: string) => [
    'port',
    'create',
    '--guest',
    userid,
    '--vswitch',
    'VSW1',
    '--vlan',
    '100',
    '--host',
    'zvm1',
  ];
  const shown = async (id: string) => (await zvmnet(['ops', 'show', id], env)).out;

  // Under load: other guests are wired while the databases are dumped.
  await control('systems/zhcp1/guests/LNX10001/lock');
  const { id } = await zvmnetJson([...create('LNX10001'), '--no-wait'], env);
  await expect.poll(() => shown(id), SOON).toContain('locked by another change');
  const load = Promise.all(['LNX10002', 'LNX10003', 'LNX10004'].map((userid) => zvmnet(create(userid), env)));
  await dump();
  expect((await load).map(({ code }) => code)).toEqual([0, 0, 0]);

  await control('systems/zhcp1/guests/LNX10001/unlock');
  await expect.poll(() => shown(id), SOON).not.toContain('locked by another change');
  await expect.poll(async () => (await zvmnetJson(['ops', 'show', id], env)).state, SOON).toBe('completed');
  const [port] = (await zvmnetJson(['ops', 'show', id], env)).result.ports;
  expect((await zvmnet(['port', 'delete', port.portId, '--host', 'zvm1'], env)).code).toBe(0);
  expect((await zvmnet(create('LNX10005'), env)).code).toBe(0);
  await worker.end('SIGTERM');
  await kill();

  await restore();
  await start();
  const seen = Events.parse(await asked(simulator, 'events?since=0')).length;
  worker = startWorker();
  await expect
    .poll(hosts, SOON)
    .toMatchObject([{ workers: 1, hold: { reason: expect.stringContaining('older dump') } }]);
  await expect.poll(async () => (await zvmnetJson(['restore', 'list'], env)).operations, SOON).toMatchObject([{ id }]);
  expect(await portsOf(simulator, 'LNX10001')).toBe(0);
  expect((await zvmnet(['restore', 'end', id], env)).code).toBe(0);
  await expect.poll(async () => (await zvmnetJson(['ops', 'show', id], env)).state, SOON).not.toBe('running');
  expect(Events.parse(await asked(simulator, `events?since=${seen}`)).filter(isWrite)).toEqual([]);

  expect((await zvmnet(['restore', 'finish'], env)).code).toBe(0);
  expect((await zvmnet(create('LNX10006'), env)).code).toBe(0);
  expect(await portsOf(simulator, 'LNX10001')).toBe(0);
  expect(await portsOf(simulator, 'LNX10005')).toBe(1);
  expect(await worker.end('SIGTERM'), worker.said()).toBe(0);
});

/** SMAPI's functions that write, and changes of xCAT's tables. */
function isWrite({ type, argv, method, path }: { type: string; [field: string]: unknown }): boolean {
  if (type === 'smcli') return !/Query|^Image_Status/.test(String(Array.isArray(argv) ? argv[0] : ''));
  return type === 'makehosts' || (type === 'http' && method !== 'GET' && !String(path).endsWith('/dsh'));
}
