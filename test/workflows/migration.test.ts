import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Feilong, startFeilong } from '../../demo/feilong/server.ts';
import { FEILONG_ZHCP } from '../../domain/host/host.ts';
import type { GuestMigration } from '../../domain/migration/guest-migration.ts';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import { feilongIsHere } from '../backend/feilong/feilong-world.ts';
import { disturbancesSince, exchanged, lastEvent, withShadow } from '../backend/feilong/shadow.ts';
import { zvmnet } from '../cli/command.ts';
import { createEnvironment, createEnvironmentOn, type Environment, FLAT, portId, vlan } from './environment.ts';
import { reconcileHost, startRun } from './start.ts';
import { startWorker } from './worker-of-its-own.ts';

/** Guests with ports; the project's own measure is 200 (MIGRATED_GUESTS). */
const GUESTS = Number(process.env.MIGRATED_GUESTS ?? 8);
let simulator: Simulator;
let feilong: Feilong;

beforeAll(async () => {
  if (!feilongIsHere) return;
  simulator = await startSimulator({ hosts: 1, guests: GUESTS + 4, release: '6.3' });
  feilong = await startFeilong({ simulatorUrl: simulator.url, zhcpNode: 'zhcp1', say: () => {} });
}, 300_000);
afterAll(async () => {
  await feilong?.stop();
  await simulator?.close();
});

const useridOf = (number: number) => `LNX1${String(number).padStart(4, '0')}`;
const USERIDS = Array.from({ length: GUESTS }, (_, index) => useridOf(index + 1));

async function migrate(zvm: Environment, to: string, ...more: string[]) {
  const { code, out } = await zvmnet(['migrate', '--to', to, '--json', ...more], { ZVMNET_HOST: zvm.host });
  const { result } = JSON.parse(out);
  const guests: GuestMigration[] = result.guests;
  return { code, guests, outcomes: Object.fromEntries(guests.map(({ userid, outcome }) => [userid, outcome])) };
}

test.skipIf(!feilongIsHere)(
  'all guests of a host are brought to Feilong and back, and no live NIC is disturbed',
  {
    timeout: 1_800_000,
  },
  async () => {
    let zvm = await createEnvironmentOn(simulator, 1, withShadow(feilong));
    const [down = '', off = '', moved = '', cut = ''] = USERIDS;
    const switchOn = (userid: string, how = 'logon') => zvm.control('POST', `systems/zhcp1/guests/${userid}/${how}`);
    for (const userid of USERIDS) await switchOn(userid).catch(() => undefined);
    const ports = USERIDS.flatMap((userid, index) => [
      { userid, portId: portId(2 * index + 1), vswitch: 'VSW1', network: vlan(100 + (index % 50)) },
      { userid, portId: portId(2 * index + 2), vswitch: 'VSWFLAT', network: FLAT },
    ]);
    const wired = await (await startRun(zvm.client, 'wirePorts', { host: zvm.host, ports, live: true })).result();
    expect(wired).toMatchObject({ wired: 2 * GUESTS });
    await zvm.run('setAdminState', { userid: down, portId: portId(1), adminStateUp: false });
    await switchOn(off, 'logoff');
    const { checkpoint } = await reconcileHost(zvm, undefined, {});
    const all = (outcome: string, ofOff = outcome) =>
      Object.fromEntries(USERIDS.map((userid) => [userid, userid === off ? ofOff : outcome]));

    let begun = await lastEvent(zvm);
    expect(await migrate(zvm, 'feilong', '--dry-run')).toMatchObject({
      code: 6,
      outcomes: all('planned', 'incomplete'),
    });
    const brought = await migrate(zvm, 'feilong');
    expect(brought).toMatchObject({ code: 3, outcomes: { ...all('migrated', 'incomplete'), [down]: 'incomplete' } });
    expect(brought.guests.find(({ userid }) => userid === off)?.left[0]).toContain('log it on');
    expect(await disturbancesSince(zvm, begun)).toEqual([]);
    await switchOn(off);
    await zvm.run('setAdminState', { userid: down, portId: portId(1), adminStateUp: true });
    begun = await lastEvent(zvm);
    expect(await migrate(zvm, 'feilong')).toMatchObject({
      code: 0,
      outcomes: { ...all('unchanged', 'migrated'), [down]: 'migrated' },
    });
    expect(await disturbancesSince(zvm, begun)).toEqual([]);

    const byFeilong = exchanged(zvm);
    const { configuration } = zvm;
    await zvm.close();
    zvm = await createEnvironmentOn(simulator, 1, byFeilong);
    const inOrder = { examined: GUESTS, drifts: [], failures: [], findings: [] };
    const second = await reconcileHost(zvm, { checkpoint }, {});
    expect(second).toMatchObject(inOrder);
    await zvm.run('setAdminState', { userid: down, portId: portId(1), adminStateUp: false });
    await zvm.run('changeVlan', { userid: moved, portId: portId(5), network: vlan(777) });
    await zvm.run('deletePort', { userid: cut, portId: portId(8) });
    const { findings } = await reconcileHost(zvm, { checkpoint: second.checkpoint }, { dryRun: true });
    expect(findings).toEqual([
      expect.stringMatching(`guest ${down}: port .* its admin state is down with Feilong, up with xCAT`),
      expect.stringMatching(`guest ${moved}: port .* its network is VLAN 777 with Feilong, VLAN 102 with xCAT`),
      expect.stringMatching(`guest ${cut}: port .* is recorded by xCAT, and not by Feilong`),
    ]);

    begun = await lastEvent(zvm);
    const changed = [down, moved, cut];
    const outcomes = Object.fromEntries(
      USERIDS.map((each) => [each, changed.includes(each) ? 'migrated' : 'unchanged']),
    );
    expect(await migrate(zvm, 'xcat')).toMatchObject({ code: 0, outcomes });
    expect(await disturbancesSince(zvm, begun)).toEqual([]);
    await zvm.close();

    zvm = await createEnvironmentOn(simulator, 1, configuration);
    expect(await reconcileHost(zvm, { checkpoint: second.checkpoint }, {})).toMatchObject(inOrder);
    expect((await zvm.guest(cut)).rows).toMatchObject([{ port: portId(7) }]);
    expect((await zvm.guest(moved)).rows).toContainEqual(expect.objectContaining({ port: portId(5), vlan: '777' }));
    expect(await disturbancesSince(zvm, begun)).toEqual([]);
    await zvm.close();
  },
);

test.skipIf(!feilongIsHere)(
  'a worker that is killed in the middle of a migration is followed by another',
  {
    timeout: 300_000,
  },
  async (context) => {
    const zvm = await createEnvironmentOn(simulator, 1, withShadow(feilong), false);
    context.onTestFinished(() => zvm.close());
    const userid = useridOf(GUESTS + 1);
    await zvm.control('POST', `systems/zhcp1/guests/${userid}/logon`).catch(() => undefined);
    const killed = await startWorker(zvm, context);
    const ports = [{ portId: portId(9_001), vswitch: 'VSW1', network: vlan(5) }];
    await zvm.run('attachNic', { userid, ports });
    // The second reading: the record has been brought over, and the result is not yet told.
    const matches = [
      { method: 'GET', path: '/tables/switch' },
      { method: 'PUT', path: '/dsh', command: '/opt/xcat/sbin/tabdump' },
    ];
    for (const match of matches)
      await zvm.control('POST', 'faults', { match, action: { kind: 'hold', when: 'before' }, skip: 1 });
    const isHeld = async () =>
      ((await zvm.control('GET', 'faults')) as { held: number }[]).some(({ held }) => held > 0);
    const run = await startRun(zvm.client, 'migrateHost', { host: zvm.host, to: 'feilong', userids: [userid] });
    await vi.waitUntil(isHeld, { timeout: 90_000 });
    killed.kill('SIGKILL');
    await startWorker(zvm, context);
    await zvm.control('DELETE', 'faults');
    expect(await run.result()).toMatchObject({ guests: [{ userid, outcome: 'unchanged', left: [] }] });
  },
);

test('a migration needs a shadow backend, and a shadow that does not answer is a finding', {
  timeout: 120_000,
}, async (context) => {
  const dead = { url: 'http://127.0.0.1:9', timeoutSeconds: 60, verifyTls: true };
  const shadow = { zhcpNode: FEILONG_ZHCP, feilong: dead };
  const zvm = await createEnvironment({ guests: 1 }, true, { macPrefix: '02:00:00', shadow });
  context.onTestFinished(() => zvm.close());
  const { findings, failures } = await reconcileHost(zvm, undefined, { dryRun: true });
  expect({ findings, failures }).toEqual({
    findings: [expect.stringContaining('shadow Feilong: it could not be read')],
    failures: [],
  });
  const refused = await zvmnet(['migrate', '--to', 'xcat'], { ZVMNET_HOST: zvm.host });
  expect(refused).toMatchObject({ code: 3, out: expect.stringContaining('is managed by xCAT') });
});
