import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createEnvironment, type Environment, portId } from '../workflows/environment.ts';
import { startOnTerminal, zvmnet, zvmnetJson } from './command.ts';

let zvm: Environment;
let env: Record<string, string> = {};
beforeAll(async () => {
  zvm = await createEnvironment({ guests: 4 });
  env = { ZVMNET_HOST: zvm.host };
});
afterAll(() => zvm.close());

const run = (...args: string[]) => zvmnet(args, env);
const create = (guest: string, number: number) =>
  run('port', 'create', '--guest', guest, '--vswitch', 'VSW1', '--vlan', '100', '--id', portId(number), '--live');

test('a terminal is asked before a port is deleted, and its undo brings the port back', async () => {
  await create('LNX10001', 1);
  const before = await zvm.guest('LNX10001');
  const refused = startOnTerminal(['port', 'delete', portId(1)], env);
  await refused.told('Carry this out? (yes/no)');
  refused.say('no');
  expect(await refused.ended).toMatchObject({ code: 7, out: expect.stringContaining('Nothing was changed.') });
  expect((await zvm.guest('LNX10001')).rows).toHaveLength(1);

  const agreed = startOnTerminal(['port', 'delete', portId(1)], env);
  await agreed.told('Carry this out? (yes/no)');
  agreed.say('yes');
  expect((await agreed.ended).code).toBe(0);
  expect((await zvm.guest('LNX10001')).rows).toEqual([]);

  const list = ['ops', 'list', '--guest', 'LNX10001', '--type', 'deletePort', '--outcome', 'changed'];
  const ids = async () => (await run(...list, '-o', 'name')).out.trim().split('\n');
  await expect.poll(ids).toEqual([expect.stringContaining('delete-port~')]);
  const [id = ''] = await ids();
  const end = id.split('~').at(-1) ?? '';
  const undone = await zvmnetJson(['ops', 'undo', end], env);
  expect(undone).toMatchObject({ type: 'restorePorts', undoes: id, outcome: 'changed' });
  expect((await zvm.guest('LNX10001')).rows).toMatchObject([{ port: portId(1), interface: before.nics[0]?.vdev }]);
  expect((await zvm.guest('LNX10001')).nics).toMatchObject([{ vdev: before.nics[0]?.vdev, mac: before.nics[0]?.mac }]);
  await expect.poll(async () => (await run('audit', '--guest', 'LNX10001')).out).toContain(`undo of ${id}`);
});

test('without a terminal an undo is refused when the port has changed since, and a plan or --force carries it out', async () => {
  await create('LNX10002', 2);
  const { id } = await zvmnetJson(['port', 'set-vlan', portId(2), '101'], env);
  await run('port', 'set-vlan', portId(2), '102');
  // The newest changes take a moment to be found.
  await expect.poll(async () => (await run('ops', 'undo', id)).err).toContain('later on the same ports: changeVlan');
  const refused = await run('ops', 'undo', id);
  expect(refused).toMatchObject({ code: 3, err: expect.stringContaining('later on the same ports: changeVlan') });
  expect(refused.out).toMatch(/VLAN 102, up; the operation left it .*VLAN 101, up/);
  expect((await run('ops', 'undo', id, '--dry-run')).out).toContain('changed since: port');
  expect((await run('ops', 'undo', id, '--force')).code).toBe(0);
  expect((await zvm.guest('LNX10002')).granted).toEqual({ VSW1: [100] });
  const again = await run('ops', 'undo', 'no-such-operation');
  expect(again.code).toBe(4);
});

test('lists have several forms, and fit a narrow terminal', async () => {
  await create('LNX10003', 3);
  expect((await run('port', 'list', '--guest', 'LNX10003', '-o', 'name')).out).toBe(`${portId(3)}\n`);
  expect((await run('port', 'list', '--guest', 'LNX10003', '-o', 'yaml')).out).toContain(`portId: ${portId(3)}`);
  const columns = await run('port', 'list', '--guest', 'LNX10003', '--columns', 'guest,vlan');
  expect(columns.out.split('\n').map((line) => line.split(/ +/))).toEqual([
    ['GUEST', 'VLAN'],
    ['LNX10003', '100'],
    [''],
  ]);
  expect(await run('port', 'list', '--columns', 'colour')).toMatchObject({
    code: 2,
    err: expect.stringContaining('the columns are port, guest'),
  });
  expect((await run('port', 'list', '-o', 'xml')).code).toBe(2);
  for (const list of [['port', 'list'], ['ops', 'list'], ['hosts'], ['vswitch', 'list']]) {
    const { out } = await startOnTerminal(list, { ...env, NO_COLOR: '1' }, 80).ended;
    const table = stripVTControlCharacters(out).split(/\r?\n/).slice(0, 2);
    expect(Math.max(...table.map((line) => line.length)), list.join(' ')).toBeLessThanOrEqual(80);
  }
});
