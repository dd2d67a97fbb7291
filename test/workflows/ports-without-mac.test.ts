import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createEnvironment, type Environment, portId, vlan } from './environment.ts';
import { startRun } from './start.ts';

let zvm: Environment;
beforeAll(async () => {
  zvm = await createEnvironment({ guests: 10 });
});
afterAll(() => zvm.close());

function system() {
  const [first] = zvm.simulator.mn.systems;
  if (first === undefined) throw new Error('no z/VM');
  return first;
}

/** A port whose NIC has no MACID, and whose node no row in the `mac` table: as made by hand and recorded. */
function recordedByHand(number: number): { userid: string; port: string } {
  const userid = `LNX1000${number}`;
  const port = portId(number);
  const [vswitch, guest] = [system().vswitch('VSW1'), system().guest(userid)];
  if (vswitch === undefined || guest === undefined) throw new Error('no VSWITCH or guest');
  system().grant(vswitch, userid, { vlans: [100], portType: 'ACCESS', promiscuous: false, persist: true });
  const nicdef = { vdev: '1000', type: 'QDIO' as const, devices: 3, chpid: null, macid: null, portNumber: null };
  system().addNicdef(guest, { ...nicdef, lan: { owner: 'SYSTEM', name: 'VSW1' } }, false);
  if (guest.loggedOn) system().logoff(guest);
  system().logon(guest);
  const row = { node: userid.toLowerCase(), switch: 'VSW1', port, vlan: '100', interface: '1000', comments: 'zhcp1' };
  zvm.simulator.mn.tables.put('switch', row);
  return { userid, port };
}

const nicOf = async (userid: string) =>
  (await zvm.guest(userid)).nics.map(({ vswitch, vlans, mac }) => ({ vswitch, vlans, mac }));
const macidOf = async (userid: string) => (await zvm.guest(userid)).directory.map(({ macid }) => (macid ?? '') !== '');

describe('a recorded port whose NIC has no MAC of its own', () => {
  test('is in order, goes to another VLAN, down and up, and keeps the address that CP has given it', async () => {
    const { userid, port } = recordedByHand(1);
    const [before] = await nicOf(userid);
    const run = await startRun(zvm.client, 'reconcileHost', { host: zvm.host, intervalSeconds: 1, sweepSeconds: 1 });
    expect(await run.result()).toMatchObject({ drifted: 0, failed: 0 });

    await zvm.run('changeVlan', { userid, portId: port, network: vlan(101) });
    expect(await nicOf(userid)).toEqual([{ ...before, vlans: [101] }]);
    await zvm.run('setAdminState', { userid, portId: port, adminStateUp: false });
    expect(await nicOf(userid)).toEqual([{ ...before, vswitch: null, vlans: [] }]);
    await zvm.run('setAdminState', { userid, portId: port, adminStateUp: true });
    expect(await nicOf(userid)).toEqual([{ ...before, vlans: [101] }]);
    expect(await macidOf(userid)).toEqual([false]);
  });

  test('is detached, attached and deleted', async () => {
    const { userid, port } = recordedByHand(3);
    await zvm.run('detachNic', { userid, portIds: [port] });
    expect(await nicOf(userid)).toEqual([]);
    await zvm.run('attachNic', { userid, ports: [{ portId: port }] });
    expect(await nicOf(userid)).toMatchObject([{ vswitch: 'VSW1', vlans: [100] }]);
    await zvm.run('deletePort', { userid, portId: port });
    expect(await zvm.guest(userid)).toMatchObject({ nics: [], directory: [], granted: {}, rows: [] });
  });

  test('gets the MAC that a request gives it', async () => {
    const { userid, port } = recordedByHand(5);
    const mac = '02:00:00:00:77:01';
    await zvm.run('attachNic', { userid, ports: [{ portId: port, vswitch: 'VSW1', network: vlan(100), mac }] });
    expect(await nicOf(userid)).toMatchObject([{ vswitch: 'VSW1', mac: '02-00-00-00-77-01' }]);
    expect(await macidOf(userid)).toEqual([true]);
  });

  test('gets one when its NIC is nowhere', async () => {
    const { userid, port } = recordedByHand(7);
    const guest = system().guest(userid);
    if (guest === undefined) throw new Error('no guest');
    system().removeNic(guest, '1000');
    system().removeNicdef(guest, '1000');
    await zvm.run('attachNic', { userid, ports: [{ portId: port }] });
    expect(await nicOf(userid)).toMatchObject([{ vswitch: 'VSW1', vlans: [100] }]);
    expect(await macidOf(userid)).toEqual([true]);
  });
});
