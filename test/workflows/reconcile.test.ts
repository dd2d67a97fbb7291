import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ensureReconcileSchedule } from '../../runtime/host/reconcile-schedule.ts';
import { restoreSnapshot, type Snapshot, takeSnapshot } from '../../simulator/control/snapshot.ts';
import { reconcileScheduleId } from '../../temporal-config/names.ts';
import type { ReconcileHostResult } from '../../workflows/reconciliation-result.ts';
import { createEnvironment, type Environment, portId, vlan } from './environment.ts';
import { reconcileHost, startRun } from './start.ts';

const GUESTS = ['LNX10001', 'LNX10002', 'LNX10003', 'LNX10004'];
const ADMINISTRATORS = 'LNX10009';
const VSWITCHES = ['VSW1', 'VSW2', 'VSWPORT'];

let zvm: Environment;
let right: Snapshot;
let last: Pick<ReconcileHostResult, 'checkpoint' | 'failures'>;
beforeAll(async () => {
  zvm = await createEnvironment({ guests: 10 });
  for (const [guest, userid] of GUESTS.entries()) {
    const ports = VSWITCHES.map((vswitch, index) => ({
      portId: portId(guest * 10 + index + 1),
      vswitch,
      network: vlan(100 + guest),
    }));
    await zvm.run('attachNic', { userid, ports });
  }
  await administratorsWork();
  const first = await reconcile();
  expect(first).toMatchObject({ examined: 4, drifted: 0, failed: 0 });
  last = await reconcile(first);
  right = takeSnapshot(zvm.simulator.mn);
});
afterAll(() => zvm.close());

/** A NIC and its grant without a record. */
async function administratorsWork(): Promise<void> {
  const vswitch = system().vswitch('VSW1');
  const guest = system().guest(ADMINISTRATORS);
  if (vswitch === undefined || guest === undefined) throw new Error('no VSWITCH or guest');
  system().grant(vswitch, ADMINISTRATORS, { vlans: [9], portType: 'ACCESS', promiscuous: false, persist: true });
  const nicdef = { vdev: '0600', type: 'QDIO' as const, devices: 3, chpid: null, macid: '00AA00', portNumber: null };
  system().addNicdef(guest, { ...nicdef, lan: { owner: 'SYSTEM', name: 'VSW1' } }, false);
  if (guest.loggedOn) system().logoff(guest);
  system().logon(guest);
}

const reconcile = (from?: typeof last, more: object = {}) => reconcileHost(zvm, from, { sweepSeconds: 2, ...more });

function system() {
  const [first] = zvm.simulator.mn.systems;
  if (first === undefined) throw new Error('no z/VM');
  return first;
}
const rows = () => zvm.simulator.mn.tables.list('switch');
const put = (userid: string, vdev: string, values: Record<string, string>) =>
  zvm.simulator.mn.tables.replace(
    'switch',
    rows().map((row) => (isRow(row, userid, vdev) ? { ...row, ...values } : row)),
  );
const drop = (userid: string, vdev: string) =>
  zvm.simulator.mn.tables.replace(
    'switch',
    rows().filter((row) => !isRow(row, userid, vdev)),
  );
const isRow = (row: Record<string, string | null>, userid: string, vdev: string) =>
  row.node === userid.toLowerCase() && row.interface === vdev;

/** Differences between a guest and its rows; empty when all is right. */
function wrong(userid: string): string[] {
  const guest = system().guest(userid);
  if (guest === undefined) return ['no guest'];
  const recorded = rows().filter((row) => row.node === userid.toLowerCase());
  const vdevs = new Set(recorded.map((row) => row.interface));
  const left = [...guest.nicdefs, ...guest.nics].filter((nic) => !vdevs.has(nic.vdev)).map((nic) => `${nic.vdev} left`);
  return [...left, ...recorded.flatMap((row) => wrongPort(guest, row))];
}

function wrongPort(
  guest: NonNullable<ReturnType<ReturnType<typeof system>['guest']>>,
  row: Record<string, string | null>,
) {
  const vswitch = system().vswitch(row.switch ?? '');
  if (vswitch === undefined) return [`no ${row.switch}`];
  const nicdef = guest.nicdefs.find((nic) => nic.vdev === row.interface);
  const nic = guest.nics.find((candidate) => candidate.vdev === row.interface);
  const grants = vswitch.portBased
    ? [...vswitch.ports.values()].filter((port) => port.userid === guest.userid)
    : [vswitch.authorisations.get(guest.userid)].filter((grant) => grant !== undefined);
  return [
    ...(grants.map((grant) => grant.vlans.join()).join(' ') === row.vlan ? [] : [`${row.switch} grants`]),
    ...(nicdef?.lan?.name === row.switch ? [] : [`${row.interface} directory`]),
    ...(nic === undefined || (nic.vswitch === row.switch && nic.vlans.join() === row.vlan)
      ? []
      : [`${row.interface} live`]),
  ];
}

const foreign = () => ({
  grant: system().vswitch('VSW1')?.authorisations.get(ADMINISTRATORS),
  nicdefs: system().guest(ADMINISTRATORS)?.nicdefs,
  nic: system()
    .guest(ADMINISTRATORS)
    ?.nics.map(({ vswitch, vlans }) => ({ vswitch, vlans })),
});

const back = () => restoreSnapshot(zvm.simulator.mn, right);

describe('a host in order', () => {
  test('costs at most 8 calls and few events, and nothing is done', async () => {
    back();
    const calls = zvm.simulator.mn.tables && (await zvm.events()).filter((event) => event.type === 'http').length;
    const run = await startRun(zvm.client, 'reconcileHost', { host: zvm.host, last });
    const result = await run.result();
    expect(result).toMatchObject({ examined: 4, inOrder: 4, drifted: 0, repaired: 0, failed: 0, skipped: 0 });
    const made = (await zvm.events()).filter((event) => event.type === 'http').length - calls;
    expect(made).toBeLessThanOrEqual(8);
    const { events } = await run.fetchHistory();
    expect(events?.length).toBeLessThanOrEqual(20);
  });

  test('tells what is foreign, and leaves it alone', async () => {
    back();
    const before = foreign();
    const { foreign: count, foreignLines } = await reconcile(last);
    expect(foreignLines).toContain('LNX10009 is authorised on VSW1 without a port');
    expect(foreignLines).toContain('NIC 0600 of LNX10009 is coupled to VSW1 without a port');
    expect(count).toBe(foreignLines.length);
    expect(foreign()).toEqual(before);
  });
});

describe('drift', () => {
  test.each([
    ['a lost grant', () => system().revoke(vsw('VSW1'), 'LNX10001'), 'LNX10001 is not authorised on VSW1'],
    ['a wrong VLAN', () => put('LNX10001', '1000', { vlan: '777' }), 'with VLAN 100, not VLAN 777'],
    ['a NIC that is not coupled', () => uncouple('LNX10003', '1003'), 'NIC 1003 of LNX10003 is not coupled to VSW2'],
    ['a port number that is gone', () => vsw('VSWPORT').ports.clear(), 'has no port of VSWPORT'],
    ['a row that vanished', () => drop('LNX10001', '1003'), 'the port of NIC 1003 of LNX10001 is no longer recorded'],
    ['a row that is doubled', () => doubleRow('LNX10001', '1000'), 'has 2 rows'],
    ['a port moved to another VSWITCH', () => move('LNX10001'), 'a port of LNX10001 has left VSW1'],
    ['a VSWITCH that is gone', () => system().deleteVswitch('VSW2'), 'create VSWITCH VSW2'],
    ['a re-IPL', () => system().reIpl(true), 'LNX10001 is not authorised on VSW1'],
    ['a directory entry without the NIC', () => unlist('LNX10002', '1000'), 'directory entry of LNX10002'],
  ] as const)('%s is found, told, and repaired', async (_case, harm, line) => {
    back();
    harm();
    const planned = await reconcile(last, { dryRun: true });
    expect(planned.repaired).toBe(0);
    // A sweep of two runs: what only the directory shows is found by the second.
    let result = await reconcile(last);
    const drifts = [...result.drifts];
    result = await reconcile(result);
    drifts.push(...result.drifts);
    expect(drifts.join('\n')).toContain(line);
    expect(GUESTS.flatMap(wrong)).toEqual([]);
    expect(await reconcile(result)).toMatchObject({ drifted: 0, failed: 0 });
  });

  test('a NIC that is uncoupled on a guest that was logged off when it was wired is found without a sweep', async () => {
    back();
    const seldom = { sweepSeconds: 1_000 };
    const guest = system().guest('LNX10002');
    if (guest === undefined) throw new Error('no guest');
    system().logon(guest);
    const seen = await reconcile(last, seldom);
    uncouple('LNX10002', '1003');
    const { drifts } = await reconcile(seen, seldom);
    expect(drifts.join()).toContain('NIC 1003 of LNX10002 is not coupled to VSW2');
    expect(wrong('LNX10002')).toEqual([]);
  });

  test('a guest with an operation in progress is left to it', async () => {
    back();
    await zvm.control('POST', 'systems/zhcp1/guests/LNX10001/lock');
    const change = zvm.run('changeVlan', {
      userid: 'LNX10001',
      portId: portId(1),
      vswitch: 'VSW2',
      network: vlan(100),
    });
    await expect.poll(async () => (await reconcile(last)).skipped).toBeGreaterThan(0);
    await zvm.control('POST', 'systems/zhcp1/guests/LNX10001/unlock');
    await change;
    expect(wrong('LNX10001')).toEqual([]);
  });

  test('a guest that cannot be repaired is reported with its reason, waits longer and longer, and stops no other', async () => {
    back();
    put('LNX10001', '1000', { switch: 'NOSUCH' });
    system().revoke(vsw('VSW1'), 'LNX10003');
    const seldom = { intervalSeconds: 600, sweepSeconds: 1_200 };
    const first = await reconcile(last, seldom);
    expect(first).toMatchObject({
      failed: 1,
      failures: [{ about: { kind: 'guest', userid: 'LNX10001' }, attempts: 1 }],
    });
    expect(first.failures[0]?.reason).toContain('NOSUCH');
    expect(wrong('LNX10003')).toEqual([]);
    const second = await reconcile(first, seldom);
    expect(second).toMatchObject({ failed: 1, skipped: 1, drifted: 0, failures: first.failures });
  });

  test('rows of another host are none of its business', async () => {
    back();
    const row = {
      node: 'lnx10005',
      switch: 'VSW1',
      port: portId(900),
      vlan: '5',
      interface: '1000',
      comments: 'zhcp2',
    };
    zvm.simulator.mn.tables.put('switch', row);
    expect(await reconcile(last)).toMatchObject({ examined: 4, drifted: 0 });
  });
});

const DRIFTS = {
  revoke: (userid: string) => void system().revoke(vsw('VSW1'), userid),
  regrant: (userid: string) =>
    void system().grant(vsw('VSW2'), userid, { vlans: [9], portType: 'ACCESS', promiscuous: false, persist: false }),
  uncouple: (userid: string) => uncouple(userid, '1003'),
  unnumber: () => vsw('VSWPORT').ports.clear(),
  unrecord: (userid: string) => drop(userid, '1006'),
  unlist: (userid: string) => unlist(userid, '1000'),
  revlan: (userid: string) => put(userid, '1003', { vlan: '4094' }),
  logoff: (userid: string) => void system().logoff(guestOf(userid)),
  logon: (userid: string) => void system().logon(guestOf(userid)),
  ipl: () => system().reIpl(true),
  restart: () => zvm.simulator.mn.restart(),
  deleteVswitch: () => void system().deleteVswitch('VSW2'),
};

test('whatever has drifted, two runs bring the host to what is recorded, and touch nothing foreign', async () => {
  const drift = fc.tuple(
    fc.constantFrom(...(Object.keys(DRIFTS) as (keyof typeof DRIFTS)[])),
    fc.constantFrom(...GUESTS),
  );
  const cut = fc.option(fc.record({ skip: fc.nat(6), when: fc.constantFrom('before', 'after') }));
  await fc.assert(
    fc.asyncProperty(fc.array(drift, { minLength: 1, maxLength: 8 }), cut, async (drifts, dropped) => {
      back();
      for (const [kind, userid] of drifts) DRIFTS[kind](userid);
      const before = { ...foreign(), nic: undefined };
      if (dropped !== null) {
        const action = { kind: 'drop', when: dropped.when };
        await zvm.control('POST', 'faults', { match: { path: '/xcatws' }, action, skip: dropped.skip, times: 1 });
      }
      const result = await reconcile(await reconcile(last));
      await zvm.control('DELETE', 'faults');
      expect({ wrong: GUESTS.flatMap(wrong), failed: result.failures }).toEqual({ wrong: [], failed: [] });
      expect({ ...foreign(), nic: undefined }).toEqual(before);
      expect(await reconcile(result, { dryRun: true })).toMatchObject({ drifted: 0 });
    }),
    { numRuns: 15, endOnFailure: true },
  );
}, 300_000);

// A longer one: SOAK_SECONDS=300 npm test -- test/workflows/reconcile.test.ts
const SOAK_SECONDS = Number(process.env.SOAK_SECONDS ?? 20);

test('drift, operations and faults at once end clean', { timeout: (SOAK_SECONDS + 240) * 1_000 }, async () => {
  back();
  const operated = ['LNX10005', 'LNX10006', 'LNX10007'];
  const end = Date.now() + SOAK_SECONDS * 1_000;
  const pick = <Value>(values: readonly Value[]): Value => values[Math.floor(Math.random() * values.length)] as Value;
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, Math.random() * ms));
  const operations = async (userid: string, number: number) => {
    for (let turn = 0; Date.now() < end; turn += 1) {
      const port = {
        userid,
        portId: portId(5_000 + number),
        vswitch: pick(['VSW1', 'VSW2']),
        network: vlan(500 + turn),
      };
      await zvm.run('attachNic', { userid, ports: [{ ...port, userid: undefined }] }).catch(() => undefined);
      await zvm.run('changeVlan', port).catch(() => undefined);
      if (turn % 2 === 0) await zvm.run('deletePort', { userid, portId: port.portId }).catch(() => undefined);
    }
  };
  const harm = async () => {
    while (Date.now() < end) {
      DRIFTS[pick(Object.keys(DRIFTS) as (keyof typeof DRIFTS)[])](pick(GUESTS));
      await pause(1_000);
    }
  };
  const faults = async () => {
    const actions = [
      { kind: 'drop', when: 'after' },
      { kind: 'drop', when: 'before' },
      { kind: 'status', status: 503 },
    ];
    while (Date.now() < end) {
      await zvm.control('POST', 'faults', { match: { path: '/xcatws' }, action: pick(actions), times: 1 });
      await pause(700);
    }
  };
  let seen: typeof last = last;
  const reconciling = async () => {
    while (Date.now() < end) seen = await reconcile(seen).catch(() => seen);
  };
  await Promise.all([...operated.map(operations), harm(), faults(), reconciling()]);
  await zvm.control('DELETE', 'faults');
  // Repairs that failed during the soak wait for their time: from here on nothing does.
  let result = await reconcile({ ...seen, failures: [] });
  result = await reconcile({ ...result, failures: [] });
  expect([...GUESTS, ...operated].flatMap((userid) => wrong(userid).map((what) => `${userid} ${what}`))).toEqual([]);
  expect(await reconcile({ ...result, failures: [] }, { dryRun: true })).toMatchObject({ drifted: 0 });
});

test('the fleet sums up its hosts, and names one that it cannot reach', async () => {
  back();
  system().revoke(vsw('VSW1'), 'LNX10001');
  const hostsNamed = [zvm.host, 'zvm-nobody'];
  const run = await startRun(zvm.client, 'reconcileFleet', { hosts: hostsNamed, giveUpAfterMinutes: 0.5 });
  const { hosts, ...sums } = await run.result();
  expect(sums).toMatchObject({ examined: 4, drifted: 1, repaired: 1, failed: 0, unreached: [{ host: 'zvm-nobody' }] });
  expect(hosts).toMatchObject([{ host: zvm.host, drifts: ['LNX10001 is not authorised on VSW1'] }]);
});

test('by its Schedule a host is reconciled again and again, each run knowing what the one before saw', async () => {
  back();
  const handle = zvm.client.schedule.getHandle(reconcileScheduleId(zvm.host));
  try {
    await ensureReconcileSchedule(zvm.client, zvm.host, { intervalSeconds: 1, sweepSeconds: 60 });
    const runs = async () => (await handle.describe()).info.numActionsTaken;
    await expect.poll(runs).toBeGreaterThan(1);
    drop('LNX10003', '1006');
    await expect.poll(() => wrong('LNX10003')).toEqual([]);
    await handle.pause('test');
    await ensureReconcileSchedule(zvm.client, zvm.host, { intervalSeconds: 2, sweepSeconds: 60 });
    expect((await handle.describe()).state.paused).toBe(true);
  } finally {
    await handle.delete();
  }
});

function vsw(name: string) {
  const vswitch = system().vswitch(name);
  if (vswitch === undefined) return { authorisations: new Map(), ports: new Map() } as never;
  return vswitch;
}
function guestOf(userid: string) {
  const guest = system().guest(userid);
  if (guest === undefined) throw new Error(`no guest ${userid}`);
  return guest;
}
function uncouple(userid: string, vdev: string): void {
  const nic = guestOf(userid).nics.find((candidate) => candidate.vdev === vdev);
  if (nic !== undefined) system().uncouple(guestOf(userid), nic, 'an administrator');
}
function unlist(userid: string, vdev: string): void {
  system().removeNicdef(guestOf(userid), vdev);
}
function doubleRow(userid: string, vdev: string): void {
  const row = rows().find((candidate) => isRow(candidate, userid, vdev));
  zvm.simulator.mn.tables.replace('switch', [...rows(), { ...row, switch: '' }]);
}
function move(userid: string): void {
  drop(userid, '1003');
  put(userid, '1000', { switch: 'VSW2' });
}
