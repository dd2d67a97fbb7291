import { describe, expect, test } from 'vitest';
import type { Release } from '../../simulator/zvm/release.ts';
import { ACCESS, dnaHarness } from './dna.ts';

const BEFORE: Release[] = ['6.3', '6.4'];
const SINCE: Release[] = ['7.1', '7.3', '7.4', '7.5'];
/** DirMaint's pause of a second is left out where it is not what is tested. */
const QUICK = { directoryIntervalMs: 0 };

describe.each(BEFORE)('z/VM %s', (release) => {
  test('has no line about directory network authorization, and couples by grant alone', async () => {
    const sim = await dnaHarness({ release, ...QUICK });
    expect(await sim.vmcp('q vmlan')).not.toContain('Directory Network Authorization');
    const { nics } = await sim.logonWith('LNX10002', `NICDEF 1000 ${ACCESS} VLAN 100 PORTTYPE ACCESS`);
    expect(nics).toMatchObject([{ vdev: '1000', vswitch: null }]);
    await sim.set('VSW1', 'grant_userid=LNX10002', 'user_vlan_id=7');
    expect(await sim.couple('LNX10002', '1000', 'VSW1')).toContain('Done');
    expect(await sim.nicsOf('LNX10002')).toMatchObject([{ vlans: [7] }]);
    await sim.close();
  });

  test('takes no NICDEF with VLAN and PORTTYPE into the directory', async () => {
    const sim = await dnaHarness({ release, ...QUICK });
    const operand = 'NICDEF=VDEV=1000 TYPE=QDIO LAN=SYSTEM SWITCHNAME=VSW1 VLAN=100';
    expect(await sim.smcli('Image_Definition_Update_DM', '-T', 'LNX10002', '-k', operand)).toContain('Code: 24');
    const answer = await sim.rewrite('LNX10002', (records) => [...records, `NICDEF 1000 ${ACCESS} VLAN 100`]);
    expect(answer).toContain('Return Code: 596');
    await sim.close();
  });

  test('keeps port numbers and grants on VSWITCHes of their kind', async () => {
    const sim = await dnaHarness({ release, ...QUICK });
    expect(await sim.set('VSWPORT', 'grant_userid=LNX10001')).toContain('Reason Code: 2838');
    expect(await sim.set('VSW1', 'portnum=17 LNX10001')).toContain('Reason Code: 2838');
    await sim.close();
  });
});

test('z/VM 6.3, and 6.4 without the APARs, take no PORTNUMBER in a NICDEF', async () => {
  const operand = 'NICDEF=VDEV=1000 TYPE=QDIO LAN=SYSTEM SWITCHNAME=VSWPORT PORTNUMBER=5';
  const results = await Promise.all(
    BEFORE.map(async (release) => {
      const sim = await dnaHarness({ release, ...QUICK });
      const answer = await sim.smcli('Image_Definition_Update_DM', '-T', 'LNX10002', '-k', operand);
      await sim.close();
      return answer.includes('Done');
    }),
  );
  expect(results).toEqual([false, false]);
});

describe.each(SINCE)('z/VM %s', (release) => {
  test('says in QUERY VMLAN that directory network authorization is enabled', async () => {
    const sim = await dnaHarness({ release, ...QUICK });
    expect((await sim.vmcp('q vmlan')).split('\n')).toEqual([
      'VMLAN maintenance level:',
      '  Latest Service: Base',
      'VMLAN MAC address assignment:',
      '  System MAC Protection: OFF',
      '  MACADDR Prefix: 020001 USER Prefix: 020000',
      '  MACIDRANGE SYSTEM: 000001-FFFFFF',
      '             USER:   000000-000000',
      'VMLAN default accounting status:',
      '  SYSTEM Accounting: OFF       USER Accounting: OFF',
      'VMLAN general activity:',
      expect.stringMatching(/^ {2}PERSISTENT Limit: INFINITE {3}Current: \d+$/),
      '  TRANSIENT  Limit: INFINITE   Current: 0',
      'Trace Pages: 8',
      'VMLAN Directory Network Authorization: ENABLED',
      'IVL Domain: None',
    ]);
    await sim.close();
  });

  test('lets two NICs of one guest have two VLANs on one user-based VSWITCH, without a grant, also after a re-IPL', async () => {
    const sim = await dnaHarness({ release, ...QUICK });
    const wired = [
      { vdev: '1000', vswitch: 'VSW1', vlans: [100] },
      { vdev: '1003', vswitch: 'VSW1', vlans: [200] },
    ];
    const statement = (vdev: string, vlan: number) => `NICDEF ${vdev} ${ACCESS} VLAN ${vlan} PORTTYPE ACCESS`;
    const { nics } = await sim.logonWith('LNX10002', statement('1000', 100), statement('1003', 200));
    expect(nics).toMatchObject(wired);
    await sim.control('POST', '/systems/zhcp1/ipl');
    expect(await sim.nicsOf('LNX10002')).toMatchObject(wired);
    await sim.close();
  });

  test('cuts no NIC off by a revoke whose right is in the directory', async () => {
    const sim = await dnaHarness({ release, ...QUICK });
    await sim.set('VSW1', 'grant_userid=LNX10002', 'user_vlan_id=7');
    await sim.logonWith('LNX10002', `NICDEF 1000 ${ACCESS} VLAN 100`);
    expect(await sim.set('VSW1', 'revoke_userid=LNX10002')).toContain('Done');
    expect(await sim.uncouple('LNX10002', '1000')).toContain('Done');
    expect(await sim.couple('LNX10002', '1000', 'VSW1')).toContain('Done');
    expect(await sim.nicsOf('LNX10002')).toMatchObject([{ vlans: [100] }]);
    await sim.close();
  });

  test('takes grants and port numbers on any VSWITCH, and a port number in NICDEF', async () => {
    const sim = await dnaHarness({ release, ...QUICK });
    expect(await sim.set('VSWPORT', 'grant_userid=LNX10002', 'user_vlan_id=9')).toContain('Done');
    expect(await sim.set('VSW1', 'portnum=17 LNX10002', 'user_vlan_id=200')).toContain('Done');
    expect(await sim.set('VSW1', 'portnum=18 LNX10001', 'user_vlan_id=300')).toContain('Done');
    const { nics } = await sim.logonWith(
      'LNX10002',
      'NICDEF 1000 TYPE QDIO LAN SYSTEM VSWPORT',
      `NICDEF 1003 ${ACCESS} PORTNUMBER 17`,
      `NICDEF 1006 ${ACCESS} PORTNUMBER 18`,
    );
    expect(nics).toMatchObject([
      { vswitch: 'VSWPORT', vlans: [9] },
      { vswitch: 'VSW1', vlans: [200], port: 17 },
      { vswitch: null },
    ]);
    await sim.close();
  });

  test('has no VLAN or port type for a NIC on a VSWITCH that is not aware', async () => {
    const sim = await dnaHarness({ release, ...QUICK });
    const { nics } = await sim.logonWith('LNX10002', 'NICDEF 1000 TYPE QDIO LAN SYSTEM VSWFLAT VLAN 100');
    expect(nics).toMatchObject([{ vswitch: null }]);
    await sim.close();
  });
});

test.each([
  ['6.3', 'z/VM Version 6 Release 3.0', 'V6.3'],
  ['6.4', 'z/VM Version 6 Release 4.0', 'V6.4'],
  ['7.1', 'z/VM Version 7 Release 1.0', 'V7.1'],
  ['7.3', 'z/VM Version 7 Release 3.0', 'V7.2'],
  ['7.4', 'z/VM Version 7 Release 4.0', 'V7.2'],
  ['7.5', 'z/VM Version 7 Release 5.0', 'V7.2'],
] as const)('z/VM %s is seen in QUERY CPLEVEL, and as far as smcli knows it', async (release, level, functional) => {
  const sim = await dnaHarness({ release, ...QUICK });
  expect(await sim.vmcp('q cplevel')).toMatch(level);
  expect(await sim.smcli('Query_API_Functional_Level', '-T', 'ZHCP1')).toBe(
    `The API functional level is z/VM ${functional}`,
  );
  await sim.close();
});

test('6.4 with the APARs authorises by the directory, and says so', async () => {
  const sim = await dnaHarness({ release: '6.4', dna: 'enabled', ...QUICK });
  expect(await sim.vmcp('q vmlan')).toMatch(/Latest Service: VM65925[\s\S]*Network Authorization: ENABLED$/);
  const { nics } = await sim.logonWith('LNX10002', `NICDEF 1000 ${ACCESS} VLAN 100`);
  expect(nics).toMatchObject([{ vlans: [100] }]);
  await sim.close();
});

test('a system of each release can stand behind one management node', async () => {
  const sim = await dnaHarness({ hosts: 2, release: ['6.3', '7.4'] });
  const state = (await sim.control('GET', '/state')) as { systems: Record<string, { release: string }> };
  expect(Object.values(state.systems).map(({ release }) => release)).toEqual(['6.3', '7.4']);
  await sim.close();
});

test('DirMaint as shipped up to 7.1 pauses between two requests; from 7.3 on it does not', async () => {
  const timeOf = async (release: Release) => {
    const sim = await dnaHarness({ release });
    await sim.smcli('Image_Query_DM', '-T', 'LNX10001');
    const started = performance.now();
    await sim.smcli('Image_Query_DM', '-T', 'LNX10001');
    await sim.close();
    return performance.now() - started;
  };
  expect(await timeOf('7.1')).toBeGreaterThan(700);
  expect(await timeOf('7.4')).toBeLessThan(700);
});
