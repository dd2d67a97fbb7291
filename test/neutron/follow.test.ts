import { randomUUID } from 'node:crypto';
import { Runtime } from '@temporalio/worker';
import { expect, test, vi } from 'vitest';
import { tellOfNeutron } from '../../client/neutron-news.ts';
import { currentDetails } from '../../client/operations.ts';
import { guestWorkflowId } from '../../temporal-config/names.ts';
import { ZVM_OUTCOME } from '../../temporal-config/search-attributes.ts';
import { pauseAfter } from '../../workflows/pending-rows.ts';
import { portId, vlan } from '../workflows/environment.ts';
import { startRun } from '../workflows/start.ts';
import { onVlan, withNeutron } from './host-with-neutron.ts';
import { becomes } from './real-neutron.ts';

const PHYSICAL_NETWORK = {
  ...{ flat: false, rdevs: [], portSelection: 'USERBASED' as const, transport: 'ETHERNET' as const },
};

test('a port that changes while its guest is being wired ends as Neutron has it last', async () => {
  const { neutron, host, there, follow } = await withNeutron();
  const port = neutron.add({ host, deviceId: 'LNX10001', segment: onVlan(10) });
  const first = follow(port.portId);
  neutron.change(port.portId, { segment: onVlan(11) });
  const second = follow(port.portId);
  await Promise.all([first, second]);
  const last = await follow(port.portId);
  expect(last.failed).toEqual([]);
  expect((await there.guest('LNX10001')).granted).toEqual({ VSW1: [11] });
  expect(neutron.all.get(port.portId)?.status).toBe('ACTIVE');
});

test('a port that is deleted while its guest waits to be wired leaves nothing behind', async () => {
  const { neutron, host, there, follow } = await withNeutron();
  await there.control('POST', 'systems/zhcp1/guests/LNX10001/lock');
  const holder = there.run('createPort', { userid: 'LNX10001', portId: portId(1), vswitch: 'VSW2', network: vlan(5) });
  expect(await becomes(async () => (await there.guest('LNX10001')).rows.length === 1)).toBe(true);
  const port = neutron.add({ host, deviceId: 'LNX10001', segment: onVlan(12) });
  const first = follow(port.portId);
  expect(await becomes(() => neutron.asked.includes(port.portId))).toBe(true);
  neutron.remove(port.portId);
  const second = follow(port.portId);
  expect(await becomes(() => neutron.asked.filter((asked) => asked === port.portId).length > 1)).toBe(true);
  await there.control('POST', 'systems/zhcp1/guests/LNX10001/unlock');
  await Promise.all([holder, first, second]);
  expect((await there.guest('LNX10001')).granted).toEqual({ VSW2: [5] });
  expect((await there.guest('LNX10001')).rows.map((row) => row.port)).toEqual([portId(1)]);
});

test('a port is usable while DirMaint has the entry of its running guest, and ACTIVE only once the entry has its NIC', async () => {
  const { neutron, host, there, follow } = await withNeutron();
  await there.control('POST', 'systems/zhcp1/guests/LNX10001/lock');
  const port = neutron.add({ host, deviceId: 'LNX10001', segment: onVlan(13), status: 'BUILD' });
  const following = follow(port.portId);
  const isCoupled = async () => (await there.guest('LNX10001')).nics.some(({ vlans }) => vlans?.includes(13) === true);
  expect(await becomes(isCoupled)).toBe(true);
  await (await startRun(there.client, 'reconcileHost', { host })).result();
  expect((await there.guest('LNX10001')).directory).toEqual([]);
  expect(neutron.reports).toEqual([]);
  await there.control('POST', 'systems/zhcp1/guests/LNX10001/unlock');
  await following;
  expect((await there.guest('LNX10001')).directory).toMatchObject([{ vdev: '1000', vswitch: 'VSW1' }]);
  expect(neutron.reports).toEqual([`up ${port.portId}`]);
});

test('both NICs of a guest on one network follow it to another VLAN, though a user-based VSWITCH holds one VLAN for both', async () => {
  const { neutron, host, there, follow } = await withNeutron();
  const ports = [1, 2].map(() => neutron.add({ host, deviceId: 'LNX10001', segment: onVlan(20) }));
  const ids = ports.map((port) => port.portId);
  await follow(...ids);
  for (const id of ids) neutron.change(id, { segment: onVlan(21) });
  expect((await follow(...ids)).failed).toEqual([]);
  expect((await there.guest('LNX10001')).granted).toEqual({ VSW1: [21] });
});

test('of ports that cannot be right together the first is wired, the other is reported down, and its reason is in the result', async () => {
  const { neutron, host, there, follow } = await withNeutron();
  const [first, second] = [30, 31].map((vlan) =>
    neutron.add({ host, deviceId: 'LNX10001', segment: onVlan(vlan), status: 'BUILD' }),
  );
  if (first === undefined || second === undefined) throw new Error('no ports');
  const result = await follow(first.portId, second.portId);
  expect(result.failed).toMatchObject([{ portId: second.portId }]);
  expect((await there.guest('LNX10001')).granted).toEqual({ VSW1: [30] });
  expect(neutron.reports.toSorted()).toEqual([`down ${second.portId}`, `up ${first.portId}`]);
});

test('two ports of a VM on two VLANs of one physical network become ACTIVE where the user directory authorises', async () => {
  const { neutron, host, there, follow } = await withNeutron({}, { release: '7.4' });
  const ports = [30, 31].map((vlan) => neutron.add({ host, deviceId: 'LNX10001', segment: onVlan(vlan) }));
  expect((await follow(...ports.map(({ portId }) => portId))).failed).toEqual([]);
  expect(ports.map(({ portId }) => neutron.all.get(portId)?.status)).toEqual(['ACTIVE', 'ACTIVE']);
  const { granted, nics } = await there.guest('LNX10001');
  expect(granted).toEqual({});
  expect(nics.map(({ vlans }) => vlans)).toEqual([[30], [31]]);
});

test('a port whose address another guest still has is wired as soon as that one has left', async () => {
  const { neutron, host, there, follow } = await withNeutron();
  const port = neutron.add({ host, deviceId: 'LNX10003', segment: onVlan(40) });
  const before = { portId: portId(2), vswitch: 'VSW1', network: vlan(40), mac: port.mac };
  await there.run('createPort', { userid: 'LNX10001', ...before });
  const following = follow(port.portId);
  expect(await becomes(() => neutron.reports.includes(`down ${port.portId}`) || neutron.asked.length > 1)).toBe(true);
  await there.run('deletePort', { userid: 'LNX10001', portId: before.portId });
  expect((await following).failed).toEqual([]);
  expect((await there.guest('LNX10003')).granted).toEqual({ VSW1: [40] });
  expect(neutron.all.get(port.portId)?.status).toBe('ACTIVE');
});

test('a port that can never be looked up does not stop the wiring of another guest that is under way', async () => {
  const { neutron, host, there, follow } = await withNeutron();
  const [good, bad] = ['LNX10001', 'LNX10002'].map((deviceId) => neutron.add({ host, deviceId, segment: onVlan(50) }));
  if (good === undefined || bad === undefined) throw new Error('no ports');
  neutron.unreadable.add(bad.portId);
  await there.control('POST', 'systems/zhcp1/guests/LNX10001/lock');
  const wiring = follow(good.portId);
  expect(await becomes(async () => (await there.guest('LNX10001')).rows.length === 1)).toBe(true);
  const following = follow(bad.portId);
  expect(await becomes(() => neutron.asked.includes(bad.portId))).toBe(true);
  await there.control('POST', 'systems/zhcp1/guests/LNX10001/unlock');
  expect((await following).failed).toMatchObject([{ portId: bad.portId }]);
  await wiring;
  expect((await there.guest('LNX10001')).granted).toEqual({ VSW1: [50] });
  expect(neutron.reports).toEqual([`up ${good.portId}`]);
});

test('a MAC outside of z/VM’s prefix is refused with what to configure, in the log too, and the port is reported down', async () => {
  const { neutron, host, follow } = await withNeutron();
  const port = neutron.add({
    host,
    deviceId: 'LNX10001',
    segment: onVlan(40),
    mac: 'fa:16:3e:00:00:01' as never,
    status: 'BUILD',
  });
  const logged = vi.spyOn(Runtime.instance().logger, 'log');
  const { failed } = await follow(port.portId);
  expect(failed[0]?.reason).toContain('base_mac');
  expect(JSON.stringify(logged.mock.calls)).toContain(`"port":"${port.portId}","reason":"${failed[0]?.reason}`);
  logged.mockRestore();
  expect(neutron.reports).toEqual([`down ${port.portId}`]);
});

test('of a port with a QoS policy it is said once, in the log and the result, that nothing limits it', async () => {
  const { neutron, host, there, follow } = await withNeutron();
  const logged = vi.spyOn(Runtime.instance().logger, 'log');
  const port = neutron.add({ host, deviceId: 'LNX10001', segment: onVlan(41), qosPolicy: 'slow' });
  expect((await follow(port.portId)).unlimited).toEqual([port.portId]);
  expect((await follow(port.portId)).unlimited).toEqual([]);
  await (await startRun(there.client, 'reconcileHost', { host })).result();
  const said = logged.mock.calls.filter((call) => JSON.stringify(call).includes('has no effect'));
  logged.mockRestore();
  expect(said).toHaveLength(1);
  expect(JSON.stringify(said)).toContain(port.portId);
});

test('of a QoS policy that an ACTIVE port gets it is said once, in the log and the result, that it limits nothing', async () => {
  const { neutron, host, follow } = await withNeutron();
  const logged = vi.spyOn(Runtime.instance().logger, 'log');
  const { portId } = neutron.add({ host, deviceId: 'LNX10001', segment: onVlan(41) });
  expect((await follow(portId)).unlimited).toEqual([]);
  expect(neutron.all.get(portId)?.status).toBe('ACTIVE');
  neutron.change(portId, { qosPolicy: 'slow' });
  expect((await follow(portId)).unlimited).toEqual([portId]);
  expect((await follow(portId)).unlimited).toEqual([]);
  const said = logged.mock.calls.filter((call) => JSON.stringify(call).includes('has no effect'));
  logged.mockRestore();
  expect(JSON.stringify(said)).toContain(portId);
  expect(said).toHaveLength(1);
});

test('a port with a multicast address is refused with the reason and reported down, and the next one is wired', async () => {
  const { neutron, host, follow } = await withNeutron();
  const { mac: _mac, ...odd } = neutron.add({ host, deviceId: 'LNX10001', segment: onVlan(42), status: 'BUILD' });
  neutron.all.set(odd.portId, odd);
  const next = neutron.add({ host, deviceId: 'LNX10003', segment: onVlan(42) });
  const { failed } = await follow(odd.portId, next.portId);
  expect(failed).toMatchObject([{ portId: odd.portId, reason: expect.stringContaining('multicast') }]);
  expect(neutron.reports.toSorted()).toEqual([`down ${odd.portId}`, `up ${next.portId}`].toSorted());
});

test('a port of a guest that xCAT does not know any more is reported down', async () => {
  const { neutron, host, there } = await withNeutron();
  const [heard, listed] = [1, 2].map(() =>
    neutron.add({ host, deviceId: randomUUID(), segment: onVlan(51), status: 'ACTIVE' }),
  );
  if (heard === undefined || listed === undefined) throw new Error('no ports');
  await tellOfNeutron(there.client, host, { portIds: [heard.portId], networkIds: [] });
  expect(await becomes(() => neutron.reports.length > 0)).toBe(true);
  expect(neutron.reports).toEqual([`down ${heard.portId}`]);
  expect(await currentDetails(there.client, `neutron/${host}`)).toContain(`- ${heard.portId}`);
  const { waiting } = await (await startRun(there.client, 'reconcileHost', { host })).result();
  expect({ waiting, status: neutron.all.get(listed.portId)?.status }).toEqual({ waiting: 2, status: 'DOWN' });
});

test('ports that are bound before Nova has written their rows are looked at again, all in one reading, and each is wired once it has its row', async () => {
  const { neutron, host, there } = await withNeutron();
  const ports = [1, 2, 3].map(() => neutron.add({ host, deviceId: randomUUID(), segment: onVlan(58) }));
  const [first, second, third] = ports.map(({ portId }) => portId);
  if (first === undefined || second === undefined || third === undefined) throw new Error('no ports');
  await tellOfNeutron(there.client, host, { portIds: [first, second, third], networkIds: [] });
  const looks = (id: string) => neutron.asked.filter((asked) => asked === id).length;
  const { tables } = there.simulator.mn;
  expect(await becomes(() => looks(first) > 2)).toBe(true);
  tables.put('switch', { node: 'lnx10001', port: first, interface: '1000', comments: 'zhcp1' });
  expect(await becomes(() => neutron.all.get(first)?.status === 'ACTIVE')).toBe(true);
  const before = looks(second);
  expect(await becomes(() => looks(second) > before)).toBe(true);
  tables.put('switch', { node: 'lnx10003', port: second, interface: '1000', comments: 'zhcp1' });
  neutron.remove(third);
  expect(await becomes(() => neutron.all.get(second)?.status === 'ACTIVE')).toBe(true);
  const handle = there.client.workflow.getHandle(`neutron/${host}`);
  expect(await handle.result()).toMatchObject({ failed: [], waiting: [], reported: { up: 2, down: 0 } });
  expect((await there.guest('LNX10003')).granted).toEqual({ VSW1: [58] });

  const { events } = await handle.fetchHistory();
  const readings = (events ?? []).filter(
    (event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'readNeutron',
  );
  const pauses = (events ?? []).flatMap((event) => {
    const { startToFireTimeout } = event.timerStartedEventAttributes ?? {};
    return startToFireTimeout == null ? [] : [Number(startToFireTimeout.seconds) * 1_000];
  });
  // The reading that was under way when the third was removed may have seen it: one more is of the third alone.
  const more = looks(third) > looks(second) ? looks(third) - looks(second) : 0;
  expect(more).toBeLessThanOrEqual(1);
  expect(readings.length).toBe(looks(second) + more);
  expect(pauses.slice(0, 3)).toEqual([1_000, 2_000, 3_000]);
  expect(Math.max(...pauses)).toBe(3_000);
});

test('the pauses between looks for a row grow: ACTIVE follows it within three seconds for a minute, and the looks end after five', () => {
  const pauses = Array.from({ length: 29 }, (_, looks) => pauseAfter(looks));
  const sumOf = (some: readonly number[]) => some.reduce((sum, pause) => sum + pause, 0);
  expect(pauses.toSorted((one, other) => one - other)).toEqual(pauses);
  expect(sumOf(pauses.filter((pause) => pause <= 3_000))).toBeGreaterThanOrEqual(57_000);
  expect(sumOf(pauses)).toBeLessThanOrEqual(300_000);
  expect(Math.max(...pauses)).toBe(30_000);
});

test('a network of another kind than a VSWITCH has is refused, without a touch of z/VM', async () => {
  const { neutron, host, there, follow } = await withNeutron();
  const segment = { networkType: 'vxlan', physicalNetwork: 'physnet1', segmentationId: 5 };
  const port = neutron.add({ host, deviceId: 'LNX10001', segment, status: 'BUILD' });
  expect((await follow(port.portId)).failed[0]?.reason).toContain('vxlan');
  expect((await there.guest('LNX10001')).rows).toEqual([]);
});

test('a port whose device id names another guest moves there', async () => {
  const { neutron, host, there, follow } = await withNeutron();
  const port = neutron.add({ host, deviceId: 'LNX10001', segment: onVlan(56) });
  await follow(port.portId);
  neutron.change(port.portId, { deviceId: 'LNX10003' });
  expect((await follow(port.portId)).failed).toEqual([]);
  expect((await there.guest('LNX10001')).rows).toEqual([]);
  expect((await there.guest('LNX10003')).granted).toEqual({ VSW1: [56] });
  expect(neutron.reports.at(-1)).toBe(`up ${port.portId}`);
});

test('a port that is to be a device handed through to the guest is refused, without a touch of z/VM', async () => {
  const { neutron, host, there, follow } = await withNeutron();
  const port = neutron.add({ host, deviceId: 'LNX10001', segment: onVlan(55), vnicType: 'direct', status: 'BUILD' });
  expect((await follow(port.portId)).failed[0]?.reason).toContain('vnic type direct');
  expect(neutron.reports).toEqual([`down ${port.portId}`]);
  expect((await there.guest('LNX10001')).rows).toEqual([]);
});

test('a port that cannot follow its network to another VLAN is cut off from the old one, and comes back when it can', async () => {
  const physicalNetworks = [
    { ...PHYSICAL_NETWORK, name: 'physnet1', vswitch: 'VSW1', vlanRanges: [{ from: 1, to: 2_000 }] },
  ];
  const { neutron, host, there, follow } = await withNeutron({ physicalNetworks });
  const port = neutron.add({ host, deviceId: 'LNX10001', segment: onVlan(151) });
  await follow(port.portId);
  const coupledTo = async () => (await there.guest('LNX10001')).nics.map((nic) => nic.vswitch ?? null);
  expect(await coupledTo()).toEqual(['VSW1']);
  neutron.change(port.portId, { segment: onVlan(3_500) });
  expect((await follow(port.portId)).failed[0]?.reason).toContain('3500');
  expect(await coupledTo()).toEqual([null]);
  expect(neutron.all.get(port.portId)?.status).toBe('DOWN');
  neutron.change(port.portId, { segment: onVlan(151) });
  await follow(port.portId);
  expect(await coupledTo()).toEqual(['VSW1']);
  expect(neutron.all.get(port.portId)?.status).toBe('ACTIVE');
});

test('a port of a router is refused, and not taken for one of DHCP', async () => {
  const { neutron, host, follow } = await withNeutron({ dhcpUserid: 'LNX10009' });
  const router = { deviceId: 'r', deviceOwner: 'network:router_interface', status: 'BUILD' };
  const port = neutron.add({ host, segment: onVlan(56), ...router });
  expect((await follow(port.portId)).failed[0]?.reason).toContain('bind it to a network node');
  expect(neutron.reports).toEqual([`down ${port.portId}`]);
});

test('a port of a guest whose directory entry is locked is reported up only when it is wired', async () => {
  const { neutron, host, there } = await withNeutron();
  const port = neutron.add({ host, deviceId: 'LNX10001', segment: onVlan(60), status: 'BUILD' });
  await there.control('POST', 'systems/zhcp1/guests/LNX10001/lock');
  const run = await startRun(there.client, 'reconcileHost', { host });
  const outcome = async () => {
    const { typedSearchAttributes } = await there.client.workflow
      .getHandle(guestWorkflowId(host, 'LNX10001'))
      .describe();
    return typedSearchAttributes.get(ZVM_OUTCOME);
  };
  expect(
    await becomes(() =>
      outcome().then(
        (word) => word === 'retrying',
        () => false,
      ),
    ),
  ).toBe(true);
  expect(neutron.reports).toEqual([]);
  await there.control('POST', 'systems/zhcp1/guests/LNX10001/unlock');
  expect((await run.result()).failures).toEqual([]);
  expect(neutron.all.get(port.portId)?.status).toBe('ACTIVE');
  expect((await there.guest('LNX10001')).granted).toEqual({ VSW1: [60] });
});
