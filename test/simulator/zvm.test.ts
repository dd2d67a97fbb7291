import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { harness } from './harness.ts';

let sim: Awaited<ReturnType<typeof harness>>;
beforeAll(async () => {
  sim = await harness({ hosts: 1, guests: 6 });
});
afterAll(() => sim.close());

const SET = ['Virtual_Network_Vswitch_Set_Extended', '-T', 'ZHCP1', '-k', 'switch_name=VSWPORT', '-k'];
const ON = 'LNX10001';
const events = async () => (await sim.control('GET', '/events?since=0')) as { type: string; vlans?: number[] }[];

describe('a port-based VSWITCH', () => {
  it('changes the VLAN of a coupled NIC’s port without dropping it, and keeps an access port on one VLAN.', async () => {
    expect(await sim.smcli(...SET, `portnum=17 ${ON}`, '-k', 'user_vlan_id=100')).toContain('Done');
    await sim.smcli(
      'Virtual_Network_Adapter_Create_Extended',
      '-T',
      ON,
      '-k',
      'image_device_number=1000',
      '-k',
      'adapter_type=QDIO',
    );
    const couple = ['Virtual_Network_Adapter_Connect_Vswitch_Extended', '-T', ON, '-k', 'image_device_number=1000'];
    expect(await sim.smcli(...couple, '-k', 'switch_name=VSWPORT', '-k', 'port_selection=17')).toContain('Done');
    const before = (await events()).length;
    expect(await sim.smcli(...SET, 'vlan_port_add=200 17')).toContain('Reason Code: 2838');
    expect(await sim.smcli(...SET, 'vlan_port_add=200 17', '-k', 'vlan_port_remove=100 17')).toContain('Done');
    const since = (await events()).slice(before).filter(({ type }) => !['http', 'smcli'].includes(type));
    expect(since).toMatchObject([{ type: 'vlans-changed', vlans: [200] }]);
  });

  it('logs the new VLAN of a port without a coupled NIC, and nothing when it is the same.', async () => {
    expect(await sim.smcli(...SET, `portnum=18 ${ON}`, '-k', 'user_vlan_id=100')).toContain('Done');
    const before = (await events()).length;
    expect(await sim.smcli(...SET, 'vlan_port_add=200 18', '-k', 'vlan_port_remove=100 18')).toContain('Done');
    expect(await sim.smcli(...SET, 'vlan_port_add=200 18')).toContain('Done');
    const since = (await events()).slice(before).filter(({ type }) => !['http', 'smcli'].includes(type));
    expect(since).toMatchObject([{ type: 'vlans-changed', userid: ON, vswitch: 'VSWPORT', port: 18, vlans: [200] }]);
    expect(since[0]).not.toHaveProperty('vdev');
  });

  it('takes no grant by userid, and a user-based one no port numbers.', async () => {
    expect(await sim.smcli(...SET, `grant_userid=${ON}`)).toContain('Reason Code: 2838');
    const userBased = SET.map((word) => word.replace('VSWPORT', 'VSW1'));
    expect(await sim.smcli(...userBased, `portnum=17 ${ON}`)).toContain('Reason Code: 2838');
  });
});

describe('uplinks', () => {
  it('fail over to the next one, and all failed shows in state and error of each.', async () => {
    const query = () => sim.smcli('Virtual_Network_Vswitch_Query_Extended', '-T', 'ZHCP1', '-k', 'switch_name=VSW1');
    await sim.smcli(...SET.map((word) => word.replace('VSWPORT', 'VSW1')), 'real_device_address=a3 6266');
    expect(await query()).toMatch(
      /real_device_address: 00A3[\s\S]*device_status: 1[\s\S]*real_device_address: 6266[\s\S]*device_status: 2/,
    );
    await sim.control('POST', '/systems/zhcp1/vswitches/VSW1/uplinks/00A3/fail');
    expect(await query()).toMatch(
      /switch_status: 8[\s\S]*device_status: 0[\s\S]*device_error_status 6[\s\S]*device_status: 1/,
    );
    await sim.control('POST', '/systems/zhcp1/vswitches/VSW1/uplinks/6266/fail');
    expect(await query()).toContain('switch_status: 7');
    await sim.control('POST', '/systems/zhcp1/vswitches/VSW1/uplinks/00A3/restore');
    expect(await query()).toMatch(/real_device_address: 00A3[\s\S]*device_status: 1/);
  });
});

describe('settings that the model has no state for', () => {
  it.each(['lacp=ACTIVE', 'vepa=ON', 'mac_id=112233'])('are an error: %s', async (operand) => {
    expect(await sim.smcli(...SET, operand)).toContain('Failed');
  });

  it.each([
    ['port_isolation=ON', 'isolation_status: ISOLATION'],
    ['MAC_protect=ON', 'MAC_protect: MACPROTECT'],
    ['queue_memory_limit=4', 'queue_memory_limit: 4'],
    ['gvrp_value=GVRP', 'gvrp_request_attribute: GVRP'],
  ])('unlike %s', async (operand, shown) => {
    expect(await sim.smcli(...SET, operand)).toContain('Done');
    expect(
      await sim.smcli('Virtual_Network_Vswitch_Query_Extended', '-T', 'ZHCP1', '-k', 'switch_name=VSWPORT'),
    ).toContain(shown);
  });
});

it('a VSWITCH with all ports in use refuses another NIC (212/52).', async () => {
  const small = await harness({ hosts: 1, guests: 3, maxPorts: 1 });
  const results: string[] = [];
  for (const userid of ['LNX10001', 'LNX10003']) {
    await small.smcli(
      'Virtual_Network_Vswitch_Set_Extended',
      '-T',
      'ZHCP1',
      '-k',
      'switch_name=VSW1',
      '-k',
      `grant_userid=${userid}`,
    );
    await small.smcli('Virtual_Network_Adapter_Create', '-T', userid, '-v', '1000', '-t', '2', '-d', '3');
    results.push(
      await small.smcli('Virtual_Network_Adapter_Connect_Vswitch', '-T', userid, '-v', '1000', '-n', 'VSW1'),
    );
  }
  await small.close();
  expect(results[0]).toContain('Done');
  expect(results[1]).toMatch(/Return Code: 212[\s\S]*Reason Code: 52/);
});

it('asynchronous DirMaint accepts with 592, holds the user locked, and carries the change out later.', async () => {
  const slow = await harness({ hosts: 1, guests: 1, directoryAsync: true, directoryMs: 2_000 });
  const define = ['Virtual_Network_Adapter_Create_DM', '-T', 'LNX10001', '-a', '2', '-n', '3', '-v'];
  expect(await slow.smcli(...define, '1000')).toMatch(/Started\n[\s\S]*Return Code: 592/);
  expect(await slow.smcli(...define, '1003')).toMatch(/Return Code: 400\n[\s\S]*Reason Code: 12/);
  await expect.poll(() => slow.smcli('Image_Query_DM', '-T', 'LNX10001')).toContain('NICDEF 1000');
  await slow.close();
});
