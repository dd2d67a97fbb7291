import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readHostView } from '../../client/read-state.ts';
import { createEnvironment, type Environment, failureOf, portId, vlan } from './environment.ts';
import { startRun } from './start.ts';

let zvm: Environment;
beforeAll(async () => {
  zvm = await createEnvironment({ guests: 40 });
});
afterAll(() => zvm.close());

const tables = () => zvm.simulator.mn.tables;
const HCP = 'zhcp1.zvm.example';
const rowsOf = (userid: string) =>
  tables()
    .list('switch')
    .filter(({ node }) => node?.toUpperCase() === userid);
const macsOf = (userid: string) =>
  tables()
    .list('mac')
    .filter(({ node }) => node?.toUpperCase() === userid);

async function reconcile(host = zvm) {
  const run = await startRun(host.client, 'reconcileHost', { host: host.host, intervalSeconds: 1, sweepSeconds: 1 });
  return run.result();
}

/** All ports of that id that the host shows. */
async function shown(port: string, host = zvm) {
  const { guests } = await readHostView(host.client, host.host);
  return guests.flatMap(({ userid, ports }) => ports.filter(({ portId: id }) => id === port).map(() => userid));
}

describe('a userid that two nodes stand for', () => {
  test('has a port, recorded under the second, once: it is not written again, and is shown once', async () => {
    const userid = 'LNX10018';
    const port = portId(181);
    await zvm.run('attachNic', { userid, ports: [{ portId: port, vswitch: 'VSW1', network: vlan(100) }] });
    const [row] = rowsOf(userid);
    tables().put('zvm', { node: userid, hcp: HCP, userid });
    tables().replace(
      'switch',
      [
        ...tables()
          .list('switch')
          .filter((each) => each !== row),
        ...tables()
          .list('switch')
          .filter((each) => each.port === port)
          .map((each) => ({ ...each, node: userid })),
      ].filter((each) => each.node !== 'lnx10018'),
    );
    expect(rowsOf(userid).map(({ node }) => node)).toEqual([userid]);

    expect(await shown(port)).toEqual([userid]);
    const again = await zvm.run('createPort', { userid, portId: port, vswitch: 'VSW1', network: vlan(100) });
    expect(rowsOf(userid)).toHaveLength(1);
    expect(again.ports).toHaveLength(1);
    expect(again.steps.filter((step) => step.includes('record port'))).toEqual([]);
    await zvm.run('changeVlan', { userid, portId: port, network: vlan(101) });
    expect(rowsOf(userid)).toMatchObject([{ node: userid, vlan: '101' }]);
    await zvm.run('deletePort', { userid, portId: port });
    expect(rowsOf(userid)).toEqual([]);
  });

  test('has a port that is recorded under both made one again', async () => {
    const userid = 'LNX10019';
    const port = portId(191);
    await zvm.run('attachNic', { userid, ports: [{ portId: port, vswitch: 'VSW1', network: vlan(100) }] });
    const [row = {}] = rowsOf(userid);
    tables().put('zvm', { node: userid, hcp: HCP, userid });
    tables().replace('switch', [...tables().list('switch'), { ...row, node: userid }]);
    expect(await shown(port)).toEqual([userid]);
    expect(await reconcile()).toMatchObject({ failed: 0 });
    expect(rowsOf(userid)).toHaveLength(1);
    expect((await zvm.guest(userid)).nics).toMatchObject([{ vswitch: 'VSW1', vlans: [100] }]);
    tables().replace('switch', [...tables().list('switch'), { ...row, node: userid }]);
    await zvm.run('deletePort', { userid, portId: port });
    expect(rowsOf(userid)).toEqual([]);
    expect((await zvm.guest(userid)).granted).toEqual({});
  });

  test('keeps ports under both with their addresses', async () => {
    const userid = 'LNX10021';
    const ports = [1, 2].map((each) => ({ portId: portId(210 + each), vswitch: 'VSW1', network: vlan(100) }));
    await zvm.run('attachNic', { userid, ports });
    const [, second = {}] = rowsOf(userid);
    const [mac] = macsOf(userid).map((row) => row.mac ?? '');
    const [firstMac = '', secondMac = ''] = (mac ?? '').split('|');
    tables().put('zvm', { node: userid, hcp: HCP, userid });
    tables().replace('switch', [
      ...tables()
        .list('switch')
        .filter((row) => row.port !== second.port),
      { ...second, node: userid },
    ]);
    tables().replace('mac', [
      ...tables()
        .list('mac')
        .filter((row) => row.node !== 'lnx10021'),
      { node: 'lnx10021', mac: firstMac },
      { node: userid, mac: secondMac.replace('lnx10021', userid) },
    ]);
    const before = macsOf(userid);
    expect(await reconcile()).toMatchObject({ drifted: 0, failed: 0 });
    await zvm.run('changeVlan', { userid, portId: portId(211), network: vlan(100) });
    expect(macsOf(userid)).toEqual(before);
    expect(rowsOf(userid).map(({ node }) => node)).toEqual(['lnx10021', userid]);
    await zvm.run('deletePort', { userid, portId: portId(212) });
    expect(rowsOf(userid).map(({ node }) => node)).toEqual(['lnx10021']);
    expect(macsOf(userid)).toEqual(before.filter(({ node }) => node !== userid));
  });
});

describe('a zHCP that stands in the row of a group', () => {
  /** The `hcp` of a guest moves from its own row to that of a group. */
  function inGroup(node: string, groups: string, rows: Record<string, string>[]): void {
    tables().put('zvm', { node, userid: node.toUpperCase() });
    tables().put('nodelist', { node, groups });
    for (const row of rows) tables().put('zvm', row);
  }

  for (const [number, title, groups, rows] of [
    [31, 'all', 'all', [{ node: 'all', hcp: HCP }]],
    [
      32,
      'the first of several that has one',
      'linux,zvmguests,other',
      [
        { node: 'zvmguests', hcp: HCP },
        { node: 'other', hcp: 'zhcp9.zvm.example' },
      ],
    ],
    [33, 'one that makes it of the node name', 'made', [{ node: 'made', hcp: '|^.*$|zhcp1.zvm.example|' }]],
  ] as const)
    test(`counts, of ${title}`, async () => {
      const node = `lnx100${number}`;
      const userid = node.toUpperCase();
      inGroup(
        node,
        groups,
        rows.map((row) => ({ ...row })),
      );
      await zvm.run('attachNic', {
        userid,
        ports: [{ portId: portId(number * 10), vswitch: 'VSW1', network: vlan(100) }],
      });
      expect((await zvm.guest(userid)).granted).toEqual({ VSW1: [100] });
      expect(await shown(portId(number * 10))).toEqual([userid]);
      expect(await reconcile()).toMatchObject({ drifted: 0, failed: 0 });
    });

  test("gives way to the node's own, and a guest without one is refused by name", async () => {
    inGroup('lnx10034', 'nowhere', []);
    const port = { portId: portId(341), vswitch: 'VSW1', network: vlan(100) };
    expect(await failureOf(zvm.run('createPort', { userid: 'LNX10034', ...port }))).toMatchObject({
      type: 'Refused',
      message: expect.stringContaining('guest LNX10034 belongs to no zHCP'),
    });
    tables().put('zvm', { node: 'others', hcp: 'zhcp9.zvm.example' });
    tables().put('nodelist', { node: 'lnx10035', groups: 'others' });
    await zvm.run('createPort', { userid: 'LNX10035', ...port, portId: portId(351) });
    expect(rowsOf('LNX10035')).toHaveLength(1);
  });
});
