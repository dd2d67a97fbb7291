import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { restoreSnapshot, type Snapshot, takeSnapshot } from '../../simulator/control/snapshot.ts';
import { createEnvironment, type Environment, portId, vlan } from './environment.ts';
import { startRun } from './start.ts';

const userid = 'LNX10001';
const ports = [1001, 1002].map((id, index) => ({ portId: portId(1 + index), vswitch: 'VSW1', network: vlan(id) }));

describe('where the user directory authorises', () => {
  let zvm: Environment;
  let fresh: Snapshot;
  beforeAll(async () => {
    zvm = await createEnvironment({ guests: 2, release: '7.4' });
    fresh = takeSnapshot(zvm.simulator.mn);
  });
  beforeEach(() => restoreSnapshot(zvm.simulator.mn, fresh));
  afterAll(() => zvm.close());
  const vlansOf = async () => (await zvm.guest(userid)).nics.map(({ vdev, vlans }) => [vdev, vlans]);
  const reconcile = async (more: { last?: object } = {}) =>
    (await startRun(zvm.client, 'reconcileHost', { host: zvm.host, ...more })).result();

  test('two NICs of a guest have two VLANs on one user-based VSWITCH, without a grant', async () => {
    await zvm.run('attachNic', { userid, ports });
    expect(await vlansOf()).toEqual([
      ['1000', [1001]],
      ['1003', [1002]],
    ]);
    expect((await zvm.guest(userid)).granted).not.toHaveProperty('VSW1');
  });

  test('another VLAN interrupts that NIC alone', async () => {
    await zvm.run('attachNic', { userid, ports });
    const since = (await zvm.events()).at(-1)?.seq ?? 0;
    await zvm.run('changeVlan', { userid, portId: portId(1), network: vlan(2001) });
    expect(await vlansOf()).toEqual([
      ['1000', [2001]],
      ['1003', [1002]],
    ]);
    const uncoupled = (await zvm.events(since)).filter(({ type }) => type === 'uncoupled');
    expect(uncoupled.map((event) => event.vdev)).toEqual(['1000']);
  });

  test('a re-IPL needs no step', async () => {
    await zvm.run('attachNic', { userid, ports });
    const { checkpoint, failures } = await reconcile();
    await zvm.control('POST', 'systems/zhcp1/ipl', { autolog: true });
    expect(await vlansOf()).toEqual([
      ['1000', [1001]],
      ['1003', [1002]],
    ]);
    expect(await reconcile({ last: { checkpoint, failures } })).toMatchObject({ drifted: 0, failed: 0, reIpled: true });
  });

  test('a guest is moved from its grant to the directory without an interruption', async () => {
    const [system] = zvm.simulator.mn.systems;
    system?.behave('7.4', { dna: 'disabled' });
    await zvm.run('attachNic', { userid, ports: ports.slice(0, 1) });
    expect((await zvm.guest(userid)).granted).toEqual({ VSW1: [1001] });
    system?.behave('7.4', {});
    const since = (await zvm.events()).at(-1)?.seq ?? 0;
    const { steps } = await zvm.run('modernizeGuest', { userid });
    expect(steps.map((step) => step.split(' ')[0])).toEqual(['remove', 'define', 'revoke']);
    const { granted, directory } = await zvm.guest(userid);
    expect(granted).toEqual({});
    expect(directory.find(({ vdev }) => vdev === '1000')).toMatchObject({ vlans: [1001] });
    expect((await zvm.events(since)).filter(({ type }) => type === 'uncoupled')).toEqual([]);
    expect(await zvm.run('modernizeGuest', { userid })).toMatchObject({ changed: false });
    expect(await reconcile()).toMatchObject({ drifted: 0, failed: 0 });
  });
});

test('a NIC that z/VM puts on another VLAN is never reported done, and the failure says what z/VM has', async () => {
  // Whatever the client is told of it, this COUPLE gives what the guest was granted before.
  const zvm = await createEnvironment({ guests: 1, release: '7.4', vlanWinner: 'grant' }, true, {
    capabilities: { behaviour: { vlanWinner: 'nicdef' } },
  });
  try {
    const vswitch = zvm.simulator.mn.systems[0]?.vswitch('VSW1');
    vswitch?.authorisations.set(userid, { vlans: [77], portType: 'ACCESS', promiscuous: false, persist: true });
    await expect(zvm.run('attachNic', { userid, ports: ports.slice(0, 1) })).rejects.toMatchObject({
      cause: {
        type: 'StepFailed',
        message: expect.stringMatching(/NIC 1000 on VLAN 77 of VSW1, not on VLAN 1001.*external security manager/),
      },
    });
  } finally {
    await zvm.close();
  }
});
