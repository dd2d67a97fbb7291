import { expect, test } from 'vitest';
import { Userid } from '../../domain/text/identifiers.ts';
import type { ReconcileHostResult } from '../../workflows/reconciliation-result.ts';
import { type Environment, vlan } from '../workflows/environment.ts';
import { startRun } from '../workflows/start.ts';
import { onVlan, withNeutron } from './host-with-neutron.ts';
import { becomes } from './real-neutron.ts';

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
])('a port that was $as while no agent ran is undone, and is not asked for in the name of others', async (moved) => {
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

test('a port that cannot be bound is asked for once, later and later again, and not at each message: asking is a message itself', async () => {
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

test('a status that another program has set wrong is put right by the next reconciliation, however often, and is told once', async () => {
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

test('a port that another program has set ACTIVE though it is down is put right, and its NIC stays uncoupled', async () => {
  const { neutron, host, there } = await withNeutron();
  const port = neutron.add({ host, deviceId: 'LNX10001', segment: onVlan(82), adminStateUp: false });
  const reconcile = reconciling(there);
  await reconcile();
  neutron.change(port.portId, { status: 'ACTIVE' });
  await reconcile();
  expect(neutron.reports).toEqual([`down ${port.portId}`]);
  expect((await there.guest('LNX10001')).nics.map((nic) => nic.vswitch ?? null)).toEqual([null]);
});

test('a port that waits for a DHCP agent is told once, and once more when its status has changed', async () => {
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

test('a port that could not be had and that an operation has put right is told by the reconciliation that looks again', async () => {
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
