import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { allocateMac, MacPrefix } from '../../domain/port/mac.ts';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import { createEnvironmentOn, type Environment, portId, vlan } from './environment.ts';

/** Port ids whose search for a free MAC begins at the same address. */
function collidingPortIds(): [string, string] {
  const seen = new Map<string, string>();
  for (let number = 1; ; number += 1) {
    const id = portId(number);
    const mac = allocateMac(MacPrefix.parse('02:00:00'), id, () => false) ?? '';
    const other = seen.get(mac);
    if (other !== undefined) return [other, id];
    seen.set(mac, id);
  }
}

describe('two hosts on one management node', () => {
  let simulator: Simulator;
  let hosts: Environment[];
  beforeAll(async () => {
    simulator = await startSimulator({ hosts: 2, guests: 12, release: '6.3' });
    hosts = await Promise.all([1, 2, 1, 2].map((number) => createEnvironmentOn(simulator, number)));
  });
  afterAll(async () => {
    await Promise.all(hosts.map((host) => host.close()));
    await simulator.close();
  });
  const at = (index: number): Environment => {
    const host = hosts[index];
    if (host === undefined) throw new Error('no such host');
    return host;
  };
  const macs = () =>
    simulator.mn.tables
      .list('mac')
      .flatMap((row) => (row.mac ?? '').split('|'))
      .map((entry) => entry.split('!')[0]);

  test('wire, change and unwire guests of the same number side by side, each on its own z/VM', async () => {
    const network = vlan(101);
    await Promise.all(
      [0, 1].map((index) =>
        at(index).run('attachNic', {
          userid: `LNX${index + 1}0001`,
          ports: [{ portId: portId(1 + index), vswitch: 'VSW1', network }],
        }),
      ),
    );
    await at(0).run('changeVlan', { userid: 'LNX10001', portId: portId(1), network: vlan(102) });
    expect((await at(0).guest('LNX10001')).granted).toEqual({ VSW1: [102] });
    expect((await at(1).guest('LNX20001')).granted).toEqual({ VSW1: [101] });
    const recorded = simulator.mn.tables.list('switch').map((row) => `${row.node} ${row.vlan} ${row.comments}`);
    expect(recorded.toSorted()).toEqual(['lnx10001 102 zhcp1', 'lnx20001 101 zhcp2']);
    await at(0).run('deletePort', { userid: 'LNX10001', portId: portId(1) });
    expect(simulator.mn.tables.list('switch').map((row) => row.node)).toEqual(['lnx20001']);
    expect((await at(1).guest('LNX20001')).nics).toHaveLength(1);
  });

  test('never give one address twice, though several workers choose at the same moment', async () => {
    const pair = collidingPortIds();
    const created = await Promise.all(
      [0, 1].map((index) =>
        at(index).run('createPort', {
          userid: `LNX${index + 1}0002`,
          portId: pair[index],
          vswitch: 'VSW1',
          network: vlan(5),
        }),
      ),
    );
    const [one, other] = created.map(({ ports }) => ports[0]?.mac);
    expect(one).not.toBe(other);
    const many = Array.from({ length: 16 }, (_, index) => index);
    await Promise.all(
      many.map((index) =>
        at(index % 4).run('createPort', {
          userid: `LNX${(index % 2) + 1}00${String(3 + Math.floor(index / 2)).padStart(2, '0')}`,
          portId: portId(1_000 + index),
          vswitch: 'VSW2',
          network: vlan(6),
        }),
      ),
    );
    const all = macs();
    expect(all.length).toBeGreaterThanOrEqual(18);
    expect(new Set(all).size).toBe(all.length);
  });

  test('a freed address is not the next one that is given', async () => {
    const userid = 'LNX10001';
    const port = { userid, vswitch: 'VSW1', network: vlan(8) };
    const { ports } = await at(0).run('createPort', { ...port, portId: portId(2_001) });
    await at(0).run('deletePort', { userid, portId: portId(2_001) });
    const next = await at(0).run('createPort', { ...port, portId: portId(2_002) });
    expect(next.ports[0]?.mac).not.toBe(ports[0]?.mac);
    await at(0).run('deletePort', { userid, portId: portId(2_002) });
  });

  test('a guest of the other host is refused, with the reason', async () => {
    const input = { userid: 'LNX20001', portId: portId(9), vswitch: 'VSW1', network: vlan(5) };
    await expect(at(0).run('createPort', input)).rejects.toMatchObject({
      cause: { message: expect.stringContaining('belongs to zhcp2') },
    });
  });
});

test('two management nodes know nothing of each other, and work side by side', async () => {
  const simulators = await Promise.all([
    startSimulator({ hosts: 1, release: '6.3' }),
    startSimulator({ hosts: 1, release: '6.3' }),
  ]);
  const hosts = await Promise.all(simulators.map((simulator) => createEnvironmentOn(simulator, 1)));
  try {
    const port = { userid: 'LNX10001', ports: [{ portId: portId(1), vswitch: 'VSW1', network: vlan(4094) }] };
    const [one, other] = await Promise.all(hosts.map((host) => host.run('attachNic', port)));
    expect(one?.ports[0]?.mac).toBe(other?.ports[0]?.mac);
    await hosts[0]?.run('deletePort', { userid: 'LNX10001', portId: portId(1) });
    expect((await hosts[0]?.guest('LNX10001'))?.nics).toEqual([]);
    expect((await hosts[1]?.guest('LNX10001'))?.nics).toMatchObject([{ vdev: '1000', vlans: [4094] }]);
  } finally {
    await Promise.all(hosts.map((host) => host.close()));
    await Promise.all(simulators.map((simulator) => simulator.close()));
  }
});
