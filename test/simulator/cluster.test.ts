import { expect, test } from 'vitest';
import { ACCESS, dnaHarness } from './dna.ts';
import { harness } from './harness.ts';

type State = { systems: Record<string, { guests: Record<string, { loggedOn: boolean; nics: object[] }> }> };
const QUICK = { clusterIntervalMs: 0 };

async function cluster(options = {}) {
  const sim = await dnaHarness({ hosts: 2, ssi: true, release: '7.4', ...QUICK, ...options });
  const on = async (member: string, userid: string) => {
    const state = (await sim.control('GET', '/state')) as State;
    return state.systems[member]?.guests[userid];
  };
  const relocate = (userid: string, from: string, to: string) =>
    sim.control('POST', `/systems/${from}/guests/${userid}/relocate/${to}`);
  return { ...sim, on, relocate };
}

test('members have one directory: an entry changed on one is changed on all, and locked on all', async () => {
  const sim = await cluster();
  const on = (member: string, argv: string) => sim.dsh(member, `/opt/zhcp/bin/smcli ${argv}`);
  await on('zhcp2', 'Virtual_Network_Adapter_Create_DM -T LNX10002 -v 1000 -a 2 -n 3');
  expect(await sim.entryOf('LNX10002')).toContain('NICDEF 1000');
  await on('zhcp2', 'Image_Lock_DM -T LNX10002');
  expect(await sim.smcli('Image_Lock_DM', '-T', 'LNX10002')).toMatch(/Return Code: 400\n {2}Reason Code: 12/);
  await sim.close();
});

test('a guest runs on one member, and the others say that it is elsewhere', async () => {
  const sim = await cluster();
  expect(await sim.on('zhcp2', 'LNX10001')).toMatchObject({ loggedOn: false });
  const [element] = await sim.dsh('zhcp2', 'vmcp q LNX10001');
  expect(element?.data).toEqual(['zhcp2: LNX10001 - SSI']);
  await sim.control('POST', '/systems/zhcp2/guests/LNX10001/logon');
  expect(await sim.on('zhcp2', 'LNX10001')).toMatchObject({ loggedOn: false });
  const [answer] = await sim.dsh('zhcp2', '/opt/zhcp/bin/smcli Virtual_Network_Adapter_Query -T LNX10001 -v "*"');
  expect(JSON.stringify(answer)).toContain('Return Code: 200');
  await sim.close();
});

test('relocation takes NICs along that the directory authorises, with their VLANs and MACs', async () => {
  const sim = await cluster();
  const { nics } = await sim.logonWith('LNX10001', `NICDEF 1000 ${ACCESS} VLAN 100`, 'NICDEF 1003 TYPE QDIO');
  expect(nics).toMatchObject([{ vlans: [100] }, { vswitch: null }]);
  await sim.relocate('LNX10001', 'zhcp1', 'zhcp2');
  expect(await sim.on('zhcp1', 'LNX10001')).toMatchObject({ loggedOn: false, nics: [] });
  const there = await sim.on('zhcp2', 'LNX10001');
  expect(there?.nics).toMatchObject(nics.map(({ vdev, mac, vlans, vswitch }) => ({ vdev, mac, vlans, vswitch })));
  const events = (await sim.control('GET', '/events?since=0')) as { type: string }[];
  expect(events).toContainEqual(expect.objectContaining({ type: 'relocated', userid: 'LNX10001', to: 'zhcp2' }));
  await sim.close();
});

test('grants are of a member: without one there, nothing is relocated', async () => {
  const sim = await cluster({ release: '6.3' });
  await sim.set('VSW1', 'grant_userid=LNX10001', 'user_vlan_id=7');
  await sim.logonWith('LNX10001', `NICDEF 1000 ${ACCESS}`);
  expect(await sim.relocate('LNX10001', 'zhcp1', 'zhcp2')).toEqual({
    error: 'NIC 1000 is not authorised on the destination',
  });
  expect(await sim.on('zhcp1', 'LNX10001')).toMatchObject({ loggedOn: true, nics: [{ vlans: [7] }] });
  const grant = '-k switch_name=VSW1 -k grant_userid=LNX10001 -k user_vlan_id=7';
  await sim.dsh('zhcp2', `/opt/zhcp/bin/smcli Virtual_Network_Vswitch_Set_Extended -T ZHCP2 ${grant}`);
  await sim.relocate('LNX10001', 'zhcp1', 'zhcp2');
  expect(await sim.on('zhcp2', 'LNX10001')).toMatchObject({ loggedOn: true, nics: [{ vlans: [7] }] });
  await sim.close();
});

test('a VSWITCH that the destination does not have keeps a guest where it is', async () => {
  const sim = await cluster();
  await sim.logonWith('LNX10001', `NICDEF 1000 ${ACCESS} VLAN 100`);
  await sim.dsh('zhcp2', '/opt/zhcp/bin/smcli Virtual_Network_Vswitch_Delete -T ZHCP2 -n VSW1');
  expect(await sim.relocate('LNX10001', 'zhcp1', 'zhcp2')).toEqual({
    error: 'VSWITCH VSW1 is not defined on the destination',
  });
  await sim.close();
});

test('an IDENTITY runs on several members, each with the NICs of its SUBCONFIG, and does not relocate', async () => {
  const sim = await cluster();
  const records = [
    'IDENTITY LNX10001 LBYONLY9 2G 8G G',
    'BUILD ON ZVM1 USING SUBCONFIG FIRST',
    'BUILD ON ZVM2 USING SUBCONFIG SECOND',
  ];
  await sim.control('POST', '/systems/zhcp1/guests/LNX10001/logoff');
  await sim.control('POST', '/systems/zhcp1/guests/LNX10001/directory', { records });
  for (const [name, vlan] of [
    ['FIRST', 10],
    ['SECOND', 20],
  ])
    await sim.control('POST', `/systems/zhcp1/subconfigs/${name}`, {
      statements: [`NICDEF 1000 ${ACCESS} VLAN ${vlan}`],
    });
  for (const member of ['zhcp1', 'zhcp2']) await sim.control('POST', `/systems/${member}/guests/LNX10001/logon`);
  expect(await sim.on('zhcp1', 'LNX10001')).toMatchObject({ loggedOn: true, nics: [{ vlans: [10] }] });
  expect(await sim.on('zhcp2', 'LNX10001')).toMatchObject({ loggedOn: true, nics: [{ vlans: [20] }] });
  expect(await sim.relocate('LNX10001', 'zhcp1', 'zhcp2')).toEqual({ error: 'LNX10001 is an IDENTITY' });
  expect(await sim.entryOf('SECOND')).toMatch(/^SUBCONFIG SECOND\s+NICDEF 1000/);
  await sim.close();
});

test('systems that are no cluster share nothing', async () => {
  const sim = await harness({ hosts: 2, guests: 1 });
  const state = (await sim.control('GET', '/state')) as State;
  expect(Object.keys(state.systems.zhcp2?.guests ?? {})).toEqual(['LNX20001']);
  expect(await sim.control('POST', '/systems/zhcp1/guests/LNX10001/relocate/zhcp2')).toHaveProperty('error');
  await sim.close();
});
