import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { allocatePortNumber } from '../../domain/port/port-number.ts';
import { createEnvironment, type Environment, type Event, FLAT, failureOf, portId, vlan } from './environment.ts';
import { startRun } from './start.ts';

const ON = 'LNX10001';
const OFF = 'LNX10002';
let zvm: Environment;
beforeAll(async () => {
  zvm = await createEnvironment({ guests: 20 });
});
afterAll(() => zvm.close());

const directory = (userid: string, statements: string[], profile = 'OSDFLT') =>
  zvm.control('POST', `systems/zhcp1/guests/${userid}/directory`, { statements, profile });
const profile = (name: string, statements: string[]) =>
  zvm.control('POST', `systems/zhcp1/profiles/${name}`, { statements });
const create = (userid: string, number: number, values: object = {}) =>
  zvm.run('createPort', { userid, portId: portId(number), vswitch: 'VSW1', network: vlan(7), ...values });

describe('a NIC is never defined where something else is', () => {
  test.each([
    ['00FF', 'MDISK 0100'],
    ['0B00', 'DEDICATE 0B00'],
    ['018F', 'LINK 0191'],
    ['0BFE', 'SPECIAL 0C00'],
    ['0607', 'NIC 0600 (8 devices)'],
    ['0007', 'CONSOLE 0009 of profile OSDFLT'],
    ['000D', 'SPOOL 000D of profile OSDFLT'],
  ])('at %s, where it would meet %s', async (vdev, what) => {
    await directory(OFF, [
      'MDISK 0100 3390 1 10016 VOL001 MR',
      'DEDICATE 0B00 1234',
      'LINK MAINT 0190 0191 RR',
      'SPECIAL 0C00 CTCA',
      'NICDEF 0600 TYPE QDIO LAN SYSTEM VSWFLAT DEVICES 8 MACID AAAAAA CHPID 0B PORTNUMBER 2048',
    ]);
    const before = await zvm.guest(OFF);
    const failure = await failureOf(create(OFF, 1, { vdev }));
    expect(failure.type).toBe('Refused');
    expect(failure.details[0]).toMatchObject([{ field: 'vdev', reason: expect.stringContaining(`overlaps ${what}`) }]);
    expect(await zvm.guest(OFF)).toEqual(before);
  });

  test('when the number is chosen, beside all of it: of the entry, of its profile, and of the running guest', async () => {
    await profile('WIDE', ['NICDEF 1000 TYPE QDIO DEVICES 8 LAN SYSTEM VSWFLAT']);
    await directory(
      'LNX10004',
      ['MDISK 100A 3390 1 10 VOL001 MR', 'NICDEF 100C TYPE QDIO', 'NICDEF 100C MACID AAAAAB'],
      'WIDE',
    );
    expect(await create('LNX10004', 4)).toMatchObject({ ports: [{ vdev: '100F' }] });

    await zvm.control('POST', `systems/zhcp1/guests/${ON}/devices`, { vdev: '1002', kind: 'DASD' });
    const attached = await zvm.run('attachNic', {
      userid: ON,
      ports: [{ portId: portId(5), vswitch: 'VSW1', network: vlan(7) }],
    });
    expect(attached).toMatchObject({ ports: [{ vdev: '1003', live: 'now' }] });
    const failure = await failureOf(
      zvm.run('attachNic', {
        userid: ON,
        ports: [{ portId: portId(6), vswitch: 'VSW1', network: vlan(7), vdev: '1000' }],
      }),
    );
    expect(failure.details[0]).toMatchObject([
      { field: 'ports.0.vdev', reason: expect.stringContaining('device 1002 (DASD)') },
    ]);
  });

  test('nor by a reconciliation, which names it and repairs the guest’s other ports', async () => {
    const userid = 'LNX10006';
    await create(userid, 11);
    await create(userid, 12);
    await directory(userid, ['MDISK 1001 3390 1 10 VOL001 MR']);
    const run = await startRun(zvm.client, 'reconcileHost', { host: zvm.host });
    const { failures } = await run.result();
    expect(failures).toContainEqual(
      expect.objectContaining({
        about: { kind: 'port', portId: portId(11) },
        reason: expect.stringContaining('overlaps MDISK 1001'),
      }),
    );
    expect((await zvm.guest(userid)).directory).toMatchObject([{ vdev: '1003', vswitch: 'VSW1' }]);
  });
});

test('a flat port on an aware VSWITCH whose default VLAN is NONE is refused, and one that is there is not in order', async () => {
  await zvm.run('createPort', { userid: 'LNX10010', portId: portId(21), vswitch: 'VSWFLAT', network: FLAT });

  const vswitch = zvm.simulator.mn.systems[0]?.vswitch('VSWFLAT');
  if (vswitch !== undefined) Object.assign(vswitch, { aware: true, defaultVlan: 0 });
  const failure = await failureOf(
    zvm.run('createPort', { userid: 'LNX10008', portId: portId(20), vswitch: 'VSWFLAT', network: FLAT }),
  );
  expect(failure.details[0]).toMatchObject([{ field: 'network', reason: expect.stringContaining('NONE') }]);
  const reconciled = await (await startRun(zvm.client, 'reconcileHost', { host: zvm.host })).result();
  expect(reconciled.failures).toContainEqual(
    expect.objectContaining({
      about: { kind: 'port', portId: portId(21) },
      reason: expect.stringContaining('default VLAN is NONE'),
    }),
  );
});

describe('an entry of a guest without ports here, logged off,', () => {
  const [userid, mine] = ['LNX10012', 'LNX10014'];
  const number = allocatePortNumber(portId(31), () => false) ?? 0;
  let swept: Event[];
  beforeAll(async () => {
    await directory(userid, [
      `NICDEF 0600 TYPE QDIO LAN SYSTEM VSWPORT PORTNUMBER ${number}`,
      'NICDEF 0600 MACID 5A5A5A',
    ]);
    const times = { host: zvm.host, intervalSeconds: 1, sweepSeconds: 1 };
    const { checkpoint, failures } = await (await startRun(zvm.client, 'reconcileHost', times)).result();
    await (await startRun(zvm.client, 'reconcileHost', { ...times, last: { checkpoint, failures } })).result();
    swept = await zvm.events();
  });
  const port = (values: object) => ({
    userid: mine,
    portId: portId(31),
    vswitch: 'VSWPORT',
    network: vlan(7),
    ...values,
  });

  test('keeps its MAC from others', async () => {
    const failure = await failureOf(zvm.run('createPort', port({ mac: '02:00:00:5a:5a:5a' })));
    expect(failure.details[0]).toMatchObject([{ field: 'mac', reason: expect.stringContaining(`taken by ${userid}`) }]);
  });

  test('keeps its port number from others, and is not read for each request', async () => {
    const { ports } = await zvm.run('createPort', port({}));
    expect(ports.map(({ portNumber }) => portNumber)).toEqual([(number % 2048) + 1]);
    const since = (await zvm.events()).filter(
      (event) => event.seq > (swept.at(-1)?.seq ?? 0) && event.type === 'smcli',
    );
    expect(since.map((event) => String(event.argv)).filter((argv) => argv.includes(userid))).toEqual([]);
  });

  test('keeps nothing once it has other NICs', async () => {
    await directory(userid, []);
    const times = { host: zvm.host, intervalSeconds: 1, sweepSeconds: 1 };
    const { checkpoint, failures } = await (await startRun(zvm.client, 'reconcileHost', times)).result();
    await (await startRun(zvm.client, 'reconcileHost', { ...times, last: { checkpoint, failures } })).result();
    const mac = '02:00:00:5a:5a:5a';
    expect(await zvm.run('createPort', port({ portId: portId(32), mac }))).toMatchObject({ ports: [{ mac }] });
  });
});
