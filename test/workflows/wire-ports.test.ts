import { afterAll, beforeAll, expect, test } from 'vitest';
import { allocateMac, MacPrefix } from '../../domain/port/mac.ts';
import { allocatePortNumber } from '../../domain/port/port-number.ts';
import { ZVM_OUTCOME } from '../../temporal-config/search-attributes.ts';
import { createEnvironment, type Environment, portId, vlan } from './environment.ts';
import { startRun } from './start.ts';

let zvm: Environment;
beforeAll(async () => {
  zvm = await createEnvironment({ guests: 40 });
});
afterAll(() => zvm.close());

const userid = (number: number) => `LNX1${String(number).padStart(4, '0')}`;
const wire = async (ports: object[], more: object = {}) =>
  (await startRun(zvm.client, 'wirePorts', { host: zvm.host, ports, ...more } as never)).result();

test('wires many ports of many guests, each as it was asked for, and says what each got', async () => {
  const ports = Array.from({ length: 30 }, (_, index) => [
    { userid: userid(index + 1), portId: portId(1000 + index), vswitch: 'VSW1', network: vlan(1000 + index) },
    { userid: userid(index + 1), portId: portId(2000 + index), vswitch: 'VSW2', network: vlan(2000 + index) },
  ]).flat();
  const result = await wire(ports, { live: true });
  expect(result).toMatchObject({ wired: 60, unchanged: 0, refused: 0, failed: 0 });
  expect(new Set(result.ports.map((port) => port.mac)).size).toBe(60);
  for (const index of [0, 1, 29]) {
    const guest = await zvm.guest(userid(index + 1));
    expect(guest.granted).toEqual({ VSW1: [1000 + index], VSW2: [2000 + index] });
    expect(guest.directory.map((nic) => nic.vdev)).toEqual(['1000', '1003']);
    expect(guest.nics).toHaveLength(guest.loggedOn ? 2 : 0);
  }
});

test('repeated leaves what is wired as it is', async () => {
  const port = { userid: userid(1), portId: portId(1000), vswitch: 'VSW1', network: vlan(1000) };
  expect(await wire([port])).toMatchObject({ unchanged: 1, wired: 0 });
});

test('refuses each port that cannot be had with its reason, and wires the others', async () => {
  const trunk = { type: 'trunk', segmentationIds: [1001, 1002, 1003] };
  const result = await wire([
    { userid: userid(31), portId: portId(3001), vswitch: 'VSW1', network: trunk },
    { userid: userid(31), portId: portId(3002), vswitch: 'VSW1', network: vlan(1008) },
    { userid: 'NOBODY', portId: portId(3003), vswitch: 'VSW1', network: vlan(7) },
  ]);
  expect(result).toMatchObject({ wired: 1, refused: 2 });
  const reasons = Object.fromEntries(result.ports.map((port) => [port.portId, port.reason]));
  expect(reasons[portId(3002)]).toContain('user-based');
  // To its end, where the way out stands.
  expect(reasons[portId(3002)]).toContain('another VSWITCH for this port');
  expect(reasons[portId(3003)]).toContain('xCAT knows no guest NOBODY');
  expect((await zvm.guest(userid(31))).rows).toHaveLength(1);
});

test('a dry run says what would become of each port, and nothing is done', async () => {
  const ports = [
    { userid: userid(35), portId: portId(3501), vswitch: 'VSW1', network: vlan(7) },
    { userid: userid(35), portId: portId(3502), vswitch: 'VSW1', network: vlan(8) },
    { userid: userid(1), portId: portId(1000), vswitch: 'VSW1', network: vlan(1000) },
  ];
  expect(await wire(ports, { dryRun: true, live: true })).toMatchObject({
    dryRun: true,
    wired: 1,
    unchanged: 1,
    refused: 1,
  });
  expect(await zvm.guest(userid(35))).toMatchObject({ directory: [], granted: {}, rows: [] });
});

test('reports a guest that fails for good, undone, without holding up the others', async () => {
  const fault = { kind: 'smapi', function: 'Image_Definition_Update_DM', userid: userid(32), rc: 596, rs: 3610 };
  await zvm.control('POST', 'faults', { match: {}, action: fault });
  const result = await wire([
    { userid: userid(32), portId: portId(3201), vswitch: 'VSW1', network: vlan(7) },
    { userid: userid(33), portId: portId(3301), vswitch: 'VSW1', network: vlan(7) },
  ]);
  await zvm.control('DELETE', 'faults');
  expect(result).toMatchObject({ wired: 1, failed: 1 });
  expect(result.ports.find((port) => port.outcome === 'failed')?.reason).toContain('596');
  expect(await zvm.guest(userid(32))).toMatchObject({ directory: [], granted: {}, rows: [] });
});

test('cancelled ends when the last of its guests is as it was before', async () => {
  const ports = [36, 37, 38, 39].map((number) => ({
    ...{ userid: userid(number), portId: portId(100 * number), vswitch: 'VSW1', network: vlan(7) },
  }));
  const granted = await zvm.hold({ command: 'Virtual_Network_Vswitch_Set_Extended' }, 'after');
  const run = await startRun(zvm.client, 'wirePorts', { host: zvm.host, ports } as never);
  await granted.reached();
  await run.cancel();
  // The one takes longer to be taken back than the others.
  await zvm.control('POST', 'faults', {
    match: {},
    action: { kind: 'smapi', function: 'Virtual_Network_Vswitch_Set_Extended', userid: userid(36), rc: 500, rs: 8 },
    times: 1,
  });
  await granted.release();
  await expect(run.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
  expect((await run.describe()).typedSearchAttributes.get(ZVM_OUTCOME)).toBe('cancelled');
  for (const port of ports)
    expect(await zvm.guest(port.userid)).toMatchObject({ directory: [], granted: {}, rows: [] });
});

test('waits its turn at a guest that another operation holds, and lets the next one in after', async () => {
  const wiring = wire([{ userid: userid(34), portId: portId(3401), vswitch: 'VSW1', network: vlan(7) }]);
  const others = [3402, 3403].map((number) =>
    zvm.run('createPort', { userid: userid(34), portId: portId(number), vswitch: 'VSW1', network: vlan(7) }),
  );
  await Promise.all([wiring, ...others]);
  expect((await zvm.guest(userid(34))).directory.map((nic) => nic.vdev)).toEqual(['1000', '1003', '1006']);
});

test('an address that another guest took at the same moment is given back and another chosen', async () => {
  const first = allocateMac(MacPrefix.parse('02:00:00'), portId(3501), () => false);
  const recording = await zvm.hold({ method: 'PUT', path: '/xcatws/tables/mac' });
  const wiring = wire([{ userid: userid(35), portId: portId(3501), vswitch: 'VSW1', network: vlan(7) }]);
  await recording.reached();
  zvm.simulator.mn.tables.put('mac', { node: 'elsewhere', interface: '1000', mac: String(first) });
  await recording.release();
  const { ports } = await wiring;
  expect(ports).toMatchObject([{ outcome: 'wired' }]);
  expect(ports[0]?.mac).not.toBe(first);
  const guest = await zvm.guest(userid(35));
  expect(guest.directory).toHaveLength(1);
  expect(guest.rows).toHaveLength(1);
});

test('a dry run says what would be done and which steps interrupt, and does nothing', async () => {
  const port = { userid: userid(3), portId: portId(1002), network: vlan(9) };
  const [last] = (await zvm.events()).slice(-1);
  const result = await zvm.run('changeVlan', { ...port, dryRun: true });
  expect(result).toMatchObject({ changed: false, dryRun: true });
  expect(result.steps.join('\n')).toContain(`uncouple NIC 1000 of ${userid(3)} from VSW1 (interrupts the NIC)`);
  const types = (await zvm.events(last?.seq ?? 0)).map((event) => event.type);
  expect(types.filter((type) => !['http', 'smcli', 'vmcp'].includes(type))).toEqual([]);
});

test('guests whose search for a port number begins at the same one get a number each, and keep it', async () => {
  const guests = 20;
  const begin = allocatePortNumber(portId(0), () => false);
  const ids: string[] = [];
  for (let number = 100_000; ids.length < guests; number += 1)
    if (allocatePortNumber(portId(number), () => false) === begin) ids.push(portId(number));
  const ports = ids.map((id, index) => ({
    userid: userid(index + 1),
    portId: id,
    vswitch: 'VSWPORT',
    network: vlan(3000 + index),
  }));
  expect(await wire(ports, { live: true })).toMatchObject({ wired: guests, refused: 0, failed: 0 });
  const numbers = new Map([...(zvm.simulator.mn.systems[0]?.vswitch('VSWPORT')?.ports ?? [])]);
  for (const [index] of ids.entries()) {
    const own = [...numbers.values()].filter((port) => port.userid === userid(index + 1));
    expect(own, userid(index + 1)).toMatchObject([{ vlans: [3000 + index] }]);
  }
});
