import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { restoreSnapshot, type Snapshot, takeSnapshot } from '../../simulator/control/snapshot.ts';
import { createEnvironment, type Environment, failureOf } from './environment.ts';
import { startRun } from './start.ts';

const network = (name: string, vswitch: string, more: object = {}) => ({
  name,
  vswitch,
  flat: false,
  vlanRanges: [{ from: 1000, to: 1003 }],
  rdevs: [],
  portSelection: 'USERBASED' as const,
  transport: 'ETHERNET' as const,
  ...more,
});
const serve = async (zvm: Environment, more: object = {}) =>
  (await startRun(zvm.client, 'ensureDhcp', { host: zvm.host, ...more })).result();

describe('a host with a DHCP node', () => {
  let zvm: Environment;
  let unserved: Snapshot;
  beforeAll(async () => {
    zvm = await createEnvironment({ guests: 2 }, true, {
      physicalNetworks: [
        network('physnet1', 'VSW1'),
        network('physnet2', 'VSW2', { vlanRanges: [{ from: 4094, to: 4094 }] }),
        network('physflat', 'VSWFLAT', { flat: true, vlanRanges: [] }),
      ],
      dhcpUserid: 'LNX10001',
    });
    unserved = takeSnapshot(zvm.simulator.mn);
  });
  beforeEach(() => restoreSnapshot(zvm.simulator.mn, unserved));
  afterAll(() => zvm.close());

  test('a dry run says which NICs and grants it would get, and does nothing', async () => {
    const { changed, steps } = await serve(zvm, { dryRun: true });
    expect(changed).toBe(false);
    expect(steps.join('\n')).toMatch(/VSW1/);
    expect((await zvm.guest('LNX10001')).granted).toEqual({});
  });

  test('gets one live NIC on each VSWITCH, a trunk for the VLANs in use there', async () => {
    expect(await serve(zvm)).toMatchObject({ changed: true });
    const guest = await zvm.guest('LNX10001');
    expect(guest.granted).toEqual({ VSW1: [1000, 1001, 1002, 1003], VSW2: [4094], VSWFLAT: [] });
    expect(guest.nics.map(({ vswitch }) => vswitch).sort()).toEqual(['VSW1', 'VSW2', 'VSWFLAT']);
  });

  test('repeated, nothing changes', async () => {
    await serve(zvm);
    expect(await serve(zvm)).toMatchObject({ changed: false });
  });

  test('a grant that was lost comes back', async () => {
    await serve(zvm);
    await zvm.control('POST', 'systems/zhcp1/ipl');
    await zvm.control('POST', 'systems/zhcp1/guests/LNX10001/logon');
    expect(await serve(zvm)).toMatchObject({ changed: true });
    expect((await zvm.guest('LNX10001')).granted.VSW1).toEqual([1000, 1001, 1002, 1003]);
  });
});

test('reconciliation keeps the DHCP node as it is configured, and does not try what is refused at every run', async () => {
  const zvm = await createEnvironment({ guests: 2 }, true, {
    physicalNetworks: [network('physnet1', 'VSW1')],
    dhcpUserid: 'LNX10001',
  });
  try {
    const run = await startRun(zvm.client, 'reconcileHost', { host: zvm.host });
    expect((await run.result()).drifts).toContain('the DHCP node lacks configured ports');
    expect((await zvm.guest('LNX10001')).granted).toEqual({ VSW1: [1000, 1001, 1002, 1003] });
    const again = await startRun(zvm.client, 'reconcileHost', { host: zvm.host });
    expect(await again.result()).toMatchObject({ drifts: [], failed: 0 });
  } finally {
    await zvm.close();
  }
});

describe('a request that cannot be served is refused, with the reason', () => {
  test.each([
    ['a layer 3 VSWITCH', { dhcpUserid: 'LNX10001' }, 'VSWITCH VSWL3 is layer 3'],
    ['a host without a DHCP node', {}, 'has no DHCP node'],
  ])('%s', async (_case, configured, reason) => {
    const zvm = await createEnvironment({ guests: 2 }, true, {
      physicalNetworks: [network('physl3', 'VSWL3', { flat: true, vlanRanges: [] })],
      ...configured,
    });
    try {
      const failure = await failureOf(serve(zvm));
      expect(failure).toMatchObject({ type: 'Refused' });
      expect(failure.message).toContain(reason);
    } finally {
      await zvm.close();
    }
  });
});
