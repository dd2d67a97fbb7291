import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startReconcileHost } from '../../client/start-operation.ts';
import { NeutronRest } from '../../neutron/rest-client.ts';
import { startAgentProcess } from './agent-process.ts';
import { DhcpAgent } from './dhcp-agent.ts';
import { pluginOn } from './plugin-on.ts';
import { becomes, type Cloud, createCloud, neutronIsHere } from './real-neutron.ts';
import { expectStatus } from './why.ts';

const MINUTE = 60_000;

describe.skipIf(!neutronIsHere)('with a stock neutron-server whose parts fail', () => {
  let cloud: Cloud;
  beforeAll(async () => {
    cloud = await createCloud({
      guests: 40,
      agentDownSeconds: 6,
      durable: true,
      configured: { dhcpUserid: 'LNX10039', dhcpHost: 'dhcpnode1' },
    });
  }, 10 * MINUTE);
  afterAll(() => cloud?.close(), 2 * MINUTE);

  const guest = (userid: string) => cloud.environment.guest(userid);
  const isBare = async (userid: string) => {
    const { rows, granted, directory } = await guest(userid);
    return rows.length + Object.keys(granted).length + directory.length === 0;
  };
  let vlan = 2000;
  const newPort = async (userid: string) => {
    vlan += 1;
    const networkId = await cloud.openstack.api.createNetwork({ physicalNetwork: 'physnet1', segmentationId: vlan });
    return cloud.openstack.api.createPort({ networkId, host: cloud.host, deviceId: userid });
  };
  const isAlive = async () =>
    (await cloud.openstack.api.agents()).find(({ host }) => host === cloud.host)?.alive === true;

  test(
    'Neutron read by REST is Neutron read by RPC',
    async () => {
      const port = await newPort('LNX10001');
      await expectStatus(cloud, port.id, 'ACTIVE');
      const rest = new NeutronRest({ url: cloud.openstack.api.url, auth: { strategy: 'noauth' }, timeoutMs: 30_000 });
      const plugin = await pluginOn(cloud.openstack.rabbit.transportUrl);
      try {
        expect(await rest.portsOfHost(cloud.host)).toEqual(await plugin.api.portsOfHost(cloud.host));
        const [byRpc] = await plugin.api.ports([port.id as never]);
        const [byRest] = await rest.ports([port.id as never]);
        expect({ ...byRest, segment: byRpc?.segment }).toEqual(byRpc);
        expect(await rest.networks([port.network_id])).toEqual(await plugin.api.networks([port.network_id]));
      } finally {
        await plugin.close();
        await rest.close();
      }
    },
    MINUTE,
  );

  test(
    'while a DHCP agent serves the network, a wired port is in BUILD until that agent is ready, and is not reported over and over',
    async () => {
      const { api } = cloud.openstack;
      const dhcp = await DhcpAgent.start(cloud.openstack.rabbit.transportUrl, 'dhcp-elsewhere');
      try {
        vlan += 1;
        const networkId = await api.createNetwork({ physicalNetwork: 'physnet1', segmentationId: vlan });
        await dhcp.host(api, networkId);
        const port = await api.createPort({ networkId, host: cloud.host, deviceId: 'LNX10003' });
        expect(await becomes(async () => (await guest('LNX10003')).nics[0]?.vswitch === 'VSW1')).toBe(true);
        const client = cloud.environment.client;
        const first = await (await startReconcileHost(client, { host: cloud.host })).result();
        const { memory, failures } = first;
        const second = await (
          await startReconcileHost(client, { host: cloud.host, last: { memory, failures } })
        ).result();
        expect(second.reported).toEqual({ up: 0, down: 0 });
        expect((await api.port(port.id)).status).not.toBe('ACTIVE');
        await dhcp.ready(port.id);
        await expectStatus(cloud, port.id, 'ACTIVE');
      } finally {
        await dhcp.close();
      }
    },
    MINUTE,
  );

  test(
    "a port of the DHCP agent's on the DHCP node, for which this agent reports too, is bound and the node's guest gets its NICs",
    async () => {
      const { api } = cloud.openstack;
      vlan += 1;
      const networkId = await api.createNetwork({ physicalNetwork: 'physnet1', segmentationId: vlan });
      const port = await api.createPort({
        networkId,
        host: 'dhcpnode1',
        deviceId: `dhcp-${networkId}`,
        deviceOwner: 'network:dhcp',
      });
      expect(port['binding:vif_type']).toBe('ovs');
      expect(await becomes(async () => (await guest('LNX10039')).nics.some((nic) => nic.vswitch === 'VSW1'))).toBe(
        true,
      );
      await expectStatus(cloud, port.id, 'ACTIVE');
      await api.deletePort(port.id);
    },
    MINUTE,
  );

  test(
    'the broker is restarted: the agent comes back, and ports made and deleted meanwhile end as they should',
    async () => {
      const { api, rabbit } = cloud.openstack;
      const before = await newPort('LNX10005');
      await expectStatus(cloud, before.id, 'ACTIVE');
      await rabbit.restart();
      const after = await newPort('LNX10007').catch(() => newPort('LNX10007'));
      await expectStatus(cloud, after.id, 'ACTIVE', MINUTE);
      await api.deletePort(before.id);
      expect(await becomes(() => isBare('LNX10005'), MINUTE)).toBe(true);
      expect(await becomes(isAlive)).toBe(true);
    },
    4 * MINUTE,
  );

  test(
    'neutron-server is restarted: the agent goes on, and ports keep their status',
    async () => {
      const { api } = cloud.openstack;
      const before = await newPort('LNX10009');
      await expectStatus(cloud, before.id, 'ACTIVE');
      await cloud.openstack.restartServer();
      expect((await api.port(before.id)).status).toBe('ACTIVE');
      expect(await becomes(isAlive, MINUTE)).toBe(true);
      const after = await newPort('LNX10011');
      await expectStatus(cloud, after.id, 'ACTIVE', MINUTE);
    },
    4 * MINUTE,
  );

  test(
    'the agent is killed: what Neutron says meanwhile waits for it, ports that could not be bound are, and deleted ones are undone',
    async () => {
      const { api } = cloud.openstack;
      await cloud.stopAgent();
      const first = await startAgentProcess(cloud);
      expect(await becomes(isAlive, MINUTE)).toBe(true);
      const [kept, deleted] = await Promise.all([newPort('LNX10013'), newPort('LNX10015')]);
      await expectStatus(cloud, kept.id, 'ACTIVE');
      await expectStatus(cloud, deleted.id, 'ACTIVE');
      await first.kill();
      await api.deletePort(deleted.id);
      expect(await becomes(async () => !(await isAlive()), MINUTE)).toBe(true);
      const unbound = await newPort('LNX10017');
      expect(unbound['binding:vif_type']).toBe('binding_failed');

      const second = await startAgentProcess(cloud);
      await expectStatus(cloud, unbound.id, 'ACTIVE', MINUTE);
      expect(await becomes(() => isBare('LNX10015'), MINUTE)).toBe(true);
      expect((await api.port(kept.id)).status).toBe('ACTIVE');
      expect(await second.end()).toBe(0);
      expect((await api.port(kept.id)).status).toBe('ACTIVE');
      expect(first.output() + second.output()).not.toContain('neutron-secret');
      await cloud.startAgent();
    },
    5 * MINUTE,
  );

  test(
    'a worker without a server repairs z/VM by what is recorded, and says that Neutron is away',
    async () => {
      const port = await newPort('LNX10019');
      await expectStatus(cloud, port.id, 'ACTIVE');
      const { client, simulator } = cloud.environment;
      await cloud.openstack.restartServer(async () => {
        const system = simulator.mn.systems[0];
        const vswitch = system?.vswitch('VSW1');
        if (system === undefined || vswitch === undefined) throw new Error('no VSW1');
        system.revoke(vswitch, 'LNX10019');
        const result = await (await startReconcileHost(client, { host: cloud.host })).result();
        expect(result.failures.map(({ userid }) => userid)).toContain('Neutron');
        expect(Object.keys((await guest('LNX10019')).granted)).toEqual(['VSW1']);
      });
    },
    3 * MINUTE,
  );

  test(
    'a second process of the agent is a stand-by: it changes nothing, and takes over',
    async () => {
      const standBy = await startAgentProcess(cloud);
      expect(await becomes(() => standBy.output().includes('full synchronisation'), MINUTE)).toBe(true);
      await cloud.stopAgent();
      const port = await newPort('LNX10021');
      await expectStatus(cloud, port.id, 'ACTIVE', MINUTE);
      await standBy.end();
      await cloud.startAgent();
    },
    3 * MINUTE,
  );
});
