import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { restoreSnapshot, type Snapshot, takeSnapshot } from '../../simulator/control/snapshot.ts';
import { createEnvironment, type Environment, failureOf, portId, vlan } from './environment.ts';

let zvm: Environment;
let bare: Snapshot;
beforeAll(async () => {
  zvm = await createEnvironment({ guests: 6 }, true, { makeDns: true });
  bare = takeSnapshot(zvm.simulator.mn);
});
beforeEach(() => restoreSnapshot(zvm.simulator.mn, bare));
afterAll(() => zvm.close());

const hosts = () => zvm.simulator.mn.tables.list('hosts');
const rowOf = (node: string) => hosts().find((row) => row.node === node);
const hostsFile = () => zvm.simulator.mn.files.get('/etc/hosts') ?? '';
const create = (userid: string, number: number, vswitch: string, more: object = {}) =>
  zvm.run('createPort', { userid, portId: portId(number), vswitch, network: vlan(7), ...more });

/** Three ports of one guest, with an address each. */
async function createThree(): Promise<void> {
  await create('LNX10001', 1, 'VSW1', { address: '10.7.0.11' });
  await create('LNX10001', 2, 'VSW2', { address: '10.7.0.12', hostname: 'db-1' });
  await create('LNX10001', 3, 'VSWPORT', { address: 'fd00::13' });
}

describe('fixed addresses and names', () => {
  test('of the first NIC stand under the name of the node, of others under their own or the vdev', async () => {
    await createThree();
    expect(rowOf('lnx10001')).toEqual({
      node: 'lnx10001',
      ip: '10.7.0.11',
      hostnames: 'lnx10001',
      otherinterfaces: 'db-1:10.7.0.12,-1006!fd00::13',
      comments: 'zhcp1!1000!1003!1006',
    });
    expect(hostsFile()).toContain('10.7.0.11 lnx10001 lnx10001.zvm.example\n10.7.0.12 db-1 db-1.zvm.example\n');
    expect(hostsFile()).toContain('fd00::13 lnx10001-1006 ');
  });

  test('go into the DNS too where that is configured', async () => {
    await createThree();
    expect((await zvm.events()).some((event) => event.type === 'makedns')).toBe(true);
  });

  test('are in the answer, and repeated nothing changes', async () => {
    await createThree();
    const { changed, ports } = await create('LNX10001', 2, 'VSW2', { address: '10.7.0.12', hostname: 'db-1' });
    expect({ changed, ports }).toMatchObject({ changed: false, ports: [{ address: '10.7.0.12', hostname: 'db-1' }] });
  });

  test('leave with their port: row, names and the first one moving up', async () => {
    await createThree();
    await zvm.run('deletePort', { userid: 'LNX10001', portId: portId(1) });
    expect(rowOf('lnx10001')).toMatchObject({ ip: '10.7.0.12', hostnames: 'db-1', comments: 'zhcp1!1003!1006' });
    expect(hostsFile()).not.toContain('10.7.0.11');
    await zvm.run('deletePort', { userid: 'LNX10001', portId: portId(2) });
    await zvm.run('deletePort', { userid: 'LNX10001', portId: portId(3) });
    expect(rowOf('lnx10001')).toBeUndefined();
    expect(hostsFile()).not.toMatch(/10\.7\.0|fd00/);
  });

  test.each([
    ['an address that another guest has', { address: '10.7.1.1' }, 'address'],
    ['a name without an address', { hostname: 'web' }, 'hostname'],
    ['an address that is none', { address: '10.7.1' }, 'address'],
    ['a name with a dot', { address: '10.7.1.2', hostname: 'a.b' }, 'hostname'],
  ])('%s is refused', async (_case, more, field) => {
    await create('LNX10002', 4, 'VSW1', { address: '10.7.1.1' });
    const failure = await failureOf(create('LNX10003', 5, 'VSW1', more));
    expect(failure).toMatchObject({ type: 'Refused', details: [[{ field }]] });
    await zvm.run('deletePort', { userid: 'LNX10002', portId: portId(4) });
  });

  test('of several guests at once share a makehosts', async () => {
    const making = await zvm.hold({ path: '/networks/makehosts' });
    const since = (await zvm.events()).at(-1)?.seq ?? 0;
    const userids = ['LNX10001', 'LNX10002', 'LNX10003', 'LNX10004'];
    const creating = Promise.all(
      userids.map((userid, index) => create(userid, 10 + index, 'VSW1', { address: `10.7.2.${index}` })),
    );
    await making.reached();
    await expect.poll(() => userids.every((userid) => rowOf(userid.toLowerCase()) !== undefined)).toBe(true);
    await making.release();
    await creating;
    expect(hostsFile().match(/10\.7\.2\./g)).toHaveLength(4);
    const made = (await zvm.events(since)).filter((event) => event.type === 'makehosts');
    expect(made.length).toBeLessThan(4);
  });
});

describe("Nova's row of the `hosts` table", () => {
  test('about the same address is taken over, and gone with the port', async () => {
    zvm.simulator.mn.tables.put('hosts', { node: 'lnx10005', ip: '10.7.3.5', hostnames: 'lnx10005' });
    await create('LNX10005', 20, 'VSW1', { address: '10.7.3.5' });
    expect(rowOf('lnx10005')).toMatchObject({ ip: '10.7.3.5', comments: 'zhcp1!1000' });
    await zvm.run('deletePort', { userid: 'LNX10005', portId: portId(20) });
    expect(rowOf('lnx10005')).toBeUndefined();
  });

  test('about another one is left alone', async () => {
    const row = { node: 'lnx10006', ip: '10.7.3.6', hostnames: 'lnx10006' };
    zvm.simulator.mn.tables.put('hosts', row);
    await create('LNX10006', 21, 'VSW1', { address: '10.7.3.7' });
    expect(rowOf('lnx10006')).toEqual(row);
    await zvm.run('deletePort', { userid: 'LNX10006', portId: portId(21) });
    expect(rowOf('lnx10006')).toEqual(row);
  });
});

test('names that a dropped connection kept from being written are written after all', async () => {
  const fault = { match: { path: '/networks/makehosts' }, action: { kind: 'drop', when: 'before' }, times: 1 };
  await zvm.control('POST', 'faults', fault);
  await create('LNX10005', 30, 'VSW2', { address: '10.7.4.1' });
  expect(hostsFile()).toContain('10.7.4.1 lnx10005 ');
});
