import { afterEach, expect, it } from 'vitest';
import { harness } from './harness.ts';

type Started = Awaited<ReturnType<typeof harness>>;
let current: Started | null = null;
afterEach(async () => {
  await current?.close();
  current = null;
});

async function start(options: Parameters<typeof harness>[0] = {}): Promise<Started> {
  current = await harness(options);
  return current;
}

const SET = ['Virtual_Network_Vswitch_Set_Extended', '-T', 'ZHCP1', '-k', 'switch_name=VSW1'];
const ON = 'LNX10001';
const OFF = 'LNX10002';

async function grant(sim: Started, userid: string, vlan: number, ...more: string[]) {
  return sim.smcli(...SET, '-k', `grant_userid=${userid}`, '-k', `user_vlan_id=${vlan}`, ...more);
}

async function plug(sim: Started, userid: string) {
  const nic = ['-k', 'image_device_number=1000', '-k', 'adapter_type=QDIO', '-k', 'mac_id=112233'];
  await sim.smcli('Virtual_Network_Adapter_Create_Extended', '-T', userid, ...nic);
  return sim.smcli('Virtual_Network_Adapter_Connect_Vswitch', '-T', userid, '-v', '1000', '-n', 'VSW1');
}

function nics(sim: Started, userid: string) {
  return sim.simulator.mn.systems[0]?.guest(userid)?.nics.map(({ mac, vswitch, vlans }) => ({ mac, vswitch, vlans }));
}

const MAC = '02-00-00-11-22-33';

it('couples only an authorised guest and only once.', async () => {
  const sim = await start();
  expect(await plug(sim, ON)).toContain('Reason Code: 8');
  await grant(sim, ON, 200);
  expect(await plug(sim, ON)).toContain('... Done');
  expect(nics(sim, ON)).toEqual([{ mac: MAC, vswitch: 'VSW1', vlans: [200] }]);
  expect(await plug(sim, ON)).toContain('Reason Code: 20');
  expect(await plug(sim, OFF)).toContain('Reason Code: 12');
});

it('drops the live NICs of a user who is granted again.', async () => {
  const sim = await start();
  await grant(sim, ON, 200);
  await plug(sim, ON);
  await grant(sim, ON, 201);
  expect(nics(sim, ON)).toEqual([{ mac: MAC, vswitch: null, vlans: [] }]);
  expect(await sim.control('GET', '/events?since=0')).toContainEqual(
    expect.objectContaining({ type: 'uncoupled', why: 'regrant' }),
  );
});

it('refuses to grant again when told to, and then keeps the NICs.', async () => {
  const sim = await start({ regrant: 'reject' });
  await grant(sim, ON, 200);
  await plug(sim, ON);
  expect(await grant(sim, ON, 201)).toContain('Reason Code: 44');
  expect(nics(sim, ON)?.[0]?.vswitch).toBe('VSW1');
});

it('keeps a connection and its VLANs after a revoke.', async () => {
  const sim = await start();
  await grant(sim, ON, 200);
  await plug(sim, ON);
  expect(await sim.smcli(...SET, '-k', `revoke_userid=${ON}`)).toContain('Done');
  expect(nics(sim, ON)).toEqual([{ mac: MAC, vswitch: 'VSW1', vlans: [200] }]);
});

const NICDEF = 'NICDEF=VDEV=1000 TYPE=QDIO MACID=112233 LAN=SYSTEM SWITCHNAME=VSW1';

it('couples at logon only where the guest is authorised.', async () => {
  const sim = await start();
  expect(await sim.smcli('Image_Definition_Update_DM', '-T', OFF, '-k', NICDEF)).toContain('Done');
  await sim.control('POST', `/systems/zhcp1/guests/${OFF}/logon`);
  expect(nics(sim, OFF)).toEqual([{ mac: MAC, vswitch: null, vlans: [] }]);
  await sim.control('POST', `/systems/zhcp1/guests/${OFF}/logoff`);
  await grant(sim, OFF, 7);
  await sim.control('POST', `/systems/zhcp1/guests/${OFF}/logon`);
  expect(nics(sim, OFF)).toEqual([{ mac: MAC, vswitch: 'VSW1', vlans: [7] }]);
});

it('loses at a re-IPL the grants that are not persistent, and changes its IPL time only then.', async () => {
  const sim = await start();
  await grant(sim, ON, 5);
  await grant(sim, OFF, 6, '-k', 'persist=YES');
  const before = await sim.smcli('System_Info_Query');
  const ipl = (text: string) => text.split('\n')[4];
  expect(ipl(await sim.smcli('System_Info_Query'))).toBe(ipl(before));
  await sim.control('POST', '/systems/zhcp1/ipl');
  expect(ipl(await sim.smcli('System_Info_Query'))).not.toBe(ipl(before));
  expect([...(sim.simulator.mn.systems[0]?.vswitch('VSW1')?.authorisations.keys() ?? [])]).toEqual([OFF]);
});

it('stores a directory adapter once and refuses overlaps, locks and concurrent updates.', async () => {
  const sim = await start({ directoryMs: 1_000 });
  const update = (text: string) => sim.smcli('Image_Definition_Update_DM', '-T', ON, '-k', text);
  const both = await Promise.all([update(NICDEF), update(NICDEF.replace('1000', '2000'))]);
  expect(both.filter((text) => text.includes('Return Code: 400\n  Reason Code: 12'))).toHaveLength(1);
  const taken = sim.simulator.mn.systems[0]?.guest(ON)?.nicdefs[0]?.vdev ?? '';
  expect(await update(NICDEF.replace('1000', taken.replace(/0$/, '2')))).toContain(
    'Return Code: 404\n  Reason Code: 4',
  );
  await sim.control('POST', `/systems/zhcp1/guests/${ON}/lock`);
  expect(await sim.smcli('Virtual_Network_Adapter_Delete_DM', '-T', ON, '-v', taken)).toContain('Reason Code: 12');
  expect(await sim.smcli('Image_Query_DM', '-T', ON)).toContain(
    `NICDEF ${taken} TYPE QDIO LAN SYSTEM VSW1 MACID 112233`,
  );
});

it('gives ports of a port-based VSWITCH each its VLAN.', async () => {
  const sim = await start();
  const set = ['Virtual_Network_Vswitch_Set_Extended', '-T', 'ZHCP1', '-k', 'switch_name=VSWPORT'];
  expect(await sim.smcli(...set, '-k', `portnum=7 ${ON}`, '-k', 'user_vlan_id=70')).toContain('Done');
  await plug(sim, ON);
  const link = ['-k', 'image_device_number=1000', '-k', 'switch_name=VSWPORT', '-k', 'port_selection=7'];
  expect(await sim.smcli('Virtual_Network_Adapter_Connect_Vswitch_Extended', '-T', ON, ...link)).toContain('Done');
  expect(nics(sim, ON)).toEqual([{ mac: MAC, vswitch: 'VSWPORT', vlans: [70] }]);
});

it('shows the MAC prefixes and the extended form of a VSWITCH.', async () => {
  const sim = await start();
  expect(JSON.stringify(await sim.dsh('zhcp1', 'vmcp q vmlan'))).toContain(
    'zhcp1:   MACADDR Prefix: 020001 USER Prefix: 020000\\n',
  );
  await sim.smcli(...SET, '-k', `grant_userid=${ON}`);
  const text = await sim.smcli('Virtual_Network_Vswitch_Query_Extended', '-T', 'ZHCP1', '-k', 'switch_name=vsw1');
  expect(text.split('\n').filter((line) => line.startsWith(' '))).toHaveLength(22);
  expect(text).toContain(
    `port_num: 0000\ngrant_userid: ${ON}\npromiscuous_mode: NOPROM\nosd_sim: NOOSDSIM\nvlan_count: 1\nuser_vlan_id: 0001`,
  );
});

it('answers an injected status, and an injected return code, as often as asked.', async () => {
  const sim = await start();
  await sim.control('POST', '/faults', {
    match: { path: '/version' },
    action: { kind: 'status', status: 503 },
    times: 1,
  });
  expect((await sim.call('GET', '/version')).status).toBe(503);
  expect((await sim.call('GET', '/version')).status).toBe(200);
  const action = { kind: 'smapi', function: 'Virtual_Network_Vswitch_Set_Extended', userid: ON, rc: 400, rs: 12 };
  await sim.control('POST', '/faults', { action, times: 1 });
  expect(await grant(sim, OFF, 5)).toContain('Done');
  expect(await grant(sim, ON, 5)).toMatch(/configuration \.\.\. Failed\n {2}Return Code: 400/);
  expect(await grant(sim, ON, 5)).toContain('Done');
});

it('acts before it drops a connection after the fact, and not when it drops it before.', async () => {
  const sim = await start();
  const put = (port: string) => sim.call('PUT', '/tables/switch', [`switch.node=a switch.port=${port}`]);
  await sim.control('POST', '/faults', { match: { command: 'p-1' }, action: { kind: 'drop', when: 'before' } });
  await sim.control('POST', '/faults', { match: { command: 'p-2' }, action: { kind: 'drop', when: 'after' } });
  await expect(put('p-1')).rejects.toThrow();
  await expect(put('p-2')).rejects.toThrow();
  expect(sim.simulator.mn.tables.list('switch').map((row) => row.port)).toEqual(['p-2']);
});

it('holds a request until its rule is removed and then lets it take effect.', async () => {
  const sim = await start();
  const { id } = (await sim.control('POST', '/faults', {
    match: { method: 'PUT' },
    action: { kind: 'hold', when: 'before' },
  })) as { id: string };
  const held = sim.call('PUT', '/tables/switch', ['switch.node=a switch.port=p-1']);
  await expect.poll(() => sim.control('GET', '/faults')).toMatchObject([{ id, hits: 1, held: 1 }]);
  expect(sim.simulator.mn.tables.list('switch')).toEqual([]);
  await sim.control('DELETE', `/faults/${id}`);
  expect((await held).status).toBe(200);
  expect(sim.simulator.mn.tables.list('switch')).toHaveLength(1);
});
