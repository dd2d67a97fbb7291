import { randomUUID } from 'node:crypto';
import { Runtime } from '@temporalio/worker';
import { afterEach, expect, test, vi } from 'vitest';
import { tellOfNeutron } from '../../client/neutron-news.ts';
import { currentDetails } from '../../client/operations.ts';
import type { HostConfiguration } from '../../configuration/load.ts';
import { Userid } from '../../domain/text/identifiers.ts';
import { guestWorkflowId } from '../../temporal-config/names.ts';
import { ZVM_OUTCOME } from '../../temporal-config/search-attributes.ts';
import type { FollowNeutronResult } from '../../workflows/follow-neutron-result.ts';
import { pauseAfter } from '../../workflows/pending-rows.ts';
import type { ReconcileHostResult } from '../../workflows/reconciliation-result.ts';
import { createEnvironment, type Environment, portId, vlan } from '../workflows/environment.ts';
import { startRun } from '../workflows/start.ts';
import { MemoryNeutron } from './memory-neutron.ts';
import { becomes } from './real-neutron.ts';

let environment: Environment | undefined;
afterEach(async () => {
  await environment?.close();
  environment = undefined;
});

const onVlan = (segmentationId: number, physicalNetwork = 'physnet1') => ({
  networkType: 'vlan',
  physicalNetwork,
  segmentationId,
});

const PHYSICAL_NETWORK = {
  ...{ flat: false, rdevs: [], portSelection: 'USERBASED' as const, transport: 'ETHERNET' as const },
};

async function withNeutron(configured: Partial<HostConfiguration> = {}) {
  const neutron = new MemoryNeutron();
  environment = await createEnvironment({}, true, configured, neutron);
  const { client, host } = environment;
  const there = environment;
  const follow = async (
    ...portIds: MemoryNeutron['all'] extends Map<infer Id, unknown> ? Id[] : never
  ): Promise<FollowNeutronResult> => {
    await tellOfNeutron(client, host, { portIds, networkIds: [] });
    return client.workflow.getHandle(`neutron/${host}`).result();
  };
  return { neutron, host, there, follow };
}

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

test('a port that failed to bind is asked for by reconciliation, which binds it, and is then wired', async () => {
  const { neutron, host, there } = await withNeutron();
  const port = neutron.add({ host, deviceId: 'LNX10001', segment: onVlan(50), binding: 'failed' });
  await (await startRun(there.client, 'reconcileHost', { host })).result();
  expect(neutron.reports).toEqual([`up ${port.portId}`]);
});

test('a port that Neutron is about to bind is not asked for, but one that it has not come to since the last reconciliation is', async () => {
  const { neutron, host, there } = await withNeutron();
  const port = neutron.add({ host, deviceId: 'LNX10001', segment: onVlan(52), binding: 'none' });
  const first = await (await startRun(there.client, 'reconcileHost', { host })).result();
  expect(neutron.bindings).toEqual([]);
  const last = { checkpoint: first.checkpoint, failures: first.failures };
  await (await startRun(there.client, 'reconcileHost', { host, last })).result();
  expect(neutron.bindings).toEqual([port.portId]);
  expect(neutron.reports).toEqual([`up ${port.portId}`]);
});

test('a port that has become ACTIVE since the list was made that it is in as unbound is not asked for, which would put it into BUILD', async () => {
  const { neutron, host, there, follow } = await withNeutron();
  const port = neutron.add({ host, deviceId: 'LNX10001', segment: onVlan(53), binding: 'failed' });
  const old = await neutron.portsOfHost(host);
  neutron.portsOfHost = async () => old;
  neutron.change(port.portId, { binding: 'bound' });
  await follow(port.portId);
  await (await startRun(there.client, 'reconcileHost', { host })).result();
  expect({ bindings: neutron.bindings, reports: neutron.reports }).toEqual({
    bindings: [],
    reports: [`up ${port.portId}`],
  });
});

test.each([
  { to: '', as: 'unbound', binding: 'none' as const },
  { to: 'kvm5', as: 'moved to a host without an agent', binding: 'failed' as const },
])('a port that was $as while nobody listened is undone, and is not asked for in the name of others', async (moved) => {
  const { neutron, host, there } = await withNeutron();
  const port = neutron.add({ host, deviceId: 'LNX10001', segment: onVlan(54) });
  const { checkpoint, failures } = await (await startRun(there.client, 'reconcileHost', { host })).result();
  const { segment: _segment, ...rest } = port;
  neutron.all.set(port.portId, { ...rest, host: moved.to, binding: moved.binding, status: 'DOWN' });
  await (await startRun(there.client, 'reconcileHost', { host, last: { checkpoint, failures } })).result();
  expect(neutron.bindings).toEqual([]);
  expect(neutron.all.get(port.portId)?.status).toBe('DOWN');
  expect((await there.guest('LNX10001')).rows).toEqual([]);
});

test('a port that can be bound by nobody is asked for once, later and later again, and not at each message: asking is a message itself', async () => {
  const { neutron, host, there, follow } = await withNeutron();
  const port = neutron.add({ host, deviceId: 'LNX10001', binding: 'failed' });
  neutron.unbindable.add(port.portId);
  const first = await (await startRun(there.client, 'reconcileHost', { host })).result();
  const last = { checkpoint: first.checkpoint, failures: first.failures };
  const second = await (await startRun(there.client, 'reconcileHost', { host, last })).result();
  expect((await follow(port.portId)).failed[0]?.reason).toContain('not bound');
  expect(neutron.bindings).toEqual([port.portId]);
  expect(neutron.reports).toEqual([`down ${port.portId}`]);
  expect(second.failures).toEqual(first.failures);
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

test('the pauses between looks for a row grow: ACTIVE follows it within three seconds for a minute, and nobody looks for more than five', () => {
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

test('reconciliation moves a port whose device id names another guest since', async () => {
  const { neutron, host, there } = await withNeutron();
  const port = neutron.add({ host, deviceId: 'LNX10001', segment: onVlan(57) });
  const first = await (await startRun(there.client, 'reconcileHost', { host })).result();
  neutron.change(port.portId, { deviceId: 'LNX10003' });
  let last = { checkpoint: first.checkpoint, failures: first.failures };
  const isMoved = async () => {
    const { checkpoint } = await (await startRun(there.client, 'reconcileHost', { host, last })).result();
    last = { checkpoint, failures: [] };
    return (await there.guest('LNX10003')).granted.VSW1?.[0] === 57;
  };
  expect(await becomes(isMoved)).toBe(true);
  expect((await there.guest('LNX10001')).rows).toEqual([]);
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

test('reconciliation creates what Neutron wants, moves what it wants elsewhere, undoes what it wants no more, and reports each once', async () => {
  const { neutron, host, there } = await withNeutron();
  const [made, moved, gone] = [70, 71, 72].map((vlan, index) =>
    neutron.add({ host, deviceId: `LNX1000${index * 2 + 1}`, segment: onVlan(vlan) }),
  );
  if (made === undefined || moved === undefined || gone === undefined) throw new Error('no ports');
  const first = await (await startRun(there.client, 'reconcileHost', { host })).result();
  expect(first.reported).toEqual({ up: 3, down: 0 });
  neutron.change(moved.portId, { segment: onVlan(81, 'physnet2') });
  neutron.remove(gone.portId);
  const last = ({ checkpoint, failures }: typeof first) => ({ host, last: { checkpoint, failures } });
  const second = await (await startRun(there.client, 'reconcileHost', last(first))).result();
  expect(second.failures).toEqual([]);
  expect((await there.guest('LNX10001')).granted).toEqual({ VSW1: [70] });
  expect((await there.guest('LNX10003')).granted).toEqual({ VSW2: [81] });
  expect((await there.guest('LNX10005')).granted).toEqual({});
  const third = await (await startRun(there.client, 'reconcileHost', last(second))).result();
  expect({ drifted: third.drifted, reported: third.reported }).toEqual({ drifted: 0, reported: { up: 0, down: 0 } });
});

/** Reconciliations as the Schedule runs them: each gets the result of the last. */
function reconciling({ client, host }: Environment) {
  let last: Pick<ReconcileHostResult, 'checkpoint' | 'failures' | 'unreported'> | undefined;
  return async () => {
    const result = await (
      await startRun(client, 'reconcileHost', { host, ...(last === undefined ? {} : { last }) })
    ).result();
    last = { checkpoint: result.checkpoint, failures: result.failures, unreported: result.unreported };
    return result;
  };
}

test('a status that somebody else has set wrong is put right by the next reconciliation, however often, and is told once', async () => {
  const { neutron, host, there, follow } = await withNeutron();
  const [port, other] = [1, 3].map((n) => neutron.add({ host, deviceId: `LNX1000${n}`, segment: onVlan(82) }));
  if (port === undefined || other === undefined) throw new Error('no ports');
  await follow(port.portId, other.portId);
  const reconcile = reconciling(there);
  await reconcile();
  neutron.reports.splice(0);
  for (const status of ['DOWN', 'BUILD', 'DOWN', 'DOWN']) {
    neutron.change(port.portId, { status });
    expect((await reconcile()).drifted).toBe(0);
    expect(neutron.all.get(port.portId)?.status).toBe('ACTIVE');
  }
  expect((await reconcile()).reported).toEqual({ up: 0, down: 0 });
  expect(neutron.reports).toEqual(Array.from({ length: 4 }, () => `up ${port.portId}`));
});

test('a port that somebody else has set ACTIVE though it is down is put right, and its NIC stays uncoupled', async () => {
  const { neutron, host, there } = await withNeutron();
  const port = neutron.add({ host, deviceId: 'LNX10001', segment: onVlan(82), adminStateUp: false });
  const reconcile = reconciling(there);
  await reconcile();
  neutron.change(port.portId, { status: 'ACTIVE' });
  await reconcile();
  expect(neutron.reports).toEqual([`down ${port.portId}`]);
  expect((await there.guest('LNX10001')).nics.map((nic) => nic.vswitch ?? null)).toEqual([null]);
});

test('a port that waits for a DHCP agent is told once, and once more when somebody has changed it', async () => {
  const { neutron, host, there } = await withNeutron();
  const port = neutron.add({ host, deviceId: 'LNX10001', segment: onVlan(83) });
  neutron.blocked.add(port.portId);
  const reconcile = reconciling(there);
  await reconcile();
  await reconcile();
  expect(neutron.reports).toEqual([`up ${port.portId}`]);
  neutron.change(port.portId, { status: 'BUILD' });
  await reconcile();
  await reconcile();
  expect(neutron.reports).toEqual([`up ${port.portId}`, `up ${port.portId}`]);
});

test('a port whose guest an operation was at during a reconciliation is told by the next one', async () => {
  const { neutron, host, there } = await withNeutron();
  const reconcile = reconciling(there);
  await there.control('POST', 'systems/zhcp1/guests/LNX10001/lock');
  const port = neutron.add({ host, deviceId: 'LNX10001', segment: onVlan(84) });
  const { mac } = port;
  const wanted = { portId: port.portId, vswitch: 'VSW1', network: vlan(84), mac };
  const operation = there.run('createPort', { userid: 'LNX10001', ...wanted });
  expect(await becomes(async () => (await there.guest('LNX10001')).rows.length === 1)).toBe(true);
  expect((await reconcile()).skipped).toBe(1);
  expect(neutron.reports).toEqual([]);
  await there.control('POST', 'systems/zhcp1/guests/LNX10001/unlock');
  await operation;
  await there.run('attachNic', { userid: 'LNX10001', ports: [{ portId: port.portId }] });
  await reconcile();
  expect(neutron.all.get(port.portId)?.status).toBe('ACTIVE');
});

test('a port that could not be had and that somebody else has put right is told by the reconciliation that looks again', async () => {
  const { neutron, host, there } = await withNeutron();
  const first = neutron.add({ host, deviceId: 'LNX10001', segment: onVlan(88) });
  const second = neutron.add({ host, deviceId: 'LNX10001', segment: onVlan(89) });
  const run = await (await startRun(there.client, 'reconcileHost', { host })).result();
  expect(run.failures.map(({ about }) => about)).toEqual([{ kind: 'port', portId: second.portId }]);
  await there.run('deletePort', { userid: 'LNX10001', portId: first.portId });
  neutron.remove(first.portId);
  const { portId: id, mac } = second;
  await there.run('attachNic', {
    userid: 'LNX10001',
    ports: [{ portId: id, vswitch: 'VSW1', network: vlan(89), mac }],
  });
  const failures = run.failures.map((failure) => ({ ...failure, notBefore: 0 }));
  await (
    await startRun(there.client, 'reconcileHost', { host, last: { checkpoint: run.checkpoint, failures } })
  ).result();
  expect(neutron.all.get(id)?.status).toBe('ACTIVE');
});

test('a port that could not be had and has become right since stays ACTIVE, though its next try is not due', async () => {
  const { neutron, host, there, follow } = await withNeutron();
  neutron.add({ host, deviceId: 'LNX10001', segment: onVlan(85) });
  const other = neutron.add({ host, deviceId: 'LNX10001', segment: onVlan(86) });
  const first = await (await startRun(there.client, 'reconcileHost', { host })).result();
  expect(first.failures.map(({ about }) => about)).toEqual([{ kind: 'port', portId: other.portId }]);
  neutron.change(other.portId, { segment: onVlan(85) });
  await follow(other.portId);
  const reported = [...neutron.reports];
  expect(reported.at(-1)).toBe(`up ${other.portId}`);
  const last = { checkpoint: first.checkpoint, failures: first.failures };
  const second = await (await startRun(there.client, 'reconcileHost', { host, last })).result();
  expect({ failures: second.failures, reports: neutron.reports }).toEqual({ failures: [], reports: reported });
});

test('a guest whose repair failed and that was wired since keeps its ports ACTIVE, though its next repair is not due', async () => {
  const { neutron, host, there, follow } = await withNeutron();
  const port = neutron.add({ host, deviceId: 'LNX10001', segment: onVlan(87) });
  await follow(port.portId);
  const notBefore = Date.now() + 3_600_000;
  const about = { kind: 'guest' as const, userid: Userid.parse('LNX10001') };
  const failures = [{ about, reason: 'its directory entry was locked', attempts: 1, notBefore }];
  const result = await (
    await startRun(there.client, 'reconcileHost', { host, last: { checkpoint: '', failures } })
  ).result();
  expect(result.failures).toEqual(failures);
  expect(neutron.reports).toEqual([`up ${port.portId}`]);
});

test('a list of ports that is short undoes nothing: each port that is missing in it is looked up first', async () => {
  const { neutron, host, there } = await withNeutron();
  const port = neutron.add({ host, deviceId: 'LNX10001', segment: onVlan(90) });
  const first = await (await startRun(there.client, 'reconcileHost', { host })).result();
  neutron.unlisted.add(port.portId);
  const last = { checkpoint: first.checkpoint, failures: first.failures };
  const second = await (await startRun(there.client, 'reconcileHost', { host, last })).result();
  expect({ drifted: second.drifted, failures: second.failures }).toEqual({ drifted: 0, failures: [] });
  expect((await there.guest('LNX10001')).granted).toEqual({ VSW1: [90] });
});
