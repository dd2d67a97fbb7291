import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { canRunNova, spawnByNova } from '../../demo/feilong/nova.ts';
import { feilongIsHere } from '../backend/feilong/feilong-world.ts';
import { type Cloud, createCloud, neutronIsHere } from './real-neutron.ts';

const MINUTE = 60_000;
const isHere = neutronIsHere && feilongIsHere && canRunNova();
if (!isHere) process.stderr.write('SKIPPED: no Nova here, and no Python 3 with venv to install it, or no Neutron\n');

/**
 * Nova's in-tree driver as it is released, Feilong's own server and a stock neutron-server: the guest is registered, its NICs get the ids of their ports,
 * this project couples them, Neutron's ports become ACTIVE, and only then the guest is started.
 */
describe.skipIf(!isHere)("with Nova's own z/VM driver", { timeout: 10 * MINUTE }, () => {
  let cloud: Cloud;
  beforeAll(async () => {
    cloud = await createCloud({ guests: 6, feilong: true });
  }, 15 * MINUTE);
  afterAll(() => cloud?.close(), 2 * MINUTE);

  const off = async (userid: string) => {
    await cloud.environment.control('POST', `systems/zhcp1/guests/${userid}/logoff`).catch(() => undefined);
  };
  const spawn = async (userid: string, networks: readonly string[], timeoutSeconds: number) => {
    const { api } = cloud.openstack;
    const ports = await api.createPorts(
      networks.map((networkId) => ({ networkId, host: cloud.host, deviceId: `instance-of-${userid}` })),
    );
    const { url } = cloud.feilong ?? expect.fail('no Feilong');
    const outcome = await spawnByNova({
      ...{ feilongUrl: url, neutronUrl: api.url, userid, ports, timeoutSeconds },
      say: () => {},
    });
    return { outcome, ports, guest: await cloud.environment.guest(userid) };
  };

  test('the guest is started when its ports are right, and not before', async () => {
    const { api } = cloud.openstack;
    const userid = 'LNX10001';
    await off(userid);
    const networks = [
      await api.createNetwork({ physicalNetwork: 'physnet1', segmentationId: 1001 }),
      await api.createNetwork({ physicalNetwork: 'physnet2', segmentationId: 1002 }),
    ];
    const { outcome, ports, guest } = await spawn(userid, networks, 120);
    expect(outcome).toBe('started');
    const mac = (index: number) => ports[index]?.mac_address.toUpperCase().replaceAll(':', '-');
    expect(guest.nics.map((nic) => ({ ...nic, mac: nic.mac.toUpperCase() }))).toMatchObject([
      { vdev: '1000', vswitch: 'VSW1', vlans: [1001], mac: mac(0) },
      { vdev: '1003', vswitch: 'VSW2', vlans: [1002], mac: mac(1) },
    ]);
    const events = (await cloud.environment.events()).filter((event) => event.userid === userid);
    const types = events.map(({ type }) => type);
    expect(types.lastIndexOf('granted')).toBeLessThan(types.lastIndexOf('logon'));
    expect(types.lastIndexOf('entry-replaced')).toBeLessThan(types.lastIndexOf('logon'));
  });

  test('the guest is not started while a port cannot be had', async () => {
    const userid = 'LNX10003';
    await off(userid);
    // A port-based VSWITCH, which Feilong cannot manage: the host has no such network.
    const network = await cloud.openstack.api.createNetwork({ physicalNetwork: 'physport', segmentationId: 1003 });
    const { outcome, ports } = await spawn(userid, [network], 10);
    expect(outcome).toBe('not plugged');
    const events = (await cloud.environment.events()).filter((event) => event.userid === userid);
    const types = events.map(({ type }) => type);
    expect(types.slice(types.lastIndexOf('logoff'))).not.toContain('logon');
    expect((await cloud.openstack.api.port(ports[0]?.id ?? '')).status).not.toBe('ACTIVE');
  });
});
