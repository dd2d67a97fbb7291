import { describe, expect, test } from 'vitest';
import type { SimulatorOptions } from '../../simulator/simulator.ts';
import { ACCESS, dnaHarness } from './dna.ts';

/** Each question that only a z/VM can answer has its answer both ways, as a client sees it, on z/VM 7.4. */
type Sim = Awaited<ReturnType<typeof dnaHarness>>;
const GUEST = 'LNX10002';
const ON_VLAN_100 = `NICDEF 1000 ${ACCESS} VLAN 100`;

async function seen<T>(options: SimulatorOptions, look: (sim: Sim) => Promise<T>): Promise<T> {
  const sim = await dnaHarness({ release: '7.4', ...options });
  try {
    return await look(sim);
  } finally {
    await sim.close();
  }
}

const codeOf = (answer: string) => {
  const [, rc, rs] = /Return Code: (-?\d+)\s+Reason Code: (-?\d+)/.exec(answer) ?? [];
  return rc === undefined ? answer.includes('Done') : `${rc}/${rs}`;
};
const coupled = async (sim: Sim, userid = GUEST) =>
  (await sim.nicsOf(userid)).map(({ vswitch, vlans }) => (vswitch === null ? null : vlans));

describe('NICDEF with a VSWITCH and nothing else', () => {
  const look = async (sim: Sim) => {
    await sim.logonWith(GUEST, `NICDEF 1000 ${ACCESS}`);
    return coupled(sim);
  };
  test.each([
    ['refused', [null]],
    ['authorises', [[1]]],
  ] as const)('%s', async (nicdefAlone, expected) => {
    expect(await seen({ nicdefAlone }, look)).toEqual(expected);
  });
});

describe('VLANs of NICDEF and of the grant', () => {
  const look = async (sim: Sim) => {
    await sim.set('VSW1', `grant_userid=${GUEST}`, 'user_vlan_id=7');
    await sim.logonWith(GUEST, ON_VLAN_100);
    return coupled(sim);
  };
  test.each([
    ['nicdef', [[100]]],
    ['grant', [[7]]],
  ] as const)('%s wins', async (vlanWinner, expected) => {
    expect(await seen({ vlanWinner }, look)).toEqual(expected);
  });

  test('a NICDEF without VLAN has that of the grant, in any case', async () => {
    const look = async (sim: Sim) => {
      await sim.set('VSW1', `grant_userid=${GUEST}`, 'user_vlan_id=7');
      await sim.logonWith(GUEST, `NICDEF 1000 ${ACCESS}`);
      return coupled(sim);
    };
    expect(await seen({ vlanWinner: 'nicdef' }, look)).toEqual([[7]]);
    expect(await seen({ vlanWinner: 'grant' }, look)).toEqual([[7]]);
  });
});

describe('COUPLE of a running guest after its directory entry has changed', () => {
  const look = async (sim: Sim) => {
    await sim.logonWith(GUEST, ON_VLAN_100);
    await sim.rewrite(GUEST, (records) => records.map((record) => record.replace('VLAN 100', 'VLAN 200')));
    expect(await coupled(sim)).toEqual([[100]]);
    await sim.uncouple(GUEST, '1000');
    await sim.couple(GUEST, '1000', 'VSW1');
    return coupled(sim);
  };
  test.each([
    [true, [[200]]],
    [false, [[100]]],
  ] as const)('reads it: %s', async (coupleReadsDirectory, expected) => {
    expect(await seen({ coupleReadsDirectory }, look)).toEqual(expected);
  });

  const hotPlugged = async (sim: Sim) => {
    await sim.rewrite('LNX10001', (records) => [...records, ON_VLAN_100]);
    await sim.smcli('Virtual_Network_Adapter_Create', '-T', 'LNX10001', '-v', '1000', '-t', '2', '-d', '3');
    return codeOf(await sim.couple('LNX10001', '1000', 'VSW1'));
  };
  test.each([
    [true, true],
    [false, '212/8'],
  ] as const)('reads it for a NIC that was not there at logon: %s', async (coupleReadsDirectory, expected) => {
    expect(await seen({ coupleReadsDirectory }, hotPlugged)).toBe(expected);
  });

  test('goes by what is online, when changes are deferred', async () => {
    const deferred = async (sim: Sim) => {
      await sim.logonWith(GUEST, ON_VLAN_100);
      await sim.rewrite(GUEST, (records) => records.map((record) => record.replace('VLAN 100', 'VLAN 200')));
      const vlans: (readonly number[] | null)[] = [];
      for (const online of [false, true]) {
        if (online) await sim.smcli('Static_Image_Changes_Immediate_DM', '-T', GUEST);
        await sim.uncouple(GUEST, '1000');
        await sim.couple(GUEST, '1000', 'VSW1');
        vlans.push(...(await coupled(sim)));
      }
      return vlans;
    };
    expect(await seen({ directoryOnline: 'deferred' }, deferred)).toEqual([[100], [200]]);
  });
});

describe('a grant of a userid that is authorised already', () => {
  const twice = (nicdef: string) => async (sim: Sim) => {
    await sim.set('VSW1', `grant_userid=${GUEST}`, 'user_vlan_id=7');
    await sim.logonWith(GUEST, nicdef);
    const code = codeOf(await sim.set('VSW1', `grant_userid=${GUEST}`, 'user_vlan_id=7'));
    return [code, await coupled(sim)];
  };
  test.each([
    ['reexecute', [true, [null]]],
    ['reject', ['212/44', [[7]]]],
    ['keeps', [true, [[7]]]],
  ] as const)('%s', async (regrant, expected) => {
    expect(await seen({ regrant }, twice(`NICDEF 1000 ${ACCESS}`))).toEqual(expected);
  });
  test.each([
    ['drops', [null]],
    ['keeps', [[100]]],
  ] as const)('%s a NIC whose right is in the directory', async (dnaRegrant, expected) => {
    expect(await seen({ dnaRegrant }, twice(ON_VLAN_100))).toEqual([true, expected]);
  });
});

describe('a revoke', () => {
  const revoked = (nicdef: string) => async (sim: Sim) => {
    await sim.set('VSW1', `grant_userid=${GUEST}`, 'user_vlan_id=7');
    await sim.logonWith(GUEST, nicdef);
    await sim.set('VSW1', `revoke_userid=${GUEST}`);
    return coupled(sim);
  };
  test.each([
    ['keeps', [[7]]],
    ['uncouples', [null]],
  ] as const)('%s a NIC whose right it is', async (revoke, expected) => {
    expect(await seen({ revoke }, revoked(`NICDEF 1000 ${ACCESS}`))).toEqual(expected);
  });
  test.each([
    ['keeps', [[100]]],
    ['uncouples', [null]],
  ] as const)('%s a NIC whose right is in the directory', async (dnaRevoke, expected) => {
    expect(await seen({ dnaRevoke }, revoked(ON_VLAN_100))).toEqual(expected);
  });
});

describe('directory network authorization, disabled with NICs coupled by it', () => {
  const look = async (sim: Sim) => {
    await sim.logonWith(GUEST, ON_VLAN_100);
    await sim.control('POST', '/systems/zhcp1/dna/disable');
    const at = await coupled(sim);
    expect(await sim.vmcp('q vmlan')).toContain('Directory Network Authorization: DISABLED');
    await sim.uncouple(GUEST, '1000');
    return [at, codeOf(await sim.couple(GUEST, '1000', 'VSW1'))];
  };
  test.each([
    ['keeps', [[[100]], '212/8']],
    ['uncouples', [[null], '212/8']],
  ] as const)('%s them', async (dnaDisable, expected) => {
    expect(await seen({ dnaDisable }, look)).toEqual(expected);
  });
});

describe('the port of a NIC whose right is in the directory', () => {
  const look = async (sim: Sim) => {
    await sim.logonWith(GUEST, `${ON_VLAN_100} PORTNUMBER 33`);
    const query = ['Virtual_Network_Vswitch_Query_Extended', '-T', 'ZHCP1', '-k', 'switch_name=VSW1'];
    const listed = (await sim.smcli(...query)).includes(`port_num: 0033\ngrant_userid: ${GUEST}`);
    const changed = codeOf(await sim.set('VSW1', 'vlan_port_add=200 33', 'vlan_port_remove=100 33'));
    return [listed, changed, await coupled(sim)];
  };
  test.each([
    ['hidden', [false, '212/8', [[100]]]],
    ['listed', [true, true, [[200]]]],
  ] as const)('is %s among the authorisations', async (dnaPorts, expected) => {
    expect(await seen({ dnaPorts }, look)).toEqual(expected);
  });

  test('can be modified by its number where it is listed, by its user alone', async () => {
    const modify = async (sim: Sim) => {
      await sim.logonWith(GUEST, `${ON_VLAN_100} PORTNUMBER 33`);
      const foreign = codeOf(await sim.set('VSW1', 'portnum_modify=33 LNX10001', 'user_vlan_id=5'));
      const own = codeOf(await sim.set('VSW1', `portnum_modify=33 ${GUEST}`, 'user_vlan_id=6'));
      return [foreign, own, await coupled(sim)];
    };
    expect(await seen({ dnaPorts: 'listed' }, modify)).toEqual(['212/8', true, [[6]]]);
  });
});

describe('QUERY VSWITCH DETAILS', () => {
  const look = async (sim: Sim) => {
    await sim.logonWith(GUEST, ON_VLAN_100);
    const [, adapters = ''] = (await sim.vmcp('q vswitch vsw1 details')).split('Adapter Connections:');
    expect(adapters).toContain(`Adapter Owner: ${GUEST} NIC: 1000.P00`);
    return [adapters.includes('VLAN: 0100'), adapters.includes('Porttype: Access')];
  };
  test.each([
    ['shown', [true, true]],
    ['hidden', [false, false]],
  ] as const)('VLAN and port type of an adapter are %s', async (adapterVlan, expected) => {
    expect(await seen({ adapterVlan }, look)).toEqual(expected);
  });
});

describe('Image_Definition_Update_DM with a NICDEF keyword of directory network authorization', () => {
  const OPERANDS = [
    ['PORTNUMBER', 'PORTNUMBER=5', 'PORTNUMBER 5'],
    ['PORTTYPE', 'PORTTYPE=TRUNK', 'PORTTYPE TRUNK'],
    ['VLAN', 'VLAN=200-202', 'VLAN 200-202'],
    ['PROMISCUOUS', 'PROMISCUOUS', 'PROMISCUOUS'],
    ['NOPROMISCUOUS', 'NOPROMISCUOUS=YES', 'NOPROMISCUOUS'],
    ['PQUPLINKTX', 'PQUPLINKTX=HIGH', 'PQUPLINKTX HIGH'],
  ] as const;
  const asked = (operand: string) => async (sim: Sim) => {
    const nicdef = `NICDEF=VDEV=1000 TYPE=QDIO LAN=SYSTEM SWITCHNAME=VSW1 ${operand}`;
    const code = codeOf(await sim.smcli('Image_Definition_Update_DM', '-T', GUEST, '-k', nicdef));
    return [
      code,
      (await sim.entryOf(GUEST))
        .split('\n')
        .find((record) => record.startsWith('NICDEF'))
        ?.trimEnd(),
    ];
  };
  test.each(OPERANDS)('takes %s, or does not', async (keyword, operand, written) => {
    const one: SimulatorOptions = { nicdefKeywords: [keyword] };
    expect(await seen({}, asked(operand))).toEqual(['24/210', undefined]);
    expect(await seen(one, asked(operand))).toEqual([true, `NICDEF 1000 ${ACCESS} ${written}`]);
  });
});

describe('several -k NICDEF= of which the second conflicts', () => {
  const look = async (sim: Sim) => {
    const nicdef = (vdev: string) => ['-k', `NICDEF=VDEV=${vdev} TYPE=QDIO`];
    const vdevs = ['1000', '1001', '1006'];
    const answer = await sim.smcli('Image_Definition_Update_DM', '-T', GUEST, ...vdevs.flatMap(nicdef));
    const entry = await sim.entryOf(GUEST);
    return [codeOf(answer), vdevs.filter((vdev) => entry.includes(`NICDEF ${vdev}`))];
  };
  test.each([
    ['sequence', ['404/4', ['1000']]],
    ['transaction', ['404/4', []]],
    ['firstOnly', [true, ['1000']]],
  ] as const)('%s', async (nicdefsAtOnce, expected) => {
    expect(await seen({ nicdefsAtOnce }, look)).toEqual(expected);
  });

  test('a sequence costs a request each, a transaction one', async () => {
    const time = async (sim: Sim) => {
      const started = performance.now();
      const operands = ['1000', '1003', '1006'].flatMap((vdev) => ['-k', `NICDEF=VDEV=${vdev} TYPE=QDIO`]);
      await sim.smcli('Image_Definition_Update_DM', '-T', GUEST, ...operands);
      return performance.now() - started;
    };
    expect(await seen({ nicdefsAtOnce: 'sequence', directoryMs: 200 }, time)).toBeGreaterThan(590);
    expect(await seen({ nicdefsAtOnce: 'transaction', directoryMs: 200 }, time)).toBeLessThan(590);
  });
});

test.each([
  [false, [true, true]],
  [true, ['0/40', '0/44']],
] as const)('a VSWITCH made and deleted: informative %s', async (informative, expected) => {
  const look = async (sim: Sim) => [
    codeOf(await sim.smcli('Virtual_Network_Vswitch_Create_Extended', '-T', 'ZHCP1', '-k', 'switch_name=NEW')),
    codeOf(await sim.smcli('Virtual_Network_Vswitch_Delete_Extended', '-T', 'ZHCP1', '-k', 'switch_name=NEW')),
  ];
  expect(await seen({ informative }, look)).toEqual(expected);
});

test.each(['200/12', '8/45'] as const)('an immediate function on a guest that is off: %s', async (loggedOff) => {
  const look = async (sim: Sim) => codeOf(await sim.couple(GUEST, '1000', 'VSW1'));
  expect(await seen({ loggedOff }, look)).toBe(loggedOff);
});

test.each([
  ['accepted', ['02-00-00-12-34-56']],
  ['refused', []],
] as const)('a MAC that another NIC has is %s at logon', async (duplicateMac, expected) => {
  const look = async (sim: Sim) => {
    await sim.logonWith('LNX10001', 'NICDEF 1000 TYPE QDIO MACID 123456');
    await sim.logonWith(GUEST, 'NICDEF 1000 TYPE QDIO MACID 123456');
    return (await sim.nicsOf(GUEST)).map(({ mac }) => mac);
  };
  expect(await seen({ duplicateMac }, look)).toEqual(expected);
});

test.each([
  ['conflict', '404/4'],
  ['replace', true],
] as const)('NICDEF= for a device that is in the entry: %s', async (nicdefUpdate, expected) => {
  const look = async (sim: Sim) => {
    const again = () => sim.smcli('Image_Definition_Update_DM', '-T', GUEST, '-k', 'NICDEF=VDEV=1000 TYPE=QDIO');
    await again();
    return codeOf(await again());
  };
  expect(await seen({ nicdefUpdate }, look)).toBe(expected);
});

test('every answer can be changed while the system runs, and wrong ones are refused', async () => {
  const look = async (sim: Sim) => {
    const before = await sim.control('POST', '/systems/zhcp1/behaviour', { revoke: 'uncouples', release: '7.1' });
    const after = await sim.control('POST', '/systems/zhcp1/behaviour', { regrant: 'reject' });
    const wrong = await sim.control('POST', '/systems/zhcp1/behaviour', { revoke: 'perhaps' });
    return [before, after, wrong];
  };
  expect(await seen({}, look)).toMatchObject([
    { release: '7.1', revoke: 'uncouples', regrant: 'reexecute' },
    { release: '7.1', revoke: 'uncouples', regrant: 'reject' },
    { error: expect.stringContaining('revoke') },
  ]);
});
