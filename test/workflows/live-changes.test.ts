import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { restoreSnapshot, type Snapshot, takeSnapshot } from '../../simulator/control/snapshot.ts';
import type { SimulatorOptions } from '../../simulator/simulator.ts';
import { createEnvironment, type Environment, portId, vlan } from './environment.ts';

const trunk = (...segmentationIds: number[]) => ({ type: 'trunk', segmentationIds }) as const;

// Unknown behaviour of z/VM (docs/reference/smcli.md 6): a grant to who is granted, a revocation, a logged-off guest.
const OPEN: SimulatorOptions[] = [{}, { regrant: 'reject', revoke: 'uncouples', loggedOff: '8/45' }];

/** Where a NIC was, one entry for each moment that something changed: `VSW1 7`, or off. */
async function places(zvm: Environment, since: number, userid: string, vdev: string): Promise<string[]> {
  return (await zvm.events(since))
    .filter((event) => event.userid === userid && event.vdev === vdev)
    .flatMap((event) => {
      if (event.type === 'coupled' || event.type === 'vlans-changed')
        return [`${String(event.vswitch)} ${String(event.vlans)}`];
      return event.type === 'uncoupled' ? ['off'] : [];
    });
}

describe.each(OPEN)('a live NIC, with z/VM answering %o', (options) => {
  let zvm: Environment;
  let attached: Snapshot;
  const userid = 'LNX10001';
  const neighbour = 'LNX10003';
  beforeAll(async () => {
    zvm = await createEnvironment({ guests: 4, ...options });
    const ports = ['VSW1', 'VSW2', 'VSWPORT'].map((vswitch, index) => ({
      portId: portId(1 + index),
      vswitch,
      network: vlan(1),
    }));
    await zvm.run('attachNic', { userid, ports });
    const others = ports.map((port, index) => ({ ...port, portId: portId(101 + index), network: vlan(300) }));
    await zvm.run('attachNic', { userid: neighbour, ports: others });
    attached = takeSnapshot(zvm.simulator.mn);
  });
  beforeEach(() => restoreSnapshot(zvm.simulator.mn, attached));
  afterAll(() => zvm.close());
  const now = async () => (await zvm.events()).at(-1)?.seq ?? 0;
  const change = (number: number, input: object) => zvm.run('changeVlan', { userid, portId: portId(number), ...input });

  test.each([
    ['1000', 1, vlan(1), vlan(4094), ['off', 'VSW1 4094']],
    ['1000', 1, vlan(4094), vlan(1), ['off', 'VSW1 1']],
    ['1000', 1, vlan(1), trunk(1, 4094), ['off', 'VSW1 1,4094']],
    ['1000', 1, trunk(1, 4094), vlan(4094), ['off', 'VSW1 4094']],
    ['1006', 3, vlan(1), vlan(4094), ['VSWPORT 4094']],
    ['1006', 3, vlan(4094), vlan(1), ['VSWPORT 1']],
  ] as const)(
    '%s of port %i goes from %o to %o by one change, and nowhere else on the way',
    async (vdev, number, from, network, seen) => {
      await change(number, { network: from });
      const since = await now();
      const { steps } = await change(number, { network, dryRun: true });
      const interruptions = steps.filter((step) => step.includes('interrupts')).length;
      expect(interruptions).toBe(seen[0] === 'off' ? 1 : 0);
      await change(number, { network });
      expect(await places(zvm, since, userid, vdev)).toEqual(seen);
    },
  );

  test('goes to another VSWITCH by one interruption; its others and its neighbours notice nothing', async () => {
    await change(1, { network: vlan(4094) });
    const since = await now();
    await change(3, { vswitch: 'VSW1', network: vlan(4094) });
    expect(await places(zvm, since, userid, '1006')).toEqual(['off', 'VSW1 4094']);
    const others = (await zvm.events(since)).filter((event) => event.userid === neighbour);
    expect(others).toEqual([]);
    expect(await places(zvm, since, userid, '1003')).toEqual([]);
  });

  test('is read back as coupled: what the operation answers is what z/VM has', async () => {
    const { ports } = await change(2, { network: vlan(2) });
    const nic = (await zvm.guest(userid)).nics.find((candidate) => candidate.vdev === ports[0]?.vdev);
    expect(ports[0]).toMatchObject({ live: 'now', vswitch: 'VSW2' });
    expect(nic).toMatchObject({ vswitch: 'VSW2', vlans: [2] });
  });
});

test('a NIC that cannot be coupled again is not told to be: the change waits until z/VM takes it', async () => {
  const zvm = await createEnvironment({ guests: 2 });
  try {
    const userid = 'LNX10001';
    await zvm.run('attachNic', { userid, ports: [{ portId: portId(1), vswitch: 'VSW1', network: vlan(7) }] });
    const since = (await zvm.events()).at(-1)?.seq ?? 0;
    await zvm.control('POST', 'faults', {
      match: { command: 'Connect_Vswitch' },
      action: { kind: 'smapi', function: 'Virtual_Network_Adapter_Connect_Vswitch', rc: 204, rs: 12, when: 'before' },
      times: 2,
    });
    await zvm.run('changeVlan', { userid, portId: portId(1), network: vlan(8) });
    expect(await places(zvm, since, userid, '1000')).toEqual(['off', 'VSW1 8']);
  } finally {
    await zvm.close();
  }
});

test('a directory that DirMaint does not put online by itself is put online after each change', async () => {
  const zvm = await createEnvironment({ guests: 2, directoryOnline: 'deferred' }, true, { directoryOnline: true });
  try {
    const userid = 'LNX10002';
    const port = { userid, portId: portId(1), vswitch: 'VSW1', network: vlan(7) };
    // The connection drops after DirMaint has changed the entry: the next plan sees it right, and still owes the step.
    await zvm.control('POST', 'faults', {
      match: { command: 'Image_Definition_Update_DM' },
      action: { kind: 'smapi', function: 'Static_Image_Changes_Immediate_DM', rc: 500, rs: 8, when: 'before' },
      times: 1,
    });
    const { steps } = await zvm.run('createPort', port);
    expect(steps.at(-1)).toBe('put the directory of LNX10002 online');
    await zvm.control('POST', `systems/zhcp1/guests/${userid}/logon`);
    expect((await zvm.guest(userid)).nics).toMatchObject([{ vdev: '1000', vswitch: 'VSW1' }]);
    await zvm.run('deletePort', { userid, portId: portId(1) });
    await zvm.control('POST', `systems/zhcp1/guests/${userid}/logoff`);
    await zvm.control('POST', `systems/zhcp1/guests/${userid}/logon`);
    expect((await zvm.guest(userid)).nics).toEqual([]);
  } finally {
    await zvm.close();
  }
});
