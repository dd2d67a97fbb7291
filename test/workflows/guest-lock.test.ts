import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { taskQueueOf } from '../../domain/host/host.ts';
import { devicesOverlap, nicDevices, Vdev } from '../../domain/port/vdev.ts';
import { ZVM_OUTCOME } from '../../temporal-config/search-attributes.ts';
import {
  createEnvironment,
  type Environment,
  failureOf,
  hasHeardOfCancel,
  laterThanNow,
  portId,
  vlan,
} from './environment.ts';
import { startRun } from './start.ts';

const USERID = 'LNX10001';
/** The longest that a worker may take to hear of a cancel. */
const HEARTBEAT_MS = 5_000;
let zvm: Environment;
beforeAll(async () => {
  zvm = await createEnvironment();
});
afterAll(() => zvm.close());

test('fifty operations at once on one guest end in what some serial order gives, with no vdev and no MAC used twice', async () => {
  const settled = await Promise.all(
    Array.from({ length: 50 }, async (_, number) => {
      const id = portId(Math.floor(number / 2));
      const created = { portId: id, vswitch: number % 4 < 2 ? 'VSW1' : 'VSW2', network: vlan(100) };
      const deletes = number % 10 === 9;
      const operation =
        number % 2 === 0
          ? zvm.run('attachNic', { userid: USERID, ports: [created] })
          : deletes
            ? zvm.run('deletePort', { userid: USERID, portId: id })
            : zvm.run('createPort', { userid: USERID, ...created });
      return operation.then(
        (result) => ({ id, deletes, result }),
        () => failureOf(operation).then((failure) => ({ id, deletes, failure })),
      );
    }),
  );
  expect(settled.filter((one) => 'failure' in one)).toEqual([]);
  const guest = await zvm.guest(USERID);
  const vdevs = guest.rows.map((row) => Vdev.parse(row.interface));
  for (const [index, vdev] of vdevs.entries())
    expect(vdevs.slice(index + 1).some((other) => devicesOverlap(nicDevices(vdev), nicDevices(other)))).toBe(false);
  const macs = guest.directory.map((nic) => nic.macid);
  expect(new Set(macs).size).toBe(macs.length);
  expect(guest.directory.map((nic) => nic.vdev).sort()).toEqual([...vdevs].sort());
  expect(guest.nics.every((nic) => nic.vswitch !== null)).toBe(true);
  // Every port without a delete is there; one that is created and deleted is there or not, as the order was.
  const deleted = new Set(settled.filter((one) => one.deletes).map((one) => one.id));
  for (const { id } of settled) if (!deleted.has(id)) expect(guest.rows.map((row) => row.port)).toContain(id);
  const usedVswitches = [...new Set(guest.rows.map((row) => row.switch ?? ''))].sort();
  expect(Object.keys(guest.granted).sort()).toEqual(usedVswitches);
}, 300_000);

const isWaiting = async (id: string) =>
  (await zvm.client.workflow.getHandle(id).describe()).typedSearchAttributes.get(ZVM_OUTCOME) === 'waiting';
const toVlan = (number: number, segmentationId: number) => ({
  ...{ host: zvm.host, userid: 'LNX10003', portId: portId(number), network: vlan(segmentationId) },
});

test('operations that wait for a guest have their turns in the order in which they were asked for', async () => {
  await zvm.run('createPort', { userid: 'LNX10003', portId: portId(90), vswitch: 'VSW1', network: vlan(100) });
  const held = await zvm.hold({ command: 'Virtual_Network_Vswitch_Query' });
  const runs: Awaited<ReturnType<typeof startRun>>[] = [];
  for (const segmentationId of [201, 202, 203, 204]) {
    runs.push(await startRun(zvm.client, 'changeVlan', toVlan(90, segmentationId) as never));
    await laterThanNow();
  }
  const waiting = async () => (await Promise.all(runs.map((run) => isWaiting(run.workflowId)))).filter(Boolean);
  await expect.poll(waiting).toHaveLength(3);
  await held.release();
  await Promise.all(runs.map((run) => run.result()));
  const ends = await Promise.all(runs.map(async (run) => (await run.describe()).closeTime?.getTime() ?? 0));
  expect(ends).toEqual(ends.toSorted((one, other) => one - other));
  expect((await zvm.guest('LNX10003')).granted).toEqual({ VSW1: [204] });
});

test('an operation that comes to the guest before one that was asked for earlier gives way to it', async () => {
  const held = await zvm.hold({ command: 'Virtual_Network_Vswitch_Query' });
  const earlier = await zvm.client.workflow.start('changeVlan', {
    taskQueue: taskQueueOf(zvm.host),
    workflowId: `change-vlan/${zvm.host}/earlier`,
    args: [toVlan(90, 301)],
    // Asked for now, and on its way when the later one has long been at the guest.
    startDelay: '15 seconds',
  });
  const later = await startRun(zvm.client, 'changeVlan', toVlan(90, 302) as never, 'later');
  await held.reached();
  await expect.poll(() => isWaiting(earlier.workflowId)).toBe(true);
  await held.release();
  const [first, second] = await Promise.all([earlier.result(), later.result()]);
  expect([first, second]).toMatchObject([{ changed: true }, { changed: true }]);
  expect((await zvm.guest('LNX10003')).granted).toEqual({ VSW1: [302] });
});

test('an operation that waits for one that is cancelled follows at once, not when it looks again', async () => {
  await zvm.run('createPort', { userid: 'LNX10005', portId: portId(96), vswitch: 'VSW1', network: vlan(100) });
  await zvm.control('POST', 'systems/zhcp1/guests/LNX10005/lock');
  const ask = { host: zvm.host, userid: 'LNX10005', portId: portId(97), vswitch: 'VSW1', network: vlan(100) };
  const first = await startRun(zvm.client, 'createPort', ask as never);
  const guest = zvm.client.workflow.getHandle(`guest/${zvm.host}/LNX10005`);
  await expect.poll(async () => (await guest.describe()).typedSearchAttributes.get(ZVM_OUTCOME)).toBe('retrying');
  const second = await startRun(zvm.client, 'changeVlan', { ...toVlan(96, 301), userid: 'LNX10005' } as never);
  await expect.poll(() => isWaiting(second.workflowId)).toBe(true);
  await first.cancel();
  await second.result();
  await zvm.control('POST', 'systems/zhcp1/guests/LNX10005/unlock');
  const { events } = await zvm.client.workflow.getHandle(second.workflowId).fetchHistory();
  expect(events?.some((event) => event.timerFiredEventAttributes)).toBe(false);
  expect((await zvm.guest('LNX10005')).granted).toMatchObject({ VSW1: [301] });
});

test('a cancelled operation ends when the call to z/VM that was under way is answered, and undone', async () => {
  const grants = await zvm.hold({ command: 'Virtual_Network_Vswitch_Set_Extended' });
  const ask = { host: zvm.host, userid: 'LNX10006', portId: portId(98), vswitch: 'VSW1', network: vlan(100) };
  const run = await startRun(zvm.client, 'createPort', ask as never);
  await grants.reached();
  await run.cancel();
  await expect.poll(() => hasHeardOfCancel(zvm.client, `guest/${zvm.host}/LNX10006`)).toBe(true);
  // The worker hears of it with its next heartbeat.
  await setTimeout(HEARTBEAT_MS);
  expect((await run.describe()).status.name).toBe('RUNNING');
  await grants.release();
  await expect(run.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
  expect(await zvm.guest('LNX10006')).toMatchObject({ rows: [], granted: {}, directory: [] });
});

test('a cancelled operation that cannot be undone is told as failed, with why and what it had done', async () => {
  const granted = await zvm.hold({ command: 'Virtual_Network_Vswitch_Set_Extended' }, 'after');
  const ask = { host: zvm.host, userid: 'LNX10007', portId: portId(99), vswitch: 'VSW1', network: vlan(100) };
  const run = await startRun(zvm.client, 'createPort', ask as never);
  await granted.reached();
  await run.cancel();
  await expect.poll(() => hasHeardOfCancel(zvm.client, `guest/${zvm.host}/LNX10007`)).toBe(true);
  const notAuthorised = { kind: 'smapi', function: 'Virtual_Network_Vswitch_Set_Extended', rc: 100, rs: 8 };
  const { id } = (await zvm.control('POST', 'faults', { action: notAuthorised })) as { id: string };
  await granted.release();
  const failure = await failureOf(run.result());
  expect(failure).toMatchObject({
    type: 'StepFailed',
    message: expect.stringMatching(/after the cancellation of the operation: .*not authorised/s),
    details: [{ undone: false, done: expect.arrayContaining(['grant LNX10007 on VSW1 with VLAN 100']) }],
  });
  await zvm.control('DELETE', `faults/${id}`);
  expect((await zvm.guest('LNX10007')).granted).toEqual({ VSW1: [100] });
});
