import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { restoreSnapshot, type Snapshot, takeSnapshot } from '../../simulator/control/snapshot.ts';
import type { ReconcileHostResult } from '../../workflows/reconciliation-result.ts';
import { createEnvironment, type Environment, portId, vlan } from './environment.ts';
import { reconcileHost } from './start.ts';

// LNX10001 runs, LNX10002 is logged off.
const RUNNING = 'LNX10001';
const OFF = 'LNX10002';
const [UP, DOWN, OFF_UP, OFF_DOWN] = [portId(11), portId(12), portId(21), portId(22)];
const TO_CONFIRM = [DOWN, OFF_DOWN].toSorted();

let zvm: Environment;
let asLeft: Snapshot;
beforeAll(async () => {
  zvm = await createEnvironment({ guests: 4 });
  for (const [userid, first, second] of [
    [RUNNING, UP, DOWN],
    [OFF, OFF_UP, OFF_DOWN],
  ] as const) {
    const ports = [first, second].map((port) => ({ portId: port, vswitch: 'VSW1', network: vlan(100) }));
    await zvm.run('attachNic', { userid, ports });
    await zvm.run('setAdminState', { userid, portId: second, adminStateUp: false });
  }
  // The historic agent's tables say nothing of it.
  const tables = zvm.simulator.mn.tables;
  tables.replace(
    'switch',
    tables.list('switch').map((row) => ({ ...row, disable: null })),
  );
  asLeft = takeSnapshot(zvm.simulator.mn);
});
afterAll(() => zvm.close());
beforeEach(() => restoreSnapshot(zvm.simulator.mn, asLeft));

const reconcile = (last?: Pick<ReconcileHostResult, 'checkpoint'>) =>
  reconcileHost(zvm, last && { checkpoint: last.checkpoint }, { sweepSeconds: 3600 });

const coupled = async (userid: string) => (await zvm.guest(userid)).nics.map(({ vswitch }) => vswitch);
const atLogon = async (userid: string) => (await zvm.guest(userid)).directory.map(({ vswitch }) => vswitch);
const listed = ({ failures }: ReconcileHostResult) =>
  failures.map(({ about }) => (about.kind === 'port' ? about.portId : about.kind)).toSorted();
const nicsChanged = async (since: number) =>
  (await zvm.events(since)).filter(({ type }) => ['coupled', 'uncoupled', 'nicdef-added', 'granted'].includes(type));
const lastEvent = async () => (await zvm.events()).at(-1)?.seq ?? 0;

describe('the first reconciliations of a host that the historic agent had', () => {
  test('touch nothing, and list what looks administratively down until it is confirmed', async () => {
    const since = await lastEvent();
    const first = await reconcile();
    expect(first).toMatchObject({ drifted: 0, repaired: 0 });
    expect(listed(first)).toEqual(TO_CONFIRM);
    expect(first.failures[0]?.reason).toContain(
      `zvmnet port down ${listed({ ...first, failures: first.failures.slice(0, 1) })[0]}`,
    );
    const third = await reconcile(await reconcile(first));
    expect(listed(third)).toEqual(TO_CONFIRM);
    expect(await nicsChanged(since)).toEqual([]);
  });

  test('list it no more when an operator has said which it is', async () => {
    const first = await reconcile();
    await zvm.run('setAdminState', { userid: RUNNING, portId: DOWN, adminStateUp: false });
    await zvm.run('setAdminState', { userid: OFF, portId: OFF_DOWN, adminStateUp: true });
    const then = await reconcile(first);
    expect(then).toMatchObject({ drifted: 0, failures: [] });
    expect(await coupled(RUNNING)).toEqual(['VSW1', null]);
    expect(await atLogon(OFF)).toEqual(['VSW1', 'VSW1']);
    expect((await zvm.guest(RUNNING)).rows.map(({ disable }) => disable)).toEqual([null, 'yes']);
  });

  test('repair all else of such a guest, also after a re-IPL', async () => {
    const first = await reconcile();
    const [system] = zvm.simulator.mn.systems;
    for (const { authorisations } of system?.vswitches.values() ?? [])
      for (const grant of authorisations.values()) grant.persist = false;
    system?.reIpl(true);
    const then = await reconcile(first);
    expect(then).toMatchObject({ reIpled: true });
    expect(listed(then)).toEqual(TO_CONFIRM);
    expect(await coupled(RUNNING)).toEqual(['VSW1', null]);
    expect((await zvm.guest(OFF)).granted).toEqual({ VSW1: [100] });
    expect(await atLogon(OFF)).toEqual(['VSW1', null]);
  });

  test('couple a NIC that is lost while the directory couples it', async () => {
    const [system] = zvm.simulator.mn.systems;
    const guest = system?.guest(RUNNING);
    const [nic] = guest?.nics ?? [];
    if (system === undefined || guest === undefined || nic === undefined) throw new Error('no NIC');
    system.uncouple(guest, nic, 'test');
    await reconcile();
    expect(await coupled(RUNNING)).toEqual(['VSW1', null]);
  });
});

test('an operation on another port of the guest leaves it down', async () => {
  await zvm.run('changeVlan', { userid: RUNNING, portId: UP, network: vlan(101) });
  expect(await coupled(RUNNING)).toEqual(['VSW1', null]);
  expect((await zvm.guest(RUNNING)).granted).toEqual({ VSW1: [101] });
});

test('on a host that was reconciled before, what is uncoupled in both places is drift', async () => {
  const before = await reconcile();
  await zvm.run('setAdminState', { userid: RUNNING, portId: DOWN, adminStateUp: true });
  const known = await reconcile(before);
  const [system] = zvm.simulator.mn.systems;
  const guest = system?.guest(RUNNING);
  const nic = guest?.nics.find(({ vdev }) => vdev === '1003');
  if (system === undefined || guest === undefined || nic === undefined) throw new Error('no NIC');
  system.uncouple(guest, nic, 'test');
  const nicdef = guest.nicdefs.find(({ vdev }) => vdev === '1003');
  if (nicdef !== undefined) system.changeNicdef(guest, { ...nicdef, lan: null });
  await reconcile(await reconcile(known));
  expect(await coupled(RUNNING)).toEqual(['VSW1', 'VSW1']);
});
