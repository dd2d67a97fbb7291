import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { currentDetails } from '../../client/operations.ts';
import { PortId } from '../../domain/text/identifiers.ts';
import { StateReporter } from '../../neutron/state-reporter.ts';
import { startRun } from '../workflows/start.ts';
import { pluginOn } from './plugin-on.ts';
import { becomes, type Cloud, createCloud, neutronIsHere } from './real-neutron.ts';
import { expectStatus, lastWord } from './why.ts';

const MINUTE = 60_000;
const ovsAgent = (host: string) => ({
  agent_type: 'Open vSwitch agent',
  binary: 'neutron-openvswitch-agent',
  host,
  topic: 'N/A',
  configurations: { bridge_mappings: { physnet1: 'br-ex' } },
});

describe.skipIf(!neutronIsHere)('with a stock neutron-server', { timeout: 5 * MINUTE }, () => {
  let cloud: Cloud;
  beforeAll(async () => {
    cloud = await createCloud({ hosts: 2, guests: 66 });
  }, 10 * MINUTE);
  afterAll(() => cloud?.close(), 2 * MINUTE);

  const guest = (userid: string) => cloud.environment.guest(userid);
  const nic = async (userid: string, mac: string) => (await guest(userid)).nics.find((each) => asMac(each.mac) === mac);
  const asMac = (text: string) => text.toLowerCase().replaceAll('-', ':');
  const isBare = async (userid: string) => {
    const { rows, granted, directory, nics } = await guest(userid);
    return rows.length + Object.keys(granted).length + directory.length + nics.length === 0;
  };
  const reconcile = async () => {
    const run = await startRun(cloud.environment.client, 'reconcileHost', { host: cloud.host, last: cloud.last() });
    const result = await run.result();
    cloud.remember(result);
    return result;
  };

  test('a report by a clock that is behind is ignored by the server, and this is said', async () => {
    const { api, close } = await pluginOn(cloud.openstack.rabbit.transportUrl);
    expect(await api.reportState(ovsAgent('late'), new Date(0), MINUTE)).toBeUndefined();
    const said: string[] = [];
    const hear = (_context: unknown, message: string) => said.push(message);
    const reporter = new StateReporter(
      { reportState: (state, _now, timeoutMs) => api.reportState(state, new Date(0), timeoutMs) },
      {
        host: 'late',
        bridgeMappings: {},
        plugsIntoVswitch: true,
        intervalMs: MINUTE,
        log: { info: () => {}, warn: () => {}, error: hear },
        isReachable: () => true,
        onRevived: () => {},
      },
    );
    await reporter.start();
    reporter.stop();
    await close();
    expect(said.join()).toContain('clock of this machine is behind');
    expect((await cloud.openstack.api.agents()).map(({ host }) => host)).not.toContain('late');
  });

  test('the agent is listed as a living Open vSwitch agent', async () => {
    expect(await cloud.openstack.api.agents()).toContainEqual({
      host: cloud.host,
      alive: true,
      binary: 'neutron-zvm-agent',
      agent_type: 'Open vSwitch agent',
    });
  });

  test('a port on a VLAN is wired, taken down and up, moved to another VLAN and deleted', async () => {
    const { api } = cloud.openstack;
    const userid = 'LNX10001';
    const networkId = await api.createNetwork({ physicalNetwork: 'physnet1', segmentationId: 1001 });
    const port = await api.createPort({ networkId, host: cloud.host, deviceId: userid });
    expect(port['binding:vif_type']).toBe('vhostuser');
    await expectStatus(cloud, port.id, 'ACTIVE');
    expect((await guest(userid)).granted).toEqual({ VSW1: [1001] });
    expect((await guest(userid)).rows).toMatchObject([{ port: port.id, switch: 'VSW1', vlan: '1001' }]);
    expect(await nic(userid, port.mac_address)).toMatchObject({ vswitch: 'VSW1' });

    await api.updatePort(port.id, { adminStateUp: false });
    await expectStatus(cloud, port.id, 'DOWN');
    expect((await nic(userid, port.mac_address))?.vswitch ?? null).toBeNull();

    await api.updatePort(port.id, { adminStateUp: true });
    await expectStatus(cloud, port.id, 'ACTIVE');
    expect(await nic(userid, port.mac_address)).toMatchObject({ vswitch: 'VSW1' });

    await api.changeSegmentationId(networkId, 1002);
    expect(await becomes(async () => (await guest(userid)).granted.VSW1?.[0] === 1002)).toBe(true);
    expect(await becomes(async () => (await nic(userid, port.mac_address))?.vswitch === 'VSW1')).toBe(true);
    expect((await api.port(port.id)).status).toBe('ACTIVE');

    await api.deletePort(port.id);
    expect(await becomes(() => isBare(userid))).toBe(true);
    await api.deleteNetwork(networkId);
  });

  test('a port on a flat network is wired without a VLAN', async () => {
    const { api } = cloud.openstack;
    const networkId = await api.createNetwork({ physicalNetwork: 'physflat' });
    const port = await api.createPort({ networkId, host: cloud.host, deviceId: 'lnx10011' });
    await expectStatus(cloud, port.id, 'ACTIVE');
    expect((await guest('LNX10011')).granted).toEqual({ VSWFLAT: [] });
    expect(await nic('LNX10011', port.mac_address)).toMatchObject({ vswitch: 'VSWFLAT' });
  });

  test('a port of a guest that is logged off is ACTIVE once its next logon will couple it', async () => {
    const { api } = cloud.openstack;
    const networkId = await api.createNetwork({ physicalNetwork: 'physnet1', segmentationId: 1005 });
    const port = await api.createPort({ networkId, host: cloud.host, deviceId: 'LNX10002' });
    await expectStatus(cloud, port.id, 'ACTIVE');
    const { granted, directory, loggedOn } = await guest('LNX10002');
    expect({ granted, loggedOn }).toEqual({ granted: { VSW1: [1005] }, loggedOn: false });
    const macid = port.mac_address.slice(9).replaceAll(':', '').toUpperCase();
    expect(directory).toMatchObject([{ vswitch: 'VSW1', macid }]);
  });

  test('a changed address of a port ends with a NIC of that address', async () => {
    const { api } = cloud.openstack;
    const networkId = await api.createNetwork({ physicalNetwork: 'physnet1', segmentationId: 1010 });
    const port = await api.createPort({ networkId, host: cloud.host, deviceId: 'LNX10003' });
    await expectStatus(cloud, port.id, 'ACTIVE');
    await api.updatePort(port.id, { host: '' });
    expect(await becomes(() => isBare('LNX10003'))).toBe(true);
    await api.updatePort(port.id, { mac: '02:00:00:aa:bb:cc' });
    await api.updatePort(port.id, { host: cloud.host });
    expect(await becomes(async () => (await nic('LNX10003', '02:00:00:aa:bb:cc'))?.vswitch === 'VSW1')).toBe(true);
    await expectStatus(cloud, port.id, 'ACTIVE');
  });

  test('a port that is unbound, or bound to another host, leaves nothing behind', async () => {
    const { api } = cloud.openstack;
    const networkId = await api.createNetwork({ physicalNetwork: 'physnet1', segmentationId: 1020 });
    const [unbound, moved] = await Promise.all([
      api.createPort({ networkId, host: cloud.host, deviceId: 'LNX10004' }),
      api.createPort({ networkId, host: cloud.host, deviceId: 'LNX10005' }),
    ]);
    await expectStatus(cloud, unbound.id, 'ACTIVE');
    await expectStatus(cloud, moved.id, 'ACTIVE');
    await api.updatePort(unbound.id, { host: '' });
    await api.updatePort(moved.id, { host: 'another-host' });
    expect(await becomes(() => isBare('LNX10004'))).toBe(true);
    expect(await becomes(() => isBare('LNX10005'))).toBe(true);
  });

  test("a port that is bound anew to another z/VM host's guest moves there, and back", async () => {
    const { api } = cloud.openstack;
    const [other] = cloud.others;
    if (other === undefined) throw new Error('no second host');
    const networkId = await api.createNetwork({ physicalNetwork: 'physnet1', segmentationId: 1021 });
    const port = await api.createPort({ networkId, host: cloud.host, deviceId: 'LNX10005' });
    await expectStatus(cloud, port.id, 'ACTIVE');
    await api.updatePort(port.id, { host: other.host, deviceId: 'LNX20001' });
    // The second host is refused the address while the first has it, and gets it at its next reconciliation.
    const isThere = async () => {
      await (await startRun(cloud.environment.client, 'reconcileHost', { host: other.host })).result();
      return (await other.guest('LNX20001')).granted.VSW1?.[0] === 1021;
    };
    expect(await becomes(isThere)).toBe(true);
    expect(await becomes(() => isBare('LNX10005'))).toBe(true);
    await expectStatus(cloud, port.id, 'ACTIVE');
    await api.updatePort(port.id, { host: cloud.host, deviceId: 'LNX10005' });
    expect(await becomes(async () => (await other.guest('LNX20001')).rows.length === 0)).toBe(true);
    await reconcile();
    expect(await becomes(async () => (await nic('LNX10005', port.mac_address))?.vswitch === 'VSW1')).toBe(true);
    await expectStatus(cloud, port.id, 'ACTIVE');
    await api.deletePort(port.id);
    expect(await becomes(() => isBare('LNX10005'))).toBe(true);
  });

  test('live migration: while the port is prepared elsewhere nothing changes; once it is active there nothing is left here', async () => {
    const { api, rabbit } = cloud.openstack;
    const elsewhere = await pluginOn(rabbit.transportUrl);
    await elsewhere.api.reportState(ovsAgent('kvm1'), new Date(), MINUTE);
    await elsewhere.close();
    const networkId = await api.createNetwork({ physicalNetwork: 'physnet1', segmentationId: 1022 });
    const port = await api.createPort({ networkId, host: cloud.host, deviceId: 'LNX10001' });
    await expectStatus(cloud, port.id, 'ACTIVE');
    await api.post(`ports/${port.id}/bindings`, { binding: { host: 'kvm1' } });
    await reconcile();
    expect((await api.port(port.id)).status).toBe('ACTIVE');
    expect(await nic('LNX10001', port.mac_address)).toMatchObject({ vswitch: 'VSW1' });
    await api.put(`ports/${port.id}/bindings/kvm1/activate`);
    expect(await becomes(() => isBare('LNX10001'))).toBe(true);
    // The server has removed the binding here and does not bind the port again by itself.
    await api.put(`ports/${port.id}/bindings/${cloud.host}/activate`);
    await reconcile();
    expect(await becomes(async () => (await nic('LNX10001', port.mac_address))?.vswitch === 'VSW1')).toBe(true);
    await expectStatus(cloud, port.id, 'ACTIVE');
    await api.deletePort(port.id);
    expect(await becomes(() => isBare('LNX10001'))).toBe(true);
  });

  test('a second port that needs another VLAN of a user-based VSWITCH is not ACTIVE, and the reason is told; the first stays', async () => {
    const { api } = cloud.openstack;
    const networks = await Promise.all(
      [1030, 1031].map((segmentationId) => api.createNetwork({ physicalNetwork: 'physnet1', segmentationId })),
    );
    const first = await api.createPort({ networkId: networks[0] ?? '', host: cloud.host, deviceId: 'LNX10006' });
    await expectStatus(cloud, first.id, 'ACTIVE');
    const second = await api.createPort({ networkId: networks[1] ?? '', host: cloud.host, deviceId: 'LNX10006' });
    const told = async () => JSON.stringify(await lastWord(cloud));
    expect(await becomes(async () => (await told()).includes(second.id))).toBe(true);
    expect(await told()).toContain('user-based');
    expect((await api.port(second.id)).status).toBe('DOWN');
    expect((await api.port(first.id)).status).toBe('ACTIVE');
    expect((await guest('LNX10006')).granted).toEqual({ VSW1: [1030] });
    await api.deletePort(second.id);
    expect((await reconcile()).failures.map(({ about }) => about)).not.toContainEqual({
      kind: 'port',
      portId: second.id,
    });
  });

  test('several NICs of a guest on different networks become ACTIVE', async () => {
    const { api } = cloud.openstack;
    const networks = await Promise.all([
      api.createNetwork({ physicalNetwork: 'physnet1', segmentationId: 1040 }),
      api.createNetwork({ physicalNetwork: 'physnet2', segmentationId: 1041 }),
      api.createNetwork({ physicalNetwork: 'physport', segmentationId: 1042 }),
      api.createNetwork({ physicalNetwork: 'physport', segmentationId: 1043 }),
    ]);
    const ports = await api.createPorts(
      networks.map((networkId) => ({ networkId, host: cloud.host, deviceId: 'LNX10007' })),
    );
    for (const port of ports) await expectStatus(cloud, port.id, 'ACTIVE');
    expect((await guest('LNX10007')).nics.map((each) => each.vswitch).toSorted()).toEqual([
      'VSW1',
      'VSW2',
      'VSWPORT',
      'VSWPORT',
    ]);
  });

  test('a port of a physical network that is not mapped fails to bind at once, and neither z/VM nor the port is touched', async () => {
    const { api } = cloud.openstack;
    const networkId = await api.createNetwork({ physicalNetwork: 'elsewhere' });
    const port = await api.createPort({ networkId, host: cloud.host, deviceId: 'LNX10008' });
    expect(port['binding:vif_type']).toBe('binding_failed');
    const before = await api.get(`ports/${port.id}`);
    // Messages arrive in order: once this port is wired, the messages of that one have arrived.
    const mapped = await api.createNetwork({ physicalNetwork: 'physnet2', segmentationId: 1044 });
    const next = await api.createPort({ networkId: mapped, host: cloud.host, deviceId: 'LNX10008' });
    await expectStatus(cloud, next.id, 'ACTIVE');
    expect(await api.get(`ports/${port.id}`)).toEqual(before);
    await api.deletePort(next.id);
    expect(await becomes(() => isBare('LNX10008'))).toBe(true);
    await api.deletePort(port.id);
  });

  test("a port of an instance that Nova has not yet written to xCAT's table is wired once it has, without a reconciliation", async () => {
    const { api } = cloud.openstack;
    const networkId = await api.createNetwork({ physicalNetwork: 'physnet1', segmentationId: 1050 });
    const port = await api.createPort({ networkId, host: cloud.host, deviceId: randomUUID() });
    const details = () => currentDetails(cloud.environment.client, `neutron/${cloud.host}`);
    expect(await becomes(async () => (await details())?.includes(port.id) === true)).toBe(true);
    expect((await api.port(port.id)).status).toBe('DOWN');
    const { tables } = cloud.environment.simulator.mn;
    tables.put('switch', { node: 'lnx10009', port: port.id, interface: '1000', comments: 'zhcp1' });
    await expectStatus(cloud, port.id, 'ACTIVE');
    expect(await nic('LNX10009', port.mac_address)).toMatchObject({ vswitch: 'VSW1' });
  });

  test('a status that another program has set wrong while the agent is down is put right by the next reconciliation; ports that are ACTIVE stay so', async () => {
    const { api, rabbit } = cloud.openstack;
    const networkId = await api.createNetwork({ physicalNetwork: 'physnet1', segmentationId: 1055 });
    const [wrong, right] = await api.createPorts(
      ['LNX10063', 'LNX10065'].map((deviceId) => ({ networkId, host: cloud.host, deviceId })),
    );
    if (wrong === undefined || right === undefined) throw new Error('no ports');
    for (const { id } of [wrong, right]) await expectStatus(cloud, id, 'ACTIVE');
    await cloud.stopAgent();
    await reconcile();
    const before = await api.get(`ports/${right.id}`);
    const other = await pluginOn(rabbit.transportUrl);
    const id = PortId.parse(wrong.id);
    const spoil = [
      () => other.api.report(cloud.host, { up: [], down: [id] }),
      () => other.api.bind(cloud.host, [id]),
      () => other.api.report(cloud.host, { up: [], down: [id] }),
    ];
    for (const [index, change] of spoil.entries()) {
      await change();
      expect((await api.port(id)).status).toBe(['DOWN', 'BUILD', 'DOWN'][index]);
      expect((await reconcile()).reported).toEqual({ up: 1, down: 0 });
      expect((await api.port(id)).status).toBe('ACTIVE');
    }
    expect((await reconcile()).reported).toEqual({ up: 0, down: 0 });
    expect(await api.get(`ports/${right.id}`)).toEqual(before);
    await other.close();
    await cloud.dropMessages();
    await cloud.startAgent();
    for (const { id: portId } of [wrong, right]) await api.deletePort(portId);
    expect(await becomes(() => isBare('LNX10063'))).toBe(true);
  });

  test('a port that was deleted in Neutron while no agent ran is undone by reconciliation, and one that Neutron never had is left', async () => {
    const { api } = cloud.openstack;
    const networkId = await api.createNetwork({ physicalNetwork: 'physnet1', segmentationId: 1060 });
    const port = await api.createPort({ networkId, host: cloud.host, deviceId: 'LNX10010' });
    await expectStatus(cloud, port.id, 'ACTIVE');
    await reconcile();
    await cloud.environment.run('createPort', {
      userid: 'LNX10062',
      portId: randomUUID(),
      vswitch: 'VSW1',
      network: { type: 'vlan', segmentationId: 1061 },
    });
    await cloud.stopAgent();
    await cloud.dropMessages();
    await api.deletePort(port.id);
    await cloud.dropMessages();
    await reconcile();
    expect(await isBare('LNX10010')).toBe(true);
    expect((await guest('LNX10062')).rows).toHaveLength(1);
    await cloud.startAgent();
  });

  test(
    '200 ports at once become ACTIVE; a second full synchronisation and ten reconciliations then show no BUILD',
    async () => {
      const { api } = cloud.openstack;
      const physical = ['physnet1', 'physnet2', 'physport', 'physport'];
      const networks = await Promise.all(
        physical.map((physicalNetwork, index) => api.createNetwork({ physicalNetwork, segmentationId: 1100 + index })),
      );
      const wanted = Array.from({ length: 200 }, (_, index) => ({
        networkId: networks[index % 4] ?? '',
        host: cloud.host,
        deviceId: `LNX1${String(Math.floor(index / 4) + 12).padStart(4, '0')}`,
      }));
      const ports = await api.createPorts(wanted);
      const isActive = async () => {
        const now = new Map((await api.portsOf(cloud.host)).map((port) => [port.id, port.status]));
        return ports.every((port) => now.get(port.id) === 'ACTIVE');
      };
      expect(await becomes(isActive, 4 * MINUTE)).toBe(true);
      for (const port of ports) {
        const { directory, nics, loggedOn } = await guest(port.device_id);
        const macid = port.mac_address.slice(9).replaceAll(':', '').toUpperCase();
        expect(directory.map((each) => each.macid)).toContain(macid);
        const coupled = nics.filter((each) => each.vswitch !== null).map((each) => asMac(each.mac));
        if (loggedOn) expect(coupled).toContain(port.mac_address);
      }

      const watch = await cloud.watchStatuses();
      await cloud.stopAgent();
      await cloud.startAgent();
      for (let run = 0; run < 10; run += 1) expect((await reconcile()).drifted).toBe(0);
      // Once this change is observed, the earlier ones have been.
      await api.put(`ports/${ports[0]?.id}`, { port: { name: 'renamed' } });
      expect(await becomes(() => watch.seen().length > 0)).toBe(true);
      expect(watch.seen().filter((status) => status !== 'ACTIVE')).toEqual([]);
      await watch.close();
      expect(await isActive()).toBe(true);
    },
    12 * MINUTE,
  );
});
