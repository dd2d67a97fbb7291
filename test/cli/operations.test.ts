import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { wayToTemporal } from '../way-to-temporal.ts';
import { createEnvironment, type Environment, portId } from '../workflows/environment.ts';
import { type Ended, start, startOnTerminal, zvmnet, zvmnetJson } from './command.ts';

let environment: Environment;
let env: Record<string, string> = {};
beforeAll(async () => {
  environment = await createEnvironment({ guests: 12 });
  env = { ZVMNET_HOST: environment.host };
});
afterAll(() => environment.close());
beforeEach(() => environment.control('DELETE', 'faults'));

const run = (...args: string[]): Promise<Ended> => zvmnet(args, env);
const json = (...args: string[]) => zvmnetJson(args, env);
const create = (guest: string, number: number, vlan: string, vswitch = 'VSW1') => [
  ...['port', 'create', '--guest', guest, '--vswitch', vswitch, '--vlan', vlan],
  ...['--id', portId(number), '--live'],
];

/** No grant is carried out until it is let go. */
const holdGrants = () => environment.hold({ command: 'Virtual_Network_Vswitch_Set_Extended' });

test('a port is created, shown beside what z/VM has, put on another VLAN, taken down and up, and deleted', async () => {
  const created = await run(...create('lnx10001', 1, '100'));
  expect(created).toMatchObject({ code: 0 });
  expect(created.out).toContain('grant LNX10001 on VSW1 with VLAN 100');
  expect(created.out).toMatch(/NIC 1000 on VSW1, VLAN 100, MAC [0-9a-f:]{17}, live now/);
  expect(created.err).toContain('http://ui.example/namespaces/');

  expect((await run('port', 'set-vlan', portId(1), '101')).code).toBe(0);
  expect((await environment.guest('LNX10001')).granted).toEqual({ VSW1: [101] });
  const shown = await json('port', 'show', portId(1));
  expect(shown).toMatchObject({
    userid: 'LNX10001',
    record: { vswitch: 'VSW1', network: { type: 'vlan', segmentationId: 101 } },
    actual: { loggedOn: true, live: { vswitch: 'VSW1' }, authorisation: { vlans: [101] } },
    inOrder: true,
  });
  await run(...create('LNX10001', 31, '102', 'VSW2'));
  const one = (await run('port', 'show', portId(1))).out;
  expect(one).toContain('in order');
  // The guest's other NIC is recorded, as another port.
  expect(one).not.toContain('is foreign');
  expect((await run('port', 'delete', portId(31))).code).toBe(0);

  expect((await run('port', 'down', portId(1))).code).toBe(0);
  expect((await environment.guest('LNX10001')).nics[0]?.vswitch ?? null).toBeNull();
  expect((await run('port', 'up', portId(1))).code).toBe(0);
  expect((await run('port', 'delete', portId(1))).code).toBe(0);
  expect((await environment.guest('LNX10001')).rows).toEqual([]);
  expect((await run('port', 'show', portId(1))).code).toBe(4);
});

test('a NIC is detached from the running guest and attached again', async () => {
  await run(...create('LNX10003', 2, '100'));
  expect((await run('nic', 'detach', portId(2))).code).toBe(0);
  expect((await environment.guest('LNX10003')).nics).toEqual([]);
  expect((await json('nic', 'attach', portId(2))).result.ports).toMatchObject([{ live: 'now' }]);
  expect((await environment.guest('LNX10003')).nics).toMatchObject([{ vswitch: 'VSW1' }]);
});

test('a dry run says what would be done, and nothing is done', async () => {
  const dry = await run(...create('LNX10005', 3, '100'), '--dry-run');
  expect(dry.out).toContain('○ grant LNX10005 on VSW1 with VLAN 100');
  expect(dry.out).toContain('Plan only');
  expect((await environment.guest('LNX10005')).rows).toEqual([]);
});

test('the plan of a dry run is carried out exactly, or not at all', async () => {
  const planOf = (out: string) => /--plan ([0-9a-f]{32})/.exec(out)?.[1] ?? '';
  const early = planOf((await run(...create('LNX10012', 14, '100'), '--dry-run')).out);
  await run(...create('LNX10012', 15, '100'));
  const late = await run(...create('LNX10012', 14, '100'), '--plan', early);
  expect(late).toMatchObject({ code: 3, out: expect.stringContaining('make a dry run again') });
  const dry = await run('port', 'set-vlan', portId(15), '101', '--dry-run');
  expect((await run('port', 'set-vlan', portId(15), '101', '--plan', planOf(dry.out))).code).toBe(0);
  const several = await run('port', 'down', portId(15), portId(14), '--plan', early);
  expect(several.code).toBe(4);
});

test('ports are listed by guest, VSWITCH and VLAN, for people and for programs', async () => {
  await run(...create('LNX10007', 4, '300'));
  await run(...create('LNX10007', 5, '300,301', 'VSW2'));
  expect((await json('port', 'list', '--vlan', '301')).ports).toMatchObject([
    { portId: portId(5), userid: 'LNX10007', vswitch: 'VSW2', actual: { vlans: [300, 301], coupledTo: 'VSW2' } },
  ]);
  const { out } = await run('port', 'list', '--guest', 'lnx10007');
  expect(out.split('\n')[0]).toMatch(/^PORT +GUEST +NIC +VSWITCH +VLAN +MAC +Z\/VM$/);
  expect(out).toMatch(new RegExp(`${portId(4)} +LNX10007 +1000 +VSW1 +300 .* coupled`));
  expect(out).not.toContain('\u001b');
  expect((await json('guest', 'list', 'LNX10007')).guests).toMatchObject([{ userid: 'LNX10007', ports: [{}, {}] }]);
  expect((await run('guest', 'show', 'LNX10007')).out).toContain('logged on');
});

test('VSWITCHes are listed and shown', async () => {
  expect((await json('vswitch', 'list')).vswitches).toContainEqual(
    expect.objectContaining({ name: 'VSWPORT', portSelection: 'PORTBASED', physicalNetwork: 'physport' }),
  );
  expect((await run('vswitch', 'show', 'vsw1')).out).toContain('user-based');
  expect((await run('vswitch', 'show', 'nosuch')).code).toBe(4);
  expect((await run('vswitch', 'ensure', 'VSW1')).out).toContain('nothing to do');
  expect((await run('vswitch', 'delete', 'XCATVSW1')).code).toBe(3);
});

test('a request that cannot be granted ends with 3 and says field, reason and way out', async () => {
  const refused = await run(...create('LNX10001', 6, '100', 'NOSUCH'));
  expect(refused.code).toBe(3);
  expect(refused.out).toMatch(/vswitch: .*NOSUCH/);
  expect(refused.out).toContain('→');
});

test('an operation that fails ends with 1, and names the step and whether it was undone', async () => {
  await environment.control('POST', 'faults', {
    match: { command: 'Virtual_Network_Adapter_Connect_Vswitch' },
    action: { kind: 'smapi', function: 'Virtual_Network_Adapter_Connect_Vswitch', rc: 212, rs: 52 },
    times: 1,
  });
  const failed = await run(...create('LNX10009', 7, '100'));
  expect(failed.code).toBe(1);
  expect(failed.out).toContain('✘ failed');
  expect(failed.out).toContain('The guest is in the state before the operation.');
});

test('an operation that is not waited for is shown later, and one in progress is cancelled and undone', async () => {
  await environment.control('POST', 'systems/zhcp1/guests/LNX10002/lock');
  const started = await json(...create('LNX10002', 8, '100'), '--no-wait');
  await expect
    .poll(async () => (await run('ops', 'show', started.id)).out, { timeout: 60_000, interval: 500 })
    .toContain('- grant LNX10002 on VSW1 with VLAN 100');
  expect(started).toMatchObject({ state: 'running', type: 'attachNic' });
  await expect.poll(async () => (await environment.guest('LNX10002')).granted).toEqual({ VSW1: [100] });
  const cancelled = await run('ops', 'cancel', started.id);
  expect(cancelled).toMatchObject({
    out: expect.stringContaining('cancelled'),
    err: expect.stringContaining('is being cancelled'),
  });
  expect((await run('ops', 'show', started.id)).code).toBe(7);
  expect((await run('ops', 'cancel', started.id)).code).toBe(3);
  expect(await environment.guest('LNX10002')).toMatchObject({ rows: [], granted: {} });
  expect((await run('ops', 'show', 'no-such')).code).toBe(4);
});

test('while it waits for its turn it says for whom, and Ctrl-C leaves it going', async () => {
  const grants = await holdGrants();
  const first = await json(...create('LNX10004', 9, '100'), '--no-wait');
  await grants.reached();
  const second = start(create('LNX10004', 10, '100'), env);
  await second.told(`waits in the queue of the guest, behind attach-nic/${environment.host}/${portId(9)}`);
  const third = await json(...create('LNX10004', 32, '100'), '--no-wait');
  await expect
    .poll(async () => (await run('ops', 'list', '--guest', 'LNX10004', '--limit', '1')).out, {
      timeout: 60_000,
      interval: 500,
    })
    .toMatch(/LNX10004 +waiting/);
  await environment.client.workflow.getHandle(third.id.replaceAll('~', '/')).terminate('not wanted');
  await expect
    .poll(async () => (await run('ops', 'list', '--guest', 'LNX10004', '--limit', '3')).out)
    .toMatch(/LNX10004 +terminated/);
  second.interrupt();
  const { code, err } = await second.ended;
  expect(code).toBe(130);
  expect(err).toContain('The operation continues');
  await grants.release();
  await expect.poll(async () => (await environment.guest('LNX10004')).rows.length).toBe(2);
  expect((await run('ops', 'show', first.id)).code).toBe(0);
});

test('when Temporal goes while it waits, it ends with 5 and says that the operation goes on', async () => {
  const grants = await holdGrants();
  const way = await wayToTemporal();
  const waiting = start(create('LNX10008', 40, '100'), { ...env, TEMPORAL_ADDRESS: way.address });
  await grants.reached();
  // It has begun to wait when it says where the guest stands.
  await waiting.told(`LNX10008 on ${environment.host}: `);
  way.goes();
  const { code, err } = await waiting.ended;
  expect(code).toBe(5);
  expect(err).toMatch(/Temporal no longer answers.*\nThe operation continues\. See: zvmnet ops show 'attach-nic~/);
  await grants.release();
  await expect.poll(async () => (await environment.guest('LNX10008')).rows.length).toBe(1);
});

test('operations are listed by guest, type, state and outcome', async () => {
  await run(...create('LNX10006', 12, '100'));
  await run('port', 'set-vlan', portId(12), '200');
  await run(...create('LNX10006', 13, '100', 'NOSUCH'));
  // The newest changes take a moment to be found.
  await expect
    .poll(async () => (await json('ops', 'list', '--guest', 'LNX10006', '--type', 'changeVlan')).operations)
    .toMatchObject([{ type: 'changeVlan', userid: 'LNX10006', outcome: 'changed' }]);
  await expect
    .poll(async () => (await run('ops', 'list', '--guest', 'LNX10006', '--state', 'failed')).out)
    .toMatch(/LNX10006 +refused/);
  const came = async (outcome: string) =>
    (await json('ops', 'list', '--guest', 'LNX10006', '--outcome', outcome)).operations.length;
  await expect.poll(() => Promise.all(['changed', 'refused', 'failed', 'waiting'].map(came))).toEqual([2, 1, 0, 0]);
});

test('on a terminal it has colours, and shows live which step is running', async () => {
  await environment.control('POST', 'systems/zhcp1/guests/LNX10011/lock');
  const grants = await holdGrants();
  const running = startOnTerminal(create('LNX10011', 11, '100'), env);
  await running.told('… grant LNX10011 on VSW1 with VLAN 100');
  await grants.release();
  await running.told('the directory entry is locked by another change');
  await environment.control('POST', 'systems/zhcp1/guests/LNX10011/unlock');
  const { out } = await running.ended;
  expect(out).toContain('\u001b[32m✔');
  // The steps before the one that failed at first are told too.
  expect(out.slice(out.lastIndexOf('…'))).toContain('grant LNX10011 on VSW1 with VLAN 100');
  expect(out).toContain('live now');
  const plain = await startOnTerminal(['port', 'list'], { ...env, NO_COLOR: '1' }).ended;
  expect(plain.out).toContain('coupled');
  expect(plain.out).not.toContain('\u001b[3');
});
