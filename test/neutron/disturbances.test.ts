import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { neutronRelease } from '../../demo/openstack/release.ts';
import { NeutronRest } from '../../neutron/rest-client.ts';
import { startRun } from '../workflows/start.ts';
import { startAgentProcess } from './agent-process.ts';
import { DhcpAgent } from './dhcp-agent.ts';
import { pluginOn } from './plugin-on.ts';
import { becomes, type Cloud, createCloud, neutronIsHere } from './real-neutron.ts';
import { unbindAll } from './test-broker.ts';
import { allOf, expectStatus, lastWord } from './why.ts';

const MINUTE = 60_000;
// Many deployments use these flags. Flags for fanouts came after Debian's release of Neutron.
const QUORUM = {
  rabbit_quorum_queue: 'true',
  kombu_compression: 'gzip',
  ...(neutronRelease().environment === undefined ? {} : { rabbit_transient_quorum_queue: 'true' }),
};

/** The time of the agent's last report at the server. */
async function heartbeatsOf({ openstack, host }: Cloud): Promise<string> {
  const Agents = z.object({ agents: z.array(z.object({ host: z.string(), heartbeat_timestamp: z.string() })) });
  const { agents } = Agents.parse(await openstack.api.get(`agents?host=${host}`));
  return agents[0]?.heartbeat_timestamp ?? '';
}

describe.skipIf(!neutronIsHere)('with a stock neutron-server whose parts fail', { timeout: 5 * MINUTE }, () => {
  let cloud: Cloud;
  beforeAll(async () => {
    cloud = await createCloud({
      guests: 40,
      agentDownSeconds: 15,
      broker: QUORUM,
      securityGroups: true,
      qos: true,
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
  const reconcile = async () => {
    const run = await startRun(cloud.environment.client, 'reconcileHost', { host: cloud.host, last: cloud.last() });
    cloud.remember(await run.result());
  };
  const isAlive = async () =>
    (await cloud.openstack.api.agents()).find(({ host }) => host === cloud.host)?.alive === true;

  test('Neutron read by REST is Neutron read by RPC', async () => {
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
  });

  test('the server says that ports on z/VM enforce no security groups, and of other hypervisors what it said before; both keep their groups', async () => {
    const { api, rabbit } = cloud.openstack;
    const elsewhere = await pluginOn(rabbit.transportUrl);
    const kvm = { agent_type: 'Open vSwitch agent', binary: 'neutron-openvswitch-agent', host: 'kvm7', topic: 'N/A' };
    const configurations = { bridge_mappings: { physnet1: 'br-ex' }, ovs_hybrid_plug: true };
    const here = await newPort('LNX10006');
    await elsewhere.api.reportState({ ...kvm, configurations }, new Date(), MINUTE);
    const there = await api.createPort({ networkId: here.network_id, host: 'kvm7', deviceId: 'instance' });
    await elsewhere.close();
    const pairs = [{ ip_address: '10.64.7.7' }];
    await api.put(`ports/${here.id}`, { port: { allowed_address_pairs: pairs } });
    const Shown = z.object({
      port: z.looseObject({
        'binding:vif_details': z.looseObject({ port_filter: z.boolean() }),
        security_groups: z.array(z.string()),
        allowed_address_pairs: z.array(z.looseObject({ ip_address: z.string() })),
      }),
    });
    const [ofZvm, ofKvm] = await Promise.all(
      [here, there].map(async ({ id }) => Shown.parse(await api.get(`ports/${id}`)).port),
    );
    expect(ofZvm?.['binding:vif_details'].port_filter).toBe(false);
    expect(ofKvm?.['binding:vif_details']).toMatchObject({ port_filter: true, ovs_hybrid_plug: true });
    expect([ofZvm?.security_groups.length, ofKvm?.security_groups.length]).toEqual([1, 1]);
    expect(ofZvm?.allowed_address_pairs).toMatchObject(pairs);
    await expectStatus(cloud, here.id, 'ACTIVE');
    for (const { id } of [here, there]) await api.deletePort(id);
    expect(await becomes(() => isBare('LNX10006'))).toBe(true);
  });

  test('of a port with a QoS policy, its own or that of its network, the operation says that nothing limits it, also when the port is ACTIVE already', async () => {
    const { api } = cloud.openstack;
    const Policy = z.object({ policy: z.object({ id: z.string() }) });
    const body = { policy: { name: 'slow', tenant_id: 'demo' } };
    const { policy } = Policy.parse(await api.post('qos/policies', body));
    const rule = { bandwidth_limit_rule: { max_kbps: 1_000 } };
    await api.post(`qos/policies/${policy.id}/bandwidth_limit_rules`, rule);
    const [own, ofNetwork] = await Promise.all(
      [2960, 2961].map((segmentationId) => api.createNetwork({ physicalNetwork: 'physnet1', segmentationId })),
    );
    await api.put(`networks/${ofNetwork}`, { network: { qos_policy_id: policy.id } });
    const create = async (network_id: string | undefined, device_id: string, more = {}) => {
      const bound = { 'binding:host_id': cloud.host, device_id, device_owner: 'compute:nova', tenant_id: 'demo' };
      const answer = await api.post('ports', { port: { network_id, ...bound, ...more } });
      return z.object({ port: z.object({ id: z.string() }) }).parse(answer).port;
    };
    const limited = [await create(own, 'LNX10008', { qos_policy_id: policy.id }), await create(ofNetwork, 'LNX10010')];
    const free = await create(own, 'LNX10012');
    for (const { id } of [...limited, free]) await expectStatus(cloud, id, 'ACTIVE');
    const said = async () => JSON.stringify(await allOf(cloud));
    for (const { id } of limited) expect(await said()).toMatch(new RegExp(`"unlimited":\\[[^\\]]*${id}`));
    expect(await said()).not.toMatch(new RegExp(`"unlimited":\\[[^\\]]*${free.id}`));
    await api.put(`ports/${free.id}`, { port: { qos_policy_id: policy.id } });
    expect(await becomes(async () => new RegExp(`"unlimited":\\[[^\\]]*${free.id}`).test(await said()))).toBe(true);
    expect((await api.port(free.id)).status).toBe('ACTIVE');
    for (const { id } of [free, ...limited]) await api.deletePort(id);
    for (const userid of ['LNX10008', 'LNX10010', 'LNX10012']) expect(await becomes(() => isBare(userid))).toBe(true);
  });

  test('while a DHCP agent serves the network, a wired port is not ACTIVE until that agent is ready, and is not reported over and over', async () => {
    const { api } = cloud.openstack;
    const dhcp = await DhcpAgent.start(cloud.openstack.rabbit.transportUrl, 'dhcp-elsewhere');
    try {
      vlan += 1;
      const networkId = await api.createNetwork({ physicalNetwork: 'physnet1', segmentationId: vlan });
      await dhcp.host(api, networkId);
      const port = await api.createPort({ networkId, host: cloud.host, deviceId: 'LNX10003' });
      expect(await becomes(async () => (await guest('LNX10003')).nics[0]?.vswitch === 'VSW1')).toBe(true);
      const client = cloud.environment.client;
      const first = await (await startRun(client, 'reconcileHost', { host: cloud.host })).result();
      const { checkpoint, failures } = first;
      const second = await (
        await startRun(client, 'reconcileHost', { host: cloud.host, last: { checkpoint, failures } })
      ).result();
      expect(second.reported).toEqual({ up: 0, down: 0 });
      expect((await api.port(port.id)).status).not.toBe('ACTIVE');
      await dhcp.ready(port.id);
      await expectStatus(cloud, port.id, 'ACTIVE');
    } finally {
      await dhcp.close();
    }
  });

  test("a port of the DHCP agent's on the DHCP node, for which this agent reports too, is bound and the node's guest gets its NICs", async () => {
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
    expect(await becomes(async () => (await guest('LNX10039')).nics.some((nic) => nic.vswitch === 'VSW1'))).toBe(true);
    await expectStatus(cloud, port.id, 'ACTIVE');
    // Neutron's own ports go with their network.
    await api.deleteNetwork(networkId);
    await expect(api.port(port.id)).rejects.toThrow('404');
    expect(await becomes(async () => (await lastWord(cloud)) !== undefined)).toBe(true);
    expect(await lastWord(cloud)).toMatchObject({ failed: [] });
  });

  test('the broker is restarted while ports are made: all of them become ACTIVE', async () => {
    const { api, rabbit } = cloud.openstack;
    const networkId = await api.createNetwork({ physicalNetwork: 'physnet1', segmentationId: 2900 });
    const wanted = Array.from({ length: 8 }, (_, index) => ({
      networkId,
      host: cloud.host,
      deviceId: `LNX1003${index}`,
    }));
    const first = await api.createPorts(wanted.slice(0, 4));
    const restarted = rabbit.restart();
    const second = await api.createPorts(wanted.slice(4));
    await restarted;
    for (const port of [...first, ...second]) await expectStatus(cloud, port.id, 'ACTIVE', 2 * MINUTE);
    for (const port of [...first, ...second]) await api.deletePort(port.id);
    for (const { deviceId } of wanted) expect(await becomes(() => isBare(deviceId))).toBe(true);
  });

  test('the broker is restarted: the agent comes back, and ports made and deleted meanwhile end as they should', async () => {
    const { api, rabbit } = cloud.openstack;
    const before = await newPort('LNX10005');
    await expectStatus(cloud, before.id, 'ACTIVE');
    await rabbit.restart();
    const after = await newPort('LNX10007').catch(() => newPort('LNX10007'));
    await expectStatus(cloud, after.id, 'ACTIVE');
    await api.deletePort(before.id);
    expect(await becomes(() => isBare('LNX10005'))).toBe(true);
    expect(await becomes(isAlive)).toBe(true);
  });

  test('neutron-server is restarted: the agent goes on, and ports keep their status', async () => {
    const { api } = cloud.openstack;
    const before = await newPort('LNX10009');
    await expectStatus(cloud, before.id, 'ACTIVE');
    await cloud.openstack.restartServer();
    expect((await api.port(before.id)).status).toBe('ACTIVE');
    expect(await becomes(isAlive)).toBe(true);
    const after = await newPort('LNX10011');
    await expectStatus(cloud, after.id, 'ACTIVE');
  });

  test('the agent is killed: what Neutron says meanwhile waits for it, ports that could not be bound are, and deleted ones are undone', async () => {
    const { api } = cloud.openstack;
    await cloud.stopAgent();
    const first = await startAgentProcess(cloud);
    expect(await becomes(isAlive)).toBe(true);
    const [kept, deleted] = await Promise.all([newPort('LNX10013'), newPort('LNX10015')]);
    await expectStatus(cloud, kept.id, 'ACTIVE');
    await expectStatus(cloud, deleted.id, 'ACTIVE');
    await first.end('SIGKILL');
    await api.deletePort(deleted.id);
    expect(await becomes(async () => !(await isAlive()))).toBe(true);
    const unbound = await newPort('LNX10017');
    expect(unbound['binding:vif_type']).toBe('binding_failed');

    const second = await startAgentProcess(cloud);
    await expectStatus(cloud, unbound.id, 'ACTIVE');
    expect(await becomes(() => isBare('LNX10015'))).toBe(true);
    expect((await api.port(kept.id)).status).toBe('ACTIVE');
    expect(await second.end('SIGTERM')).toBe(0);
    expect((await api.port(kept.id)).status).toBe('ACTIVE');
    expect(first.said() + second.said()).not.toContain('neutron-secret');
    await cloud.startAgent();
  });

  test('a port that is unbound, or moved to a host without an agent, while the agent is down is undone, and keeps the status that the server gave it', async () => {
    const { api } = cloud.openstack;
    const [unbound, moved] = await Promise.all([newPort('LNX10002'), newPort('LNX10004')]);
    await expectStatus(cloud, unbound.id, 'ACTIVE');
    await expectStatus(cloud, moved.id, 'ACTIVE');
    await reconcile();
    await cloud.stopAgent();
    await api.updatePort(unbound.id, { host: '' });
    await api.updatePort(moved.id, { host: 'kvm5' });
    const left = await Promise.all([unbound, moved].map(({ id }) => api.get(`ports/${id}`)));
    await cloud.dropMessages();
    await reconcile();
    expect(await isBare('LNX10002')).toBe(true);
    expect(await isBare('LNX10004')).toBe(true);
    await cloud.startAgent();
    await reconcile();
    expect(await Promise.all([unbound, moved].map(({ id }) => api.get(`ports/${id}`)))).toEqual(left);
    for (const { id } of [unbound, moved]) await api.deletePort(id);
  });

  test("the bindings of the agent's queue are removed at the broker: the agent notices, and ports made meanwhile become ACTIVE", async () => {
    const { api, rabbit } = cloud.openstack;
    const networkId = await api.createNetwork({ physicalNetwork: 'physnet1', segmentationId: 2902 });
    expect(await unbindAll(rabbit, `neutron-zvm-agent.${cloud.host}`)).toBeGreaterThan(0);
    const unheard = await api.createPort({ networkId, host: cloud.host, deviceId: 'LNX10002' });
    await expectStatus(cloud, unheard.id, 'ACTIVE');
    const heard = await api.createPort({ networkId, host: cloud.host, deviceId: 'LNX10004' });
    await expectStatus(cloud, heard.id, 'ACTIVE');
    for (const { id } of [unheard, heard]) await api.deletePort(id);
    expect(await becomes(() => isBare('LNX10002'))).toBe(true);
    expect(await becomes(() => isBare('LNX10004'))).toBe(true);
  });

  test('the agent is killed while ports are made, and started again: all of them become ACTIVE', async () => {
    const { api } = cloud.openstack;
    await cloud.stopAgent();
    const first = await startAgentProcess(cloud);
    expect(await becomes(isAlive)).toBe(true);
    const networkId = await api.createNetwork({ physicalNetwork: 'physnet1', segmentationId: 2901 });
    const creating = api.createPorts(
      Array.from({ length: 8 }, (_, index) => ({ networkId, host: cloud.host, deviceId: `LNX1003${index}` })),
    );
    expect(await becomes(async () => (await guest('LNX10030')).rows.length > 0)).toBe(true);
    await first.end('SIGKILL');
    const ports = await creating;
    await cloud.startAgent();
    for (const port of ports) await expectStatus(cloud, port.id, 'ACTIVE', 2 * MINUTE);
    for (const port of ports) await api.deletePort(port.id);
    expect(await becomes(() => isBare('LNX10037'))).toBe(true);
  });

  test("a network's VLAN that is changed while the agent is away is on the guest when it is back, though nothing was left in its queue", async () => {
    const { api } = cloud.openstack;
    const port = await newPort('LNX10023');
    await expectStatus(cloud, port.id, 'ACTIVE');
    await cloud.stopAgent();
    await api.changeSegmentationId(port.network_id, 2950);
    await cloud.dropMessages();
    await cloud.startAgent();
    expect(await becomes(async () => (await guest('LNX10023')).granted.VSW1?.[0] === 2950)).toBe(true);
    await expectStatus(cloud, port.id, 'ACTIVE');
  });

  test('while z/VM cannot be reached the agent is silent, so that Neutron binds nothing to the host; once it can be, what failed is bound', async () => {
    const { control } = cloud.environment;
    const kept = await newPort('LNX10025');
    await expectStatus(cloud, kept.id, 'ACTIVE');
    await control('POST', 'faults', { match: {}, action: { kind: 'status', status: 503 } });
    expect(await becomes(async () => !(await isAlive()))).toBe(true);
    expect((await cloud.openstack.api.port(kept.id)).status).toBe('ACTIVE');
    const unbound = await newPort('LNX10027');
    expect(unbound['binding:vif_type']).toBe('binding_failed');
    await control('DELETE', 'faults');
    expect(await becomes(isAlive)).toBe(true);
    await expectStatus(cloud, unbound.id, 'ACTIVE');
  });

  test('an agent that starts before the broker, the server and z/VM are there waits for all of them', async () => {
    const { rabbit, restartServer } = cloud.openstack;
    const { control } = cloud.environment;
    await cloud.stopAgent();
    await control('POST', 'faults', { match: {}, action: { kind: 'status', status: 503 } });
    let starting: Promise<void> = Promise.resolve();
    await restartServer(() =>
      rabbit.restart(async () => {
        starting = cloud.startAgent();
      }),
    );
    expect(await becomes(async () => !(await isAlive()))).toBe(true);
    await control('DELETE', 'faults');
    await starting;
    expect(await becomes(isAlive)).toBe(true);
    const port = await newPort('LNX10029');
    await expectStatus(cloud, port.id, 'ACTIVE');
  });

  test('while Temporal is away the agent stays alive, and hands on what it has heard when Temporal is back', async () => {
    await cloud.stopAgent();
    let isAway = true;
    await cloud.startAgent(() => isAway);
    const port = await newPort('LNX10015');
    const beats = await heartbeatsOf(cloud);
    expect(await becomes(async () => (await heartbeatsOf(cloud)) > beats)).toBe(true);
    expect(await isAlive()).toBe(true);
    expect((await guest('LNX10015')).rows).toEqual([]);
    isAway = false;
    await expectStatus(cloud, port.id, 'ACTIVE');
  });

  test('a worker without a server repairs z/VM by what is recorded, and says that Neutron is away', async () => {
    const port = await newPort('LNX10019');
    await expectStatus(cloud, port.id, 'ACTIVE');
    const { client, simulator } = cloud.environment;
    await cloud.openstack.restartServer(async () => {
      const system = simulator.mn.systems[0];
      const vswitch = system?.vswitch('VSW1');
      if (system === undefined || vswitch === undefined) throw new Error('no VSW1');
      system.revoke(vswitch, 'LNX10019');
      const result = await (await startRun(client, 'reconcileHost', { host: cloud.host })).result();
      expect(result.failures.map(({ about }) => about.kind)).toContain('neutron');
      expect(Object.keys((await guest('LNX10019')).granted)).toEqual(['VSW1']);
    });
  });

  test('a second process of the agent is a stand-by: it changes nothing, and takes over', async () => {
    const standBy = await startAgentProcess(cloud);
    expect(await becomes(() => standBy.said().includes('full synchronisation'))).toBe(true);
    const before = await newPort('LNX10031');
    await expectStatus(cloud, before.id, 'ACTIVE');
    await cloud.stopAgent();
    const port = await newPort('LNX10021');
    await expectStatus(cloud, port.id, 'ACTIVE');
    // It received no message of this port while it stood by.
    await cloud.openstack.api.deletePort(before.id);
    expect(await becomes(() => isBare('LNX10031'))).toBe(true);
    await standBy.end('SIGTERM');
    await cloud.startAgent();
  });
});
