import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planRecord } from '../../backend/xcat/rows/record-plan.ts';
import { Change } from '../../domain/operations/requests.ts';
import { decide } from '../../domain/planning/decision.ts';
import { plan } from '../../domain/planning/planner.ts';
import type { PlanningContext } from '../../domain/planning/planning-context.ts';
import { recordedPorts } from '../../domain/planning/recorded-ports.ts';
import { Mac } from '../../domain/port/mac.ts';
import { Vdev } from '../../domain/port/vdev.ts';
import { PortId, Userid, VswitchName } from '../../domain/text/identifiers.ts';
import type { Vswitch } from '../../domain/vswitch/vswitch.ts';
import { contextWith, recorded, vswitch } from './guest-context.ts';
import { USERID } from './worlds.ts';

const PORT = '11111111-1111-4111-8111-111111111111';
const OTHER = '22222222-2222-4222-8222-222222222222';

const create = (values: object) =>
  Change.parse({
    kind: 'createPort',
    port: { portId: PORT, vswitch: 'VSW1', network: { type: 'vlan', segmentationId: 1001 }, ...values },
  });

const refusedFields = (change: Change, context = contextWith()) => {
  const decision = decide(change, context);
  return decision.accepted ? [] : decision.refusals.map((refusal) => refusal.field);
};

const vlan = (segmentationId: number) => create({ network: { type: 'vlan', segmentationId } });
const withPort = (network: object, values: object = {}) => {
  const base = contextWith();
  return contextWith({ guest: { ...base.guest, recorded: [{ ...recorded(values), network: network as never }] } });
};

describe('a request is refused before anything is touched, naming its field,', () => {
  test.each([
    ['when the VSWITCH is unknown', create({ vswitch: 'NOSUCH' }), 'vswitch'],
    ['when the VLAN is below the range of the host', vlan(999), 'network.segmentationId'],
    ['when a VLAN is asked for on a VLAN-unaware VSWITCH', create({ vswitch: 'VSWFLAT' }), 'network.segmentationId'],
    ['when the MAC is outside the USER prefix of z/VM', create({ mac: 'fa:16:3e:00:00:01' }), 'mac'],
  ])('%s', (_why, change, field) => {
    expect(refusedFields(change)).toEqual([field]);
  });

  test('when the MAC is taken', () => {
    const mac = Mac.parse('02:00:00:00:00:01');
    expect(
      refusedFields(create({ mac }), contextWith({ macsInUse: new Map([[mac, [{ mac, owner: 'lnx00007' }]]]) })),
    ).toEqual(['mac']);
  });

  test.each(['0FFE', '0FFF', '1000', '1001', '1002'])('when vdev %s overlaps the three devices of NIC 1000', (vdev) => {
    const base = contextWith();
    const guest = { ...base.guest, directory: [{ vdev: Vdev.parse('1000') }] };
    expect(refusedFields(create({ vdev }), contextWith({ guest }))).toEqual(['vdev']);
  });

  test.each([
    ['0100', { first: 0x100, count: 1, what: 'MDISK 0100' }],
    ['00FE', { first: 0x100, count: 1, what: 'MDISK 0100' }],
    ['0605', { first: 0x600, count: 8, what: 'NIC 0600 (8 devices)', nic: Vdev.parse('0600') }],
    ['0009', { first: 9, count: 1, what: 'CONSOLE 0009 of profile OSDFLT' }],
  ])('when vdev %s overlaps something else than a NIC of three devices, naming it', (vdev, range) => {
    const base = contextWith();
    const context = contextWith({ guest: { ...base.guest, devices: [range] } });
    expect(refusedFields(create({ vdev }), context)).toEqual(['vdev']);
    expect(JSON.stringify(decide(create({ vdev }), context))).toContain(`overlaps ${range.what} of ${USERID}`);
  });

  test('when a port is flat on an aware VSWITCH whose default VLAN is NONE', () => {
    const { defaultVlan: _one, ...without } = vswitch('VSW1');
    const context = contextWith({ vswitches: [without] });
    expect(refusedFields(create({ network: { type: 'flat' } }), context)).toEqual(['network']);
    expect(decide(vlan(1001), context)).toMatchObject({ accepted: true });
  });

  test('when another port of the guest has a different VLAN on the same user-based VSWITCH, saying what works', () => {
    const decision = decide(vlan(1002), withPort({ type: 'vlan', segmentationId: 1001 }));
    expect(decision).toMatchObject({ accepted: false, refusals: [{ field: 'network.segmentationId' }] });
    expect(JSON.stringify(decision)).toContain('port-based VSWITCH, a trunk port, or another VSWITCH');
  });

  test('when the port exists with other values', () => {
    expect(
      refusedFields(create({ vdev: '2000' }), withPort({ type: 'vlan', segmentationId: 1001 }, { portId: PORT })),
    ).toEqual(['vdev']);
  });
});

describe('a request is granted', () => {
  test.each([1000, 4094])('with VLAN %i, an end of the range', (id) => {
    expect(decide(vlan(id), contextWith())).toMatchObject({ accepted: true });
  });

  test('beside another port with the same VLAN, with a vdev three devices on', () => {
    const decision = decide(vlan(1001), withPort({ type: 'vlan', segmentationId: 1001 }));
    expect(decision.accepted && decision.desired.ports.map((port) => port.vdev)).toEqual(['1000', '1003']);
  });

  test('again, as it is, for a port that exists', () => {
    const decision = decide(vlan(1001), withPort({ type: 'vlan', segmentationId: 1001 }, { portId: PORT }));
    expect(decision).toMatchObject({ accepted: true, desired: { ports: [{ portId: PORT, vdev: '1000' }] } });
  });

  test('and can go back: what it adds is removed, what an administrator authorised before stays', () => {
    const vswitches = [vswitch('VSW1', { authorisations: [{ userid: USERID, vlans: [1001] }] })];
    const decision = decide(vlan(1001), contextWith({ vswitches }));
    expect(decision).toMatchObject({
      before: { ports: [], removed: [{ portId: PORT, unwired: false }], keepAuthorised: ['VSW1'] },
    });
  });
});

describe('a recorded port whose NIC cannot be where it is recorded', () => {
  const disk = { first: 0x1001, count: 1, what: 'MDISK 1001' };
  const base = contextWith();
  const on = (values: Partial<PlanningContext['guest']> = {}) =>
    contextWith({ guest: { ...base.guest, recorded: [recorded()], devices: [disk], ...values } });
  const reconcile = Change.parse({ kind: 'reconcile', ports: [], removed: [], unrecorded: [], left: [] });

  test('is left as it is and told by a reconciliation, which goes on with the guest’s other ports', () => {
    const other = recorded({ portId: PORT, vdev: Vdev.parse('2000') });
    const decision = decide(reconcile, on({ recorded: [recorded(), other] }));
    expect(decision).toMatchObject({
      accepted: true,
      desired: { ports: [{ portId: PORT }] },
      refused: [{ portId: OTHER, refusals: [{ reason: expect.stringContaining('MDISK 1001') }] }],
    });
  });

  test('is refused when it is asked for, and does not hold up another one', () => {
    const attach = Change.parse({ kind: 'attachNic', ports: [{ portId: OTHER }] });
    expect(refusedFields(attach, on())).toEqual(['ports.0.portId']);
    expect(
      decide(vlan(1001), on({ recorded: [recorded({ network: { type: 'vlan', segmentationId: 1001 } })] })),
    ).toMatchObject({
      accepted: true,
      desired: { ports: [{ portId: PORT, vdev: '1003' }] },
    });
  });

  test('counts as right once it is there all the same', () => {
    const directory = [{ vdev: Vdev.parse('1000'), vswitch: VswitchName.parse('VSW1'), macId: '000001' }];
    expect(decide(reconcile, on({ directory }))).toMatchObject({
      refused: [],
      desired: { ports: [{ portId: OTHER }] },
    });
  });
});

describe('allocation', () => {
  for (const kind of ['attachNic', 'setPorts', 'wirePorts'] as const)
    test(`chooses no vdev that another port of the same ${kind} asks for, wherever that stands`, () => {
      const id = (number: number) => `${PORT.slice(0, -1)}${number}`;
      const vdevs = [undefined, '1000', undefined, '1004'];
      const ports = vdevs.map((vdev, index) => ({
        portId: id(index),
        vswitch: 'VSW1',
        network: { type: 'flat' },
        ...(vdev === undefined ? {} : { vdev }),
      }));
      const decision = decide(
        Change.parse({ kind, ports, ...(kind === 'attachNic' ? {} : { live: true }) }),
        contextWith(),
      );
      if (!decision.accepted) throw new Error(decision.refusals.map(({ reason }) => reason).join());
      expect(decision.refused).toEqual([]);
      expect(decision.desired.ports.map(({ vdev }) => vdev)).toEqual(['1009', '1000', '100C', '1004']);
    });
});

describe('on a port-based VSWITCH', () => {
  const portBased = (values: Partial<Vswitch> = {}) => {
    const base = contextWith();
    return { ...base, vswitches: [vswitch('VSWPORT', { portSelection: 'PORTBASED', ...values })] };
  };
  const portNumberOf = (context: PlanningContext) => {
    const decision = decide(create({ vswitch: 'VSWPORT' }), context);
    return decision.accepted ? decision.desired.ports[0]?.portNumber : decision.refusals;
  };

  test('a port gets a free port number', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 2048 }), { minLength: 2040, maxLength: 2047 }), (taken) => {
        const authorisations = taken.map((portNumber) => ({ userid: Userid.parse('OTHER'), vlans: [], portNumber }));
        const chosen = portNumberOf(portBased({ authorisations }));
        expect(taken).not.toContain(chosen);
        expect(chosen).toBeGreaterThanOrEqual(1);
        expect(chosen).toBeLessThanOrEqual(2048);
      }),
      { numRuns: 50 },
    );
  });

  test('a port finds the number again that a run which was terminated has left with its guest', () => {
    const chosen = portNumberOf(portBased());
    if (typeof chosen !== 'number') throw new Error('no number was chosen');
    const left = [{ userid: Userid.parse(USERID), vlans: [1001], portNumber: chosen }];
    expect(portNumberOf(portBased({ authorisations: left }))).toBe(chosen);
    const foreign = [{ vdev: Vdev.parse('2000'), vswitch: VswitchName.parse('VSWPORT') }];
    const guest = { ...contextWith().guest, loggedOn: true, live: foreign };
    expect(portNumberOf({ ...portBased({ authorisations: left }), guest })).not.toBe(chosen);
  });

  test('a port that is deleted takes the number with it that a run which was terminated has left', () => {
    const on = VswitchName.parse('VSWPORT');
    const guest = { ...contextWith().guest, recorded: [recorded({ portId: PortId.parse(PORT), vswitch: on })] };
    const free = { ...portBased(), guest };
    const [port] = recordedPorts(free);
    if (port?.portNumber === undefined) throw new Error('no number was chosen');
    const authorisations = [{ userid: Userid.parse(USERID), vlans: [1001], portNumber: port.portNumber }];
    const left = { ...portBased({ authorisations }), guest };
    const decision = decide(Change.parse({ kind: 'deletePort', portId: PORT }), left);
    if (!decision.accepted) throw new Error('the deletion is refused');
    const kinds = plan(decision.desired, left.guest, left.vswitches, planRecord).map(({ kind }) => kind);
    expect(kinds).toContain('removePortNumber');
  });

  test('a port is refused when all numbers are taken', () => {
    const authorisations = Array.from({ length: 2048 }, (_, index) => ({
      userid: Userid.parse('OTHER'),
      vlans: [],
      portNumber: index + 1,
    }));
    expect(portNumberOf(portBased({ authorisations }))).toMatchObject([{ field: 'vswitch' }]);
  });

  test('a recorded port keeps its number from the directory, and gets another when z/VM has given it away', () => {
    const vdev = Vdev.parse('1000');
    const on = VswitchName.parse('VSWPORT');
    const guest = {
      ...contextWith().guest,
      recorded: [recorded({ vswitch: on })],
      directory: [{ vdev, vswitch: on, portNumber: 7 }],
    };
    expect(recordedPorts({ ...portBased(), guest })).toMatchObject([{ portNumber: 7 }]);
    const authorisations = [{ userid: Userid.parse('OTHER'), vlans: [], portNumber: 7 }];
    const [port] = recordedPorts({ ...portBased({ authorisations }), guest });
    expect(port?.portNumber).toBeDefined();
    expect(port?.portNumber).not.toBe(7);
  });

  test('ports of one guest may be on different VLANs', () => {
    const ports = [100, 200].map((segmentationId, index) => ({
      portId: index === 0 ? PORT : OTHER,
      vswitch: 'VSWPORT',
      network: { type: 'vlan', segmentationId: segmentationId + 1000 },
    }));
    const decision = decide(Change.parse({ kind: 'attachNic', ports }), portBased());
    expect(decision).toMatchObject({ accepted: true });
  });
});

describe('a trunk', () => {
  const trunk = (segmentationIds: number[], name = 'VSW1') =>
    create({ vswitch: name, network: { type: 'trunk', segmentationIds } });

  test('is taken on a user-based VSWITCH with up to 4 VLANs or 2 ranges, and refused with more', () => {
    expect(refusedFields(trunk([1001, 1003, 1005, 1007]))).toEqual([]);
    expect(refusedFields(trunk([1001, 1002, 1003, 1010, 1011]))).toEqual([]);
    expect(refusedFields(trunk([1001, 1003, 1005, 1007, 1009]))).toEqual(['network.segmentationIds']);
    expect(refusedFields(trunk([1001, 1003, 1005, 1007, 1009], 'VSWPORT'))).toEqual([]);
  });

  test('outside the ranges of the host is refused', () => {
    expect(refusedFields(trunk([999, 1000]))).toEqual(['network.segmentationIds']);
  });
});

describe('changeVlan to another VSWITCH', () => {
  test('leaves the old one, and comes back to it when it is undone', () => {
    const change = Change.parse({
      kind: 'changeVlan',
      portId: OTHER,
      network: { type: 'vlan', segmentationId: 1001 },
      vswitch: 'VSWPORT',
    });
    expect(decide(change, withPort({ type: 'flat' }))).toMatchObject({
      accepted: true,
      desired: { ports: [{ vswitch: 'VSWPORT' }], leaving: ['VSW1'] },
      before: { ports: [{ vswitch: 'VSW1' }], leaving: ['VSWPORT'] },
    });
  });
});

describe('a bulk change', () => {
  test('takes the ports that can be had and refuses each of the others with its reason', () => {
    const ports = [
      { portId: PORT, vswitch: 'VSW1', network: { type: 'vlan', segmentationId: 1001 } },
      { portId: OTHER, vswitch: 'VSW1', network: { type: 'vlan', segmentationId: 1002 } },
      { portId: '33333333-3333-4333-8333-333333333333', vswitch: 'NOSUCH', network: { type: 'flat' } },
    ];
    expect(decide(Change.parse({ kind: 'wirePorts', live: false, ports }), contextWith())).toMatchObject({
      accepted: true,
      affected: [PORT],
      desired: { ports: [{ portId: PORT }] },
      refused: [
        { portId: OTHER, refusals: [{ field: 'network.segmentationId' }] },
        { portId: '33333333-3333-4333-8333-333333333333', refusals: [{ field: 'vswitch' }] },
      ],
    });
  });
});
