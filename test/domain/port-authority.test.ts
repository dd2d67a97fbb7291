import { describe, expect, test } from 'vitest';
import { planRecord } from '../../backend/xcat/rows/record-plan.ts';
import type { GuestState, LiveNic, Nicdef, RecordedPort } from '../../domain/guest/guest.ts';
import type { ProbedBehaviour } from '../../domain/host/host-capabilities.ts';
import { Change } from '../../domain/operations/requests.ts';
import { decide } from '../../domain/planning/decision.ts';
import { plan } from '../../domain/planning/planner.ts';
import { describeRefusals } from '../../domain/planning/refusal.ts';
import { sentence } from '../../domain/planning/steps.ts';
import { Vdev } from '../../domain/port/vdev.ts';
import { PortId, VswitchName } from '../../domain/text/identifiers.ts';
import { Network } from '../../domain/vswitch/network.ts';
import type { Authorisation, Vswitch } from '../../domain/vswitch/vswitch.ts';
import { capabilitiesWith, contextOf } from './directory-worlds.ts';
import { NODE, UNSEEN, USERID } from './worlds.ts';

const PORTS = ['1', '2'].map((digit) => PortId.parse(`00000000-0000-4000-8000-00000000000${digit}`));
const [FIRST = ''] = PORTS;
const VDEVS = ['1000', '1003'].map((text) => Vdev.parse(text));
const VSW1 = VswitchName.parse('VSW1');

type Given = {
  dna?: Parameters<typeof capabilitiesWith>[0];
  behaviour?: ProbedBehaviour;
  loggedOn?: boolean;
  vswitch?: Partial<Vswitch>;
  grant?: readonly number[];
  /** VLANs of recorded ports, with the operands of their NICDEFs; all are coupled. */
  ports?: { vlan: number; nicdef?: Partial<Nicdef>; live?: Partial<LiveNic> }[];
  foreign?: Partial<Nicdef>;
};

function contextWith({ dna = 'enabled', behaviour = {}, loggedOn = true, vswitch, grant, ports = [], foreign }: Given) {
  const authorisations: Authorisation[] = grant === undefined ? [] : [{ userid: USERID, vlans: grant }];
  const vswitches: Vswitch[] = [
    {
      ...UNSEEN,
      ...{ name: VSW1, transport: 'ETHERNET', vlanAware: true, defaultVlan: 1, portSelection: 'USERBASED', nics: [] },
      authorisations,
      ...vswitch,
    },
  ];
  const recorded = ports.map(
    ({ vlan }, index): RecordedPort => ({
      portId: PORTS[index] ?? PortId.parse(FIRST),
      vdev: VDEVS[index] ?? Vdev.parse('1000'),
      vswitch: VSW1,
      network: vlanOf(vlan),
      adminStateUp: true,
    }),
  );
  const directory = ports.map(
    ({ nicdef }, index): Nicdef => ({ vdev: VDEVS[index] ?? Vdev.parse('1000'), vswitch: VSW1, ...nicdef }),
  );
  const live = ports.map(
    ({ live: told }, index): LiveNic => ({ vdev: VDEVS[index] ?? Vdev.parse('1000'), vswitch: VSW1, ...told }),
  );
  const others = foreign === undefined ? [] : [{ vdev: Vdev.parse('0600'), vswitch: VSW1, ...foreign }];
  const guest: GuestState = {
    ...{ userid: USERID, names: [NODE] as const, loggedOn, recorded },
    directory: [...directory, ...others],
    live: loggedOn ? [...live, ...others.map(({ vdev, vswitch: name }) => ({ vdev, vswitch: name }))] : [],
  };
  return contextOf(guest, vswitches, capabilitiesWith(dna, behaviour));
}

function vlanOf(segmentationId: number): Network {
  return Network.parse(segmentationId === 0 ? { type: 'flat' } : { type: 'vlan', segmentationId });
}

const byVlan = (vlan: number) => ({ vlan, nicdef: { authorization: { vlans: [vlan], portType: 'ACCESS' as const } } });
const attach = (...vlans: number[]) =>
  Change.parse({
    kind: 'attachNic',
    ports: vlans.map((vlan, index) => ({
      portId: PORTS[index + 2 - vlans.length],
      vswitch: 'VSW1',
      network: vlanOf(vlan),
      mac: `02:00:00:00:00:0${index + 1}`,
    })),
  });
const changeVlan = (portId: string, vlan: number) =>
  Change.parse({ kind: 'changeVlan', portId, network: vlanOf(vlan) });

/** The steps on z/VM as sentences, or why there are none. */
function steps(change: Change, given: Given): string[] | string {
  const context = contextWith(given);
  const decision = decide(change, context);
  if (!decision.accepted) return describeRefusals(decision.refusals);
  return plan(decision.desired, context.guest, context.vswitches, planRecord, context.capabilities)
    .filter(({ kind }) => kind !== 'record')
    .map(sentence);
}

describe('new ports where the directory authorises', () => {
  test('have their VLANs in the directory, each its own on one user-based VSWITCH, and no grant', () => {
    expect(steps(attach(100, 200), {})).toEqual([
      'define NIC 1000 in the directory of LNX00042 on VSW1, VLAN 100 PORTTYPE ACCESS',
      'define NIC 1003 in the directory of LNX00042 on VSW1, VLAN 200 PORTTYPE ACCESS',
      'define NIC 1000 on running LNX00042',
      'couple NIC 1000 of LNX00042 to VSW1',
      'define NIC 1003 on running LNX00042',
      'couple NIC 1003 of LNX00042 to VSW1',
    ]);
  });

  test('are refused as before where that is disabled or not known', () => {
    for (const dna of ['absent', 'disabled', 'unknown'] as const)
      expect(steps(attach(100, 200), { dna })).toContain('share one VLAN set');
  });

  test('are flat by the default VLAN of an aware VSWITCH, and by a grant on an unaware one', () => {
    expect(steps(attach(0), {})).toContain(
      'define NIC 1000 in the directory of LNX00042 on VSW1, VLAN 1 PORTTYPE ACCESS',
    );
    const unaware = { vlanAware: false };
    expect(steps(attach(0), { vswitch: unaware })).toContain('grant LNX00042 on VSW1 without VLAN');
    expect(steps(attach(0), { vswitch: unaware, behaviour: { nicdefAlone: 'authorises' } })).toEqual([
      'define NIC 1000 in the directory of LNX00042 on VSW1',
      'define NIC 1000 on running LNX00042',
      'couple NIC 1000 of LNX00042 to VSW1',
    ]);
  });

  test('share the grant that one of them needs on a VSWITCH without VLANs, where COUPLE does not read the directory', () => {
    const behaviour = { nicdefAlone: 'authorises', coupleReadsDirectory: false } as const;
    const context = contextWith({ vswitch: { vlanAware: false }, behaviour, ports: [{ vlan: 0 }] });
    const change = Change.parse({
      kind: 'attachNic',
      ports: [{ portId: FIRST }, { portId: PORTS[1], vswitch: 'VSW1', network: vlanOf(0) }],
    });
    const decision = decide(change, { ...context, guest: { ...context.guest, directory: [], live: [] } });
    expect(decision.accepted && decision.desired.ports.map(({ authorization }) => authorization)).toEqual([
      undefined,
      undefined,
    ]);
  });

  test('are refused beside a grant of another VLAN, unless z/VM is known to take the directory’s', () => {
    const given = { grant: [100], ports: [{ vlan: 100 }] };
    const reason = steps(attach(200), given);
    expect(reason).toContain('LNX00042 is authorised on VSW1 with VLAN 100 beside its directory entry');
    expect(reason).toContain('zvmnet guest modernize');
    expect(steps(attach(200), { ...given, behaviour: { vlanWinner: 'grant' } })).toBe(reason);
    expect(steps(attach(200), { ...given, behaviour: { vlanWinner: 'nicdef' } })).toHaveLength(3);
  });

  test('wait for the next logon of a guest whose COUPLE does not read the directory, where no grant can be had', () => {
    const given = { behaviour: { coupleReadsDirectory: false } };
    expect(steps(attach(100), given)).toContain('grant LNX00042 on VSW1 with VLAN 100');
    expect(steps(attach(200), { ...given, ports: [byVlan(100)] })).toEqual([
      'define NIC 1003 in the directory of LNX00042 on VSW1, VLAN 200 PORTTYPE ACCESS, at the next logon',
    ]);
  });
});

test('a new port that a grant authorises is coupled first, and in the directory behind that', () => {
  expect(steps(attach(100), { dna: 'absent' })).toEqual([
    'grant LNX00042 on VSW1 with VLAN 100',
    'define NIC 1000 on running LNX00042',
    'couple NIC 1000 of LNX00042 to VSW1',
    'define NIC 1000 in the directory of LNX00042 on VSW1',
  ]);
});

describe('another VLAN', () => {
  test('of a port that the directory authorises uncouples that NIC alone', () => {
    expect(steps(changeVlan(FIRST, 300), { ports: [byVlan(100), byVlan(200)] })).toEqual([
      'uncouple NIC 1000 of LNX00042 from VSW1',
      'remove NIC 1000 from the directory of LNX00042',
      'define NIC 1000 in the directory of LNX00042 on VSW1, VLAN 300 PORTTYPE ACCESS',
      'couple NIC 1000 of LNX00042 to VSW1',
    ]);
  });

  test('waits for the next logon, uncoupled, where COUPLE does not read the directory', () => {
    const given = { ports: [byVlan(100)], behaviour: { coupleReadsDirectory: false } };
    expect(steps(changeVlan(FIRST, 300), given)).toEqual([
      'uncouple NIC 1000 of LNX00042 from VSW1',
      'remove NIC 1000 from the directory of LNX00042',
      'define NIC 1000 in the directory of LNX00042 on VSW1, VLAN 300 PORTTYPE ACCESS, at the next logon',
    ]);
  });

  test('of a port that a grant authorises is a grant again while the guest runs, and in the directory when it is off', () => {
    const given = { grant: [100], ports: [{ vlan: 100 }], behaviour: { nicdefAlone: 'refused' as const } };
    expect(steps(changeVlan(FIRST, 300), given)).toEqual([
      'uncouple NIC 1000 of LNX00042 from VSW1',
      'revoke LNX00042 on VSW1',
      expect.stringContaining('grant LNX00042 on VSW1 with VLAN 300'),
      'couple NIC 1000 of LNX00042 to VSW1',
    ]);
    expect(steps(changeVlan(FIRST, 300), { ...given, loggedOn: false })).toEqual([
      'remove NIC 1000 from the directory of LNX00042',
      'revoke LNX00042 on VSW1',
      'define NIC 1000 in the directory of LNX00042 on VSW1, VLAN 300 PORTTYPE ACCESS',
    ]);
  });

  test('keeps priority and promiscuity of its statement, and says what it cannot keep', () => {
    const authorization = { vlans: [100], portType: 'ACCESS' as const, promiscuous: false, priority: 'HIGH' as const };
    const others = 'VLAN 100 PORTTYPE ACCESS NOPROMISCUOUS PQUPLINKTX HIGH LATER';
    const ports = [{ vlan: 100, nicdef: { authorization, others } }];
    expect(steps(changeVlan(FIRST, 300), { ports })).toContain(
      'define NIC 1000 in the directory of LNX00042 on VSW1, VLAN 300 PORTTYPE ACCESS NOPROMISCUOUS PQUPLINKTX HIGH, LATER removed',
    );
  });

  test('is possible beside a foreign NIC whose statement names its own VLAN, for a port that the directory authorises', () => {
    const foreign = { authorization: { vlans: [77] } };
    expect(steps(changeVlan(FIRST, 300), { ports: [byVlan(100)], foreign })).toHaveLength(4);
    const granted = { grant: [100], ports: [{ vlan: 100 }], foreign };
    expect(steps(changeVlan(FIRST, 300), granted)).toContain('names other VLANs for NIC 0600');
    expect(
      steps(changeVlan(FIRST, 300), { ...granted, behaviour: { vlanWinner: 'nicdef', nicdefAlone: 'refused' } }),
    ).toHaveLength(4);
  });

  test('is refused where the grant would take a port along that stays as it is, its NICDEF naming no VLAN', () => {
    const byTypeAlone = { vlan: 0, nicdef: { authorization: { portType: 'TRUNK' as const } } };
    expect(steps(changeVlan(FIRST, 300), { grant: [100], ports: [{ vlan: 100 }, byTypeAlone] })).toContain(
      `NIC 1003 of LNX00042 on VSW1 is of port ${PORTS[1]}, which stays as it is, and would change its VLAN, too`,
    );
  });

  test('takes a NICDEF that names a port type alone out of the directory while its port number is made anew', () => {
    const authorisations = [{ userid: USERID, vlans: [100], portNumber: 17 }];
    const nicdef = { portNumber: 17, authorization: { portType: 'TRUNK' as const } };
    const trunk = { type: 'trunk', segmentationIds: [100, 300, 500, 700, 900] };
    const given = {
      ...{ vswitch: { portSelection: 'PORTBASED' as const, authorisations }, ports: [{ vlan: 100, nicdef }] },
      behaviour: { nicdefAlone: 'refused' as const },
    };
    expect(steps(Change.parse({ kind: 'changeVlan', portId: FIRST, network: trunk }), given)).toEqual([
      'uncouple NIC 1000 of LNX00042 from VSW1',
      'remove NIC 1000 from the directory of LNX00042',
      'take port 17 of VSW1 from LNX00042',
      expect.stringContaining('give port 17 of VSW1 to LNX00042 with VLAN 100, 300, 500, 700'),
      'put port 17 of VSW1, of LNX00042, on VLAN 900',
      'couple NIC 1000 of LNX00042 to VSW1',
      'define NIC 1000 in the directory of LNX00042 on VSW1',
    ]);
  });
});

describe('a port that the directory authorises', () => {
  test('is cut off by its directory entry: down names no VSWITCH, deleted has no statement', () => {
    expect(
      steps(Change.parse({ kind: 'setAdminState', portId: FIRST, adminStateUp: false }), { ports: [byVlan(100)] }),
    ).toEqual([
      'uncouple NIC 1000 of LNX00042 from VSW1',
      'remove NIC 1000 from the directory of LNX00042',
      'define NIC 1000 in the directory of LNX00042, not coupled',
    ]);
    expect(steps(Change.parse({ kind: 'deletePort', portId: FIRST }), { ports: [byVlan(100)], grant: [100] })).toEqual([
      'uncouple NIC 1000 of LNX00042 from VSW1',
      'detach NIC 1000 from running LNX00042',
      'remove NIC 1000 from the directory of LNX00042',
      'revoke LNX00042 on VSW1',
    ]);
  });

  test('is coupled anew while z/VM says another VLAN of its NIC', () => {
    const reconcile = Change.parse({ kind: 'reconcile', ports: [], removed: [], unrecorded: [], left: [] });
    const told = (vlans: number[]) => ({ ports: [{ ...byVlan(100), live: { vlans } }] });
    expect(steps(reconcile, told([100]))).toEqual([]);
    expect(steps(reconcile, told([200]))).toEqual([
      'uncouple NIC 1000 of LNX00042 from VSW1',
      'couple NIC 1000 of LNX00042 to VSW1',
    ]);
  });
});

describe('modernize', () => {
  const modernize = Change.parse({ kind: 'modernize' });

  test('writes the directory first and revokes last, without touching a live NIC', () => {
    expect(steps(modernize, { grant: [100], ports: [{ vlan: 100 }] })).toEqual([
      'remove NIC 1000 from the directory of LNX00042',
      'define NIC 1000 in the directory of LNX00042 on VSW1, VLAN 100 PORTTYPE ACCESS',
      'revoke LNX00042 on VSW1',
    ]);
  });

  test('ends what it has begun, and then does nothing', () => {
    expect(steps(modernize, { grant: [100], ports: [byVlan(100)] })).toEqual(['revoke LNX00042 on VSW1']);
    expect(steps(modernize, { ports: [byVlan(100)] })).toEqual([]);
  });

  test('takes a port number away last', () => {
    const numbered = {
      portSelection: 'PORTBASED' as const,
      authorisations: [{ userid: USERID, vlans: [100], portNumber: 17 }],
    };
    expect(steps(modernize, { vswitch: numbered, ports: [{ vlan: 100, nicdef: { portNumber: 17 } }] })).toEqual([
      'remove NIC 1000 from the directory of LNX00042',
      'define NIC 1000 in the directory of LNX00042 on VSW1, VLAN 100 PORTTYPE ACCESS',
      'take port 17 of VSW1 from LNX00042',
    ]);
  });

  test('takes the port number away that an interrupted move has left, where it is no port of the directory', () => {
    const authorisations = [{ userid: USERID, vlans: [100], portNumber: 17 }];
    const vswitch = { portSelection: 'PORTBASED' as const, authorisations };
    const found = (behaviour: ProbedBehaviour, loggedOn: boolean) =>
      steps(modernize, { vswitch, ports: [byVlan(100)], behaviour, loggedOn });
    const taken = 'take port 17 of VSW1 from LNX00042';
    expect(found({ dnaPorts: 'hidden' }, true).at(-1)).toBe(taken);
    expect(found({}, false).at(-1)).toBe(taken);
    // It may be the port of the NIC that the directory authorises.
    expect(found({}, true)).not.toContain(taken);
  });

  test('is refused where the directory does not authorise, and on a running guest that would lose its NICs', () => {
    expect(steps(modernize, { dna: 'disabled' })).toContain('is not enabled');
    const given = { grant: [100], ports: [{ vlan: 100 }], behaviour: { coupleReadsDirectory: false } };
    expect(steps(modernize, given)).toContain('log the guest off first');
  });
});

test('a rollback takes the VLANs of the operation out of the directory before the grant comes back', () => {
  const before = contextWith({ loggedOn: false, grant: [100], ports: [{ vlan: 100 }] });
  const decision = decide(changeVlan(FIRST, 300), before);
  if (!decision.accepted) throw new Error('refused');
  const { guest, vswitches, capabilities } = contextWith({ loggedOn: false, ports: [byVlan(300)] });
  const back = plan(decision.before, guest, vswitches, planRecord, capabilities);
  expect(back.filter(({ kind }) => kind !== 'record').map(sentence)).toEqual([
    'remove NIC 1000 from the directory of LNX00042',
    'grant LNX00042 on VSW1 with VLAN 100',
    'define NIC 1000 in the directory of LNX00042 on VSW1',
  ]);
});

test('a port number stays out of the directory of a system whose NICDEFs name none', () => {
  const vswitch = { portSelection: 'PORTBASED' as const };
  const written = (dna: Given['dna']) => steps(attach(100), { ...(dna === undefined ? {} : { dna }), vswitch });
  expect(written('absent')).toContainEqual(expect.stringMatching(/^give port \d+ of VSW1 to LNX00042 with VLAN 100$/));
  const context = contextWith({ dna: 'absent', vswitch });
  const decision = decide(attach(100), context);
  if (!decision.accepted) throw new Error('refused');
  const all = plan(decision.desired, context.guest, context.vswitches, planRecord, context.capabilities);
  expect(all.find(({ kind }) => kind === 'ensureDirectoryNic')).not.toHaveProperty('portNumber');
  expect(all.find(({ kind }) => kind === 'ensureCoupled')).toHaveProperty('portNumber');
});
