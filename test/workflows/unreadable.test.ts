import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readHostView } from '../../client/read-state.ts';
import { restoreSnapshot, type Snapshot, takeSnapshot } from '../../simulator/control/snapshot.ts';
import type { ReconcileHostResult } from '../../workflows/reconciliation-result.ts';
import { createEnvironment, type Environment, failureOf, portId, vlan } from './environment.ts';
import { reconcileHost } from './start.ts';

const GUESTS = ['LNX10001', 'LNX10002', 'LNX10003', 'LNX10004'];
const GUEST = 'LNX10001';
const [FIRST, SECOND, PORT_BASED] = [portId(1), portId(2), portId(3)];

let zvm: Environment;
let right: Snapshot;
let last: Pick<ReconcileHostResult, 'checkpoint' | 'failures'>;
beforeAll(async () => {
  zvm = await createEnvironment({ guests: 10 });
  for (const [guest, userid] of GUESTS.entries()) {
    const on = ['VSW1', 'VSW1', 'VSWPORT'] as const;
    const ports = on.map((vswitch, index) => ({
      portId: portId(guest * 10 + index + 1),
      vswitch,
      network: vlan(50 + guest),
    }));
    await zvm.run('attachNic', { userid, ports });
  }
  last = await reconcile(await reconcile());
  right = takeSnapshot(zvm.simulator.mn);
});
afterAll(() => zvm.close());

const isAbout =
  (portId: string) =>
  ({ about }: ReconcileHostResult['failures'][number]) =>
    about.kind === 'port' && about.portId === portId;

const back = () => restoreSnapshot(zvm.simulator.mn, right);

const reconcile = (from?: typeof last, more: object = {}) => reconcileHost(zvm, from, { sweepSeconds: 2, ...more });

function system() {
  const [first] = zvm.simulator.mn.systems;
  if (first === undefined) throw new Error('no z/VM');
  return first;
}

function vswitch(name: string) {
  const found = system().vswitch(name);
  if (found === undefined) throw new Error(`no VSWITCH ${name}`);
  return found;
}

function edit(port: string, values: Record<string, string>): void {
  const { tables } = zvm.simulator.mn;
  tables.replace(
    'switch',
    tables.list('switch').map((row) => (row.port === port ? { ...row, ...values } : row)),
  );
}

/** The guest's network on z/VM: NICs of directory and running guest, authorisations. */
function access(userid = GUEST) {
  const guest = system().guest(userid);
  const grants = ['VSW1', 'VSW2', 'VSWFLAT'].map((name) => vswitch(name).authorisations.get(userid));
  const ports = [...vswitch('VSWPORT').ports].filter(([, port]) => port.userid === userid);
  return structuredClone({ nics: guest?.nics, nicdefs: guest?.nicdefs, grants, ports });
}

/** NICs whose ports are recorded, and which are not coupled with the recorded VLAN. */
function uncoupled(): string[] {
  return GUESTS.flatMap((userid, index) =>
    (system().guest(userid)?.nics ?? [])
      .filter((nic) => nic.vswitch === null || nic.vlans.join() !== String(50 + index))
      .map((nic) => `${userid} ${nic.vdev}`),
  );
}

const view = () => readHostView(zvm.client, zvm.host);

describe('fields that smcli prints as (null)', () => {
  test('after a re-IPL, which leaves every NIC uncoupled, all guests are repaired', async () => {
    back();
    system().reIpl(true);
    expect(uncoupled().length).toBeGreaterThan(0);
    expect(await reconcile(last)).toMatchObject({ drifted: 4, repaired: 4, failed: 0, failures: [], findings: [] });
    expect(uncoupled()).toEqual([]);
  });

  test('a port goes down and up again', async () => {
    back();
    await zvm.run('setAdminState', { userid: GUEST, portId: FIRST, adminStateUp: false });
    expect(system().guest(GUEST)?.nics[0]?.vswitch).toBeNull();
    await zvm.run('setAdminState', { userid: GUEST, portId: FIRST, adminStateUp: true });
    expect(uncoupled()).toEqual([]);
  });
});

describe('a VSWITCH without controller', () => {
  test('is a finding; the host is read, reconciled and worked on as before', async () => {
    back();
    vswitch('VSW1').controller = '';
    system().reIpl(true);
    const result = await reconcile(last);
    expect(result).toMatchObject({ repaired: 4, failed: 0, failures: [] });
    expect(result.findings.join('\n')).toContain('Error controller_name is NULL!!');
    expect(result.findings.join('\n')).toContain('VSWITCH VSW1: controller_name is empty');
    expect(uncoupled()).toEqual([]);
    await zvm.run('changeVlan', { userid: GUEST, portId: PORT_BASED, network: vlan(77) });
    expect((await view()).findings.map(({ of }) => of)).toContain('VSWITCH VSW1');
  });
});

// Each is no VLAN, no VDEV, no VSWITCH, no admin state: the wanted state of the port is unreadable.
const MALFORMED: Record<string, fc.Arbitrary<string>> = {
  vlan: fc.oneof(
    fc.constantFrom(
      'abc',
      '12x',
      '4095',
      '5000',
      '0',
      '1e2',
      '0x10',
      '60+bad',
      '60+',
      '+60',
      '7-3',
      '-2',
      ' 50',
      '5O',
      '',
    ),
    fc.string({ unit: 'grapheme-ascii', minLength: 1 }).filter((text) => !/^-1$|^[0-9+-]+$/.test(text)),
  ),
  interface: fc.constantFrom('12345', 'xyz', 'FFFE', '10 00'),
  switch: fc.constantFrom('NAMETOOLONG', 'VSW 1', 'vsw/1'),
  disable: fc.constantFrom('maybe', '2', 'nope', 'y'),
};
const malformed = fc
  .constantFrom(...Object.keys(MALFORMED))
  .chain((column) => (MALFORMED[column] ?? fc.constant('')).map((value) => ({ column, value })));

describe('an unreadable row', () => {
  test('leaves its port exactly as it is on z/VM, whatever reconciles, and is told by its value', async () => {
    await fc.assert(
      fc.asyncProperty(malformed, fc.constantFrom(FIRST, PORT_BASED), async ({ column, value }, port) => {
        back();
        const before = access();
        edit(port, { [column]: value });
        const result = await reconcile(await reconcile(last));
        expect(access()).toEqual(before);
        const failure = result.failures.find(isAbout(port));
        expect(failure?.reason).toContain(column);
        const shown = (await view()).guests.flatMap(({ ports }) => ports).find(({ portId: id }) => id === port);
        expect(shown?.drift.join()).toContain(column);
        expect(shown?.unreadable).toContainEqual(expect.objectContaining({ name: column, value }));
      }),
      { numRuns: 20, endOnFailure: true },
    );
  }, 300_000);

  test('keeps its NIC when its owner is unreadable', async () => {
    back();
    const before = access();
    edit(FIRST, { comments: 'zhcp1?' });
    const result = await reconcile(await reconcile(last));
    expect(access()).toEqual(before);
    expect(result.findings.join()).toContain('"zhcp1?"');
  });

  test('leaves it so after a re-IPL too: nothing is granted that it might get', async () => {
    back();
    edit(FIRST, { vlan: 'abc' });
    system().reIpl(true);
    const { failures } = await reconcile(await reconcile(last));
    expect(vswitch('VSW1').authorisations.get(GUEST)).toBeUndefined();
    expect(failures.find(isAbout(SECOND))?.reason).toContain('"abc"');
    const others = uncoupled().filter((nic) => !nic.startsWith(GUEST));
    expect(others).toEqual([]);
  });

  test('keeps other operations on the guest from changing what its port can reach', async () => {
    back();
    edit(FIRST, { vlan: 'abc' });
    const before = access();
    const change = zvm.run('changeVlan', { userid: GUEST, portId: SECOND, network: vlan(60) });
    expect(await failureOf(change)).toMatchObject({ type: 'Refused', message: expect.stringContaining('"abc"') });
    const port = { portId: portId(900), vswitch: 'VSW1', network: vlan(60) };
    const attach = zvm.run('attachNic', { userid: GUEST, ports: [port] });
    expect(await failureOf(attach)).toMatchObject({ type: 'Refused', message: expect.stringContaining('"abc"') });
    expect(access()).toEqual(before);
    await zvm.run('deletePort', { userid: GUEST, portId: SECOND });
    expect(vswitch('VSW1').authorisations.get(GUEST)?.vlans).toEqual([50]);
    await zvm.run('changeVlan', { userid: GUEST, portId: PORT_BASED, network: vlan(61) });
    expect(access().nics?.find(({ vdev }) => vdev === '1000')).toMatchObject({ vswitch: 'VSW1', vlans: [50] });
  });

  test('is repaired by an operation that gives the port a valid value', async () => {
    back();
    edit(FIRST, { vlan: '5000' });
    await zvm.run('deletePort', { userid: GUEST, portId: SECOND });
    const down = zvm.run('setAdminState', { userid: GUEST, portId: FIRST, adminStateUp: false });
    expect(await failureOf(down)).toMatchObject({ type: 'Refused', message: expect.stringContaining('"5000"') });
    await zvm.run('changeVlan', { userid: GUEST, portId: FIRST, network: vlan(60) });
    expect((await zvm.guest(GUEST)).rows[0]).toMatchObject({ vlan: '60' });
    expect(vswitch('VSW1').authorisations.get(GUEST)?.vlans).toEqual([60]);
    expect(await reconcile(await reconcile(last))).toMatchObject({ failures: [] });
  });

  test('can be deleted with its port', async () => {
    back();
    edit(FIRST, { vlan: 'abc' });
    await zvm.run('deletePort', { userid: GUEST, portId: FIRST });
    expect(
      system()
        .guest(GUEST)
        ?.nics.map(({ vdev }) => vdev),
    ).not.toContain('1000');
    expect((await zvm.guest(GUEST)).rows.map((row) => row.port)).not.toContain(FIRST);
  });
});

describe('one odd thing', () => {
  test('in the tables hides nothing else, and is named', async () => {
    back();
    const { tables } = zvm.simulator.mn;
    const hcp = tables.list('zvm').find((row) => row.node === 'lnx10001')?.hcp ?? '';
    tables.put('zvm', { node: 'x_', hcp, userid: 'LNX10010' });
    tables.put('zvm', { node: 'lnxlong', hcp, userid: 'MUCHTOOLONG' });
    edit(FIRST, { port: 'not-a-port' });
    const before = access();
    system().revoke(vswitch('VSW1'), 'LNX10003');
    const result = await reconcile(await reconcile(last));
    expect(access()).toEqual(before);
    expect(uncoupled()).toEqual([]);
    const found = await view();
    expect(found.guests.map(({ userid }) => userid)).toEqual(expect.arrayContaining(GUESTS));
    for (const lines of [result.findings.join('\n'), JSON.stringify(found.findings)]) {
      for (const name of ['x_', 'MUCHTOOLONG', 'not-a-port']) expect(lines).toContain(name);
    }
  });
});

test('the picture of a host with odd rows is whole', async () => {
  back();
  edit(FIRST, { vlan: 'abc' });
  const port = (await view()).guests.flatMap(({ ports }) => ports).find(({ portId: id }) => id === FIRST);
  expect(port).toMatchObject({ network: { type: 'unreadable', text: 'abc' }, actual: { vlans: [50] } });
});
