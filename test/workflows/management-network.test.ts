import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { restoreSnapshot, type Snapshot, takeSnapshot } from '../../simulator/control/snapshot.ts';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import { createEnvironmentOn, type Environment, failureOf } from './environment.ts';
import { startRun } from './start.ts';

const managementNetwork = { address: '10.9.0.1', mask: '255.255.0.0' };
let simulator: Simulator;
let first: Environment;
let second: Environment;
let without: Snapshot;
beforeAll(async () => {
  simulator = await startSimulator({ hosts: 2, guests: 1, release: '6.3' });
  [first, second] = await Promise.all([
    createEnvironmentOn(simulator, 1, { managementNetwork }),
    createEnvironmentOn(simulator, 2, { managementNetwork }),
  ]);
  without = takeSnapshot(simulator.mn);
});
beforeEach(() => restoreSnapshot(simulator.mn, without));
afterAll(async () => {
  await Promise.all([first.close(), second.close()]);
  await simulator.close();
});

const ensure = async (zvm: Environment, more: object = {}) =>
  (await startRun(zvm.client, 'ensureManagementNetwork', { host: zvm.host, ...more })).result();
const nic = () =>
  simulator.mn.systems[0]
    ?.guest('XCAT')
    ?.nics.filter(({ vdev }) => vdev === '0800')
    .map(({ vswitch }) => vswitch);
const address = () => simulator.mn.interfaces.get('enccw0.0.0800');

const STEPS = [
  'grant XCAT on VSWFLAT',
  'define NIC 0800 on the management node',
  'couple NIC 0800 of the management node to VSWFLAT',
  'give the management node the address 10.9.0.1 mask 255.255.0.0',
];

describe('the management network', () => {
  test('is announced by a dry run', async () => {
    const planned = { changed: false, dryRun: true, effect: 'changes', steps: STEPS };
    expect(await ensure(first, { dryRun: true })).toEqual(planned);
    expect(nic()).toEqual([]);
  });

  test('is NIC 0800 of the management node on the first flat network, with the configured address', async () => {
    expect(await ensure(first)).toEqual({ changed: true, steps: STEPS });
    expect(nic()).toEqual(['VSWFLAT']);
    expect(address()).toEqual(managementNetwork);
  });

  test('repeated, nothing changes', async () => {
    await ensure(first);
    expect(await ensure(first)).toEqual({ changed: false, steps: ['nothing to do'] });
  });

  test('comes back after a restart of the management node, which keeps its grant', async () => {
    await ensure(first);
    await first.control('POST', 'restart');
    expect(nic()).toEqual([]);
    expect(await ensure(first)).toMatchObject({ changed: true, steps: STEPS.slice(1) });
    expect(address()).toEqual(managementNetwork);
  });

  test('is left to the host that the management node is a guest of', async () => {
    expect(await ensure(second)).toEqual({
      changed: false,
      steps: ['nothing to do: the management node is a guest of zhcp1.zvm.example'],
    });
  });

  test('with an address that an administrator gave is refused', async () => {
    await ensure(first);
    simulator.mn.interfaces.set('enccw0.0.0800', { address: '10.9.0.77', mask: '255.255.0.0' });
    const failure = await failureOf(ensure(first));
    expect(failure).toMatchObject({ type: 'Refused' });
    expect(failure.message).toContain('has the management address 10.9.0.77');
    expect(address()?.address).toBe('10.9.0.77');
  });

  test('of a host without the keys is refused', async () => {
    const bare = await createEnvironmentOn(simulator, 1);
    try {
      expect((await failureOf(ensure(bare))).message).toContain('xcat_mgt_ip');
    } finally {
      await bare.close();
    }
  });
});
