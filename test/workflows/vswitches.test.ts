import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readVswitches } from '../../client/read-state.ts';
import { createEnvironment, createEnvironmentOn, type Environment, failureOf, portId, vlan } from './environment.ts';
import { startRun } from './start.ts';

let zvm: Environment;
beforeAll(async () => {
  zvm = await createEnvironment({ guests: 4 }, true, {
    physicalNetworks: [
      made('physnet1', 'VSW1', { rdevs: ['6266'] }),
      made('physnew', 'NEWVSW', { rdevs: ['6280', '6283'] }),
      made('physport', 'NEWPORT', { portSelection: 'PORTBASED' }),
      made('physboth', 'NEWBOTH', { flat: true }),
      made('physflat', 'NEWFLAT', { flat: true, vlanRanges: [] }),
      made('physl3', 'VSWL3', { flat: true, vlanRanges: [] }),
      made('physadmin', 'XCATVSW1', {}),
    ],
  });
});
afterAll(() => zvm.close());

function made(name: string, vswitch: string, more: object) {
  const vlanRanges = [{ from: 1, to: 4094 }];
  return {
    name,
    vswitch,
    flat: false,
    vlanRanges,
    rdevs: [],
    portSelection: 'USERBASED' as const,
    transport: 'ETHERNET' as const,
    ...more,
  };
}

const run = async (type: 'ensureVswitch' | 'deleteVswitch', vswitch: string, more: object = {}) =>
  (await startRun(zvm.client, type, { host: zvm.host, vswitch, ...more })).result();
const list = async () => {
  const vswitches = await readVswitches(zvm.client, zvm.host);
  return new Map(vswitches.map((vswitch) => [vswitch.name as string, vswitch]));
};

describe('listVswitches', () => {
  test('reads all that z/VM has: kind, VLANs, uplinks and their state, who is authorised and connected', async () => {
    await zvm.run('attachNic', {
      userid: 'LNX10001',
      ports: [{ portId: portId(1), vswitch: 'VSW1', network: vlan(7) }],
    });
    const vswitches = await list();
    expect([...vswitches.keys()].sort()).toEqual(['VSW1', 'VSW2', 'VSWFLAT', 'VSWL3', 'VSWPORT', 'XCATVSW1']);
    expect(vswitches.get('VSW1')).toMatchObject({
      transport: 'ETHERNET',
      vlanAware: true,
      defaultVlan: 1,
      nativeVlan: 1,
      portSelection: 'USERBASED',
      uplinks: [{ rdev: '6266', state: 'active' }],
      authorisations: [{ userid: 'LNX10001', vlans: [7] }],
      nics: [{ userid: 'LNX10001', vdev: '1000' }],
    });
    expect(vswitches.get('VSWL3')).toMatchObject({ transport: 'IP', vlanAware: false });
  });

  test('shows an uplink that failed, and the one that took over', async () => {
    await run('ensureVswitch', 'NEWVSW');
    await zvm.control('POST', 'systems/zhcp1/vswitches/NEWVSW/uplinks/6280/fail');
    expect((await list()).get('NEWVSW')).toMatchObject({
      status: 'OSA device ready',
      uplinks: [
        { rdev: '6280', state: 'inactive', error: 'Initialization error' },
        { rdev: '6283', state: 'active' },
      ],
    });
  });
});

describe('ensureVswitch', () => {
  test.each([
    ['NEWPORT', { portSelection: 'PORTBASED', vlanAware: true, transport: 'ETHERNET', uplinks: [] }],
    ['NEWFLAT', { portSelection: 'USERBASED', vlanAware: false, transport: 'ETHERNET' }],
    ['NEWBOTH', { vlanAware: true, defaultVlan: 1, nativeVlan: 1 }],
  ])('creates %s as the configuration says, and repeated changes nothing', async (name, values) => {
    expect(await run('ensureVswitch', name)).toMatchObject({ changed: true });
    expect((await list()).get(name)).toMatchObject(values);
    expect(await run('ensureVswitch', name)).toMatchObject({
      changed: false,
      steps: ['nothing to do'],
    });
  });

  test('changes the uplinks in place, saying before that it interrupts', async () => {
    const rdevs = 'real_device_address=6290';
    await zvm.simulator.mn
      .machine('zhcp1')
      ?.commands.smcli?.(
        ['Virtual_Network_Vswitch_Set_Extended', '-T', 'ZHCP1', '-k', 'switch_name=NEWVSW', '-k', rdevs],
        { stdin: '', out: { write: () => undefined }, err: { write: () => undefined } },
      );
    expect(await run('ensureVswitch', 'NEWVSW', { dryRun: true })).toMatchObject({
      changed: false,
      steps: ['set VSWITCH NEWVSW with uplink 6280, 6283 (interrupts its NICs)'],
    });
    expect(await run('ensureVswitch', 'NEWVSW')).toMatchObject({ changed: true });
    expect((await list()).get('NEWVSW')).toMatchObject({ uplinks: [{ rdev: '6280' }, { rdev: '6283' }] });
  });

  test.each([
    ['what z/VM cannot change in place', 'VSWL3', 'layer 3'],
    ['an administrator’s', 'XCATVSW1', 'administrator'],
    ['what the configuration does not name', 'VSW2', 'not in the configuration'],
  ])('refuses %s, with the reason', async (_case, name, reason) => {
    const failure = await failureOf(run('ensureVswitch', name));
    expect(failure).toMatchObject({ type: 'Refused', details: [[{ field: 'vswitch' }]] });
    expect(failure.message).toContain(reason);
  });
});

describe('deleteVswitch', () => {
  /** The same z/VM system, in whose configuration none of what is to be deleted stands any more. */
  let without: Environment;
  beforeAll(async () => {
    without = await createEnvironmentOn(zvm.simulator, 1, { physicalNetworks: [made('physnew', 'NEWVSW', {})] });
  });
  afterAll(() => without.close());
  const deleting = async (vswitch: string, more: object = {}) =>
    (await startRun(without.client, 'deleteVswitch', { host: without.host, vswitch, ...more })).result();

  test('refuses what the configuration names, forced or not and there or not, with the way', async () => {
    for (const [name, force] of [
      ['VSW1', true],
      ['NEWFLAT', false],
      ['VSWL3', true],
    ] as const) {
      const failure = await failureOf(run('deleteVswitch', name, { force }));
      expect(failure).toMatchObject({ type: 'Refused', details: [[{ field: 'vswitch' }]] });
      expect(failure.message).toMatch(/in the configuration of .*remove it from vswitch_mappings.*then delete it/);
    }
    expect([...(await list()).keys()]).toContain('VSW1');
  });

  test('refuses while a NIC is coupled or a port recorded', async () => {
    const failure = await failureOf(deleting('VSW1'));
    expect(failure.type).toBe('Refused');
    expect(failure.message).toMatch(/LNX10001 are coupled.*1 port\(s\) are recorded/);
  });

  test('refuses an administrator’s, forced or not', async () => {
    expect((await failureOf(deleting('XCATVSW1', { force: true }))).type).toBe('Refused');
  });

  test('refuses one with a coupled NIC that has no record here, forced or not', async () => {
    const [system] = zvm.simulator.mn.systems;
    const guest = system?.guest('LNX10003');
    const vswitch = system?.vswitch('VSW2');
    if (system === undefined || guest === undefined || vswitch === undefined) throw new Error('no such guest');
    system.grant(vswitch, 'LNX10003', { vlans: [9], portType: 'ACCESS', promiscuous: false, persist: false });
    const nic = system.addNic(guest, '0600', 'QDIO', 3, null);
    if (!('vdev' in nic)) throw new Error('no NIC');
    system.couple(guest, nic, 'VSW2', null);
    const failure = await failureOf(deleting('VSW2', { force: true }));
    expect(failure).toMatchObject({ type: 'Refused', message: expect.stringContaining('LNX10003') });
  });

  test('deletes an unused VSWITCH, and with force a used one; one that is gone already is no failure', async () => {
    expect(await deleting('NEWFLAT')).toMatchObject({ changed: true });
    expect(await deleting('VSW1', { force: true })).toMatchObject({ changed: true });
    expect(await deleting('VSW1', { force: true })).toMatchObject({ changed: false });
    expect([...(await list()).keys()]).not.toContain('VSW1');
  });
});
