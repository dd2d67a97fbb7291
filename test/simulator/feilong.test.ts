import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { canRunFeilong } from '../../demo/feilong/environment.ts';
import { type Feilong, startFeilong } from '../../demo/feilong/server.ts';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';

const isHere = canRunFeilong();
if (!isHere) process.stderr.write('SKIPPED: no Feilong server here, and no Python 3 with venv to install it\n');

const PORT = '00000000-0000-4000-8000-000000000001';

/** Feilong's parsers are a second reader of what the simulator prints. */
describe.skipIf(!isHere)("Feilong's own server on the simulated z/VM", () => {
  let simulator: Simulator;
  let feilong: Feilong;
  let token: string;
  beforeAll(async () => {
    simulator = await startSimulator({ hosts: 1, guests: 4, release: '7.4' });
    feilong = await startFeilong({ simulatorUrl: simulator.url, zhcpNode: 'zhcp1', say: () => {} });
    const headers = { 'x-admin-token': feilong.token ?? '' };
    const answer = await fetch(`${feilong.url}/token`, { method: 'POST', headers });
    token = answer.headers.get('x-auth-token') ?? expect.fail('no token');
  });
  afterAll(async () => {
    await feilong?.stop();
    await simulator?.close();
  });

  const call = async (method: string, path: string, body?: object) => {
    const headers = { 'x-auth-token': token, 'content-type': 'application/json' };
    const init = body === undefined ? {} : { body: JSON.stringify(body) };
    const answer = await fetch(`${feilong.url}${path}`, { method, headers, ...init });
    const { overallRC, rc, rs, output } = JSON.parse(await answer.text());
    return { code: `${overallRC}/${rc}/${rs}`, output };
  };
  const done = { code: '0/0/0', output: '' };
  const guest = () => simulator.mn.systems[0]?.guest('LNX10001') ?? expect.fail('no guest');

  test('starts without asking for anything that smcli does not have', async () => {
    const { output } = await call('GET', '/');
    expect(output).toMatchObject({ version: '1.6.3' });
    expect(await call('GET', '/host')).toMatchObject({
      code: '0/0/0',
      output: { zcc_userid: 'ZHCP1', zvm_host: 'ZVM1', hypervisor_version: 740, vcpus: 2, memory_mb: 8_192 },
    });
    expect((await call('GET', '/host/guests')).output).toContain('LNX10004');
  });

  test('reads VSWITCHes, entries and NICs', async () => {
    expect((await call('GET', '/vswitches')).output).toContain('VSW1');
    expect((await call('GET', '/vswitches/VSW1')).output).toMatchObject({
      vlan_awareness: 'AWARE',
      vlan_id: '1',
      user_port_based: 'USERBASED',
      real_devices: { 6266: { controller: 'DTCVSW1' } },
    });
    const { output } = await call('GET', '/guests/LNX10001/user_direct');
    expect(output.user_direct).toContain('MDISK 0100 3390 1 10016 VOL001 MR');
    expect(await call('GET', '/guests/NOSUCH/user_direct')).toMatchObject({ code: '8/400/4' });
    expect(await call('GET', '/guests/LNX10001/adapters')).toMatchObject({ code: '8/212/8' });
    expect(await call('GET', '/guests/LNX10002/adapters')).toMatchObject({ code: '8/200/12' });
  });

  test('registers a guest, makes a NIC with a VLAN, couples it and takes all away', async () => {
    await call('POST', '/guests/LNX10001/action', { action: 'register_vm', meta: 'test', net_set: '1' });
    const vlan = { vswitch: { user_vlan_id: { userid: 'LNX10001', vlanid: 42 } } };
    expect(await call('PUT', '/vswitches/VSW1', vlan)).toEqual(done);
    const nic = { vdev: '1000', nic_id: PORT, mac_addr: '02:00:00:00:00:99', active: false };
    expect(await call('POST', '/guests/LNX10001/nic', { nic })).toMatchObject({ code: '0/0/0', output: '1000' });
    const couple = { couple: true, vswitch: 'VSW1', active: false, vlan_id: 42 };
    expect(await call('PUT', '/guests/LNX10001/nic/1000', { info: couple })).toEqual(done);
    expect(guest().nicdefs).toMatchObject([{ vdev: '1000', macid: '000099', lan: { name: 'VSW1' } }]);
    expect(guest().entry.records.join('\n')).toContain('VLAN 42 PORTTYPE ACCESS');
    const uncouple = { couple: false, active: false };
    expect(await call('PUT', '/guests/LNX10001/nic/1000', { info: uncouple })).toEqual(done);
    expect(await call('DELETE', '/guests/LNX10001/nic/1000', { active: false })).toEqual(done);
    expect(guest().nicdefs).toEqual([]);
  });

  test('says that there is nothing behind it once the simulated zHCP is gone, and that its own worker is', async () => {
    await feilong.killWorker();
    expect(await call('GET', '/guests')).toMatchObject({ code: '101/101/2' });
    await feilong.startWorker();
    expect(await call('GET', '/guests')).toMatchObject({ code: '0/0/0' });
  });
});
