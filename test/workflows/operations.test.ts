import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createEnvironment, type Environment, FLAT, failureOf, portId, vlan } from './environment.ts';

// Odd guests are logged on, even ones logged off.
const ON = 'LNX10001';
const OFF = 'LNX10002';

// Unknown behaviour of z/VM, both ways (docs/reference/smcli.md 6): operations must end the same.
describe.each([
  ['as far as it is known', {}],
  [
    'where it is not known, the other way',
    { regrant: 'reject', revoke: 'uncouples', loggedOff: '8/45', nicdefUpdate: 'replace' },
  ],
  ['whose DirMaint accepts changes and carries them out later', { directoryAsync: true, directoryMs: 50 }],
] as const)('with z/VM %s,', (_name, options) => {
  let zvm: Environment;
  beforeAll(async () => {
    zvm = await createEnvironment({ ...options, guests: 20 });
  });
  afterAll(() => zvm.close());

  describe('createPort', () => {
    test('makes a port exist at rest: recorded, authorised with its VLAN, in the directory, not on the running guest', async () => {
      const result = await zvm.run('createPort', {
        userid: ON,
        portId: portId(1),
        vswitch: 'VSW1',
        network: vlan(1001),
      });
      expect(result).toMatchObject({ changed: true, ports: [{ vdev: '1000', live: 'atNextLogon' }] });
      const guest = await zvm.guest(ON);
      expect(guest.granted).toEqual({ VSW1: [1001] });
      expect(guest.directory).toMatchObject([{ vdev: '1000', vswitch: 'VSW1' }]);
      expect(guest.nics).toEqual([]);
      expect(guest.rows).toMatchObject([{ switch: 'VSW1', vlan: '1001', interface: '1000', comments: 'zhcp1' }]);
    });

    test('repeated changes nothing and says so', async () => {
      const again = await zvm.run('createPort', {
        userid: ON,
        portId: portId(1),
        vswitch: 'VSW1',
        network: vlan(1001),
      });
      expect(again).toMatchObject({ changed: false, steps: ['nothing to do'] });
    });

    test('gives a second port the next three devices, and another VSWITCH its own authorisation', async () => {
      await zvm.run('createPort', { userid: ON, portId: portId(2), vswitch: 'VSWFLAT', network: FLAT });
      const guest = await zvm.guest(ON);
      expect(guest.directory.map((nic) => nic.vdev)).toEqual(['1000', '1003']);
      expect(Object.keys(guest.granted).sort()).toEqual(['VSW1', 'VSWFLAT']);
    });

    test.each([
      ['vswitch', { vswitch: 'NOSUCH', network: FLAT }],
      ['network.segmentationId', { vswitch: 'VSW1', network: vlan(4095) }],
      ['network.segmentationId', { vswitch: 'VSW1', network: vlan(1002) }],
      ['vdev', { vswitch: 'VSW2', network: vlan(7), vdev: '1001' }],
      ['userid', { userid: 'NINECHARS', vswitch: 'VSW1', network: FLAT }],
      ['userid', { userid: 'NOBODY', vswitch: 'VSW1', network: vlan(1) }],
      ['mac', { vswitch: 'VSW2', network: vlan(7), mac: 'fa:16:3e:00:00:01' }],
    ])('refuses a bad %s before anything is touched', async (field, values) => {
      const [last] = (await zvm.events()).slice(-1);
      const failure = await failureOf(zvm.run('createPort', { userid: ON, portId: portId(9), ...values }));
      expect(failure.type).toBe('Refused');
      expect(failure.details[0]).toMatchObject([{ field }]);
      const since = await zvm.events(last?.seq ?? 0);
      expect(since.map((event) => event.type).filter((type) => !['http', 'smcli', 'vmcp'].includes(type))).toEqual([]);
      expect((await zvm.guest(ON)).rows.map((row) => row.port)).not.toContain(portId(9));
    });
  });

  describe('attachNic', () => {
    test('puts several NICs on a running guest at once, coupled, with their MAC addresses', async () => {
      const userid = 'LNX10003';
      const ports = [
        { portId: portId(31), vswitch: 'VSW1', network: vlan(4094), mac: '02:00:00:00:31:00' },
        { portId: portId(32), vswitch: 'VSWFLAT', network: FLAT },
      ];
      const result = await zvm.run('attachNic', { userid, ports });
      expect(result.ports.map((port) => port.live)).toEqual(['now', 'now']);
      const guest = await zvm.guest(userid);
      expect(guest.nics.map(({ vdev, vswitch }) => ({ vdev, vswitch }))).toEqual([
        { vdev: '1000', vswitch: 'VSW1' },
        { vdev: '1003', vswitch: 'VSWFLAT' },
      ]);
      expect(guest.granted).toMatchObject({ VSW1: [4094] });
    });

    test('on a guest that is logged off leaves it to the next logon, which couples the NIC', async () => {
      await zvm.run('attachNic', { userid: OFF, ports: [{ portId: portId(21), vswitch: 'VSW1', network: vlan(1) }] });
      expect((await zvm.guest(OFF)).nics).toEqual([]);
      await zvm.control('POST', `systems/zhcp1/guests/${OFF}/logon`);
      expect((await zvm.guest(OFF)).nics).toMatchObject([{ vdev: '1000', vswitch: 'VSW1' }]);
    });

    test('does not grant again who is granted already: the live NIC is not disturbed by a second one', async () => {
      const [last] = (await zvm.events()).slice(-1);
      await zvm.run('attachNic', {
        userid: 'LNX10003',
        ports: [{ portId: portId(33), vswitch: 'VSW1', network: vlan(4094) }],
      });
      const types = (await zvm.events(last?.seq ?? 0)).map((event) => event.type);
      expect(types).not.toContain('granted');
      expect(types).not.toContain('uncoupled');
      expect((await zvm.guest('LNX10003')).nics).toHaveLength(3);
    });
  });

  describe('changeVlan', () => {
    test('moves a live NIC in one interruption and never to a VLAN that is neither the old nor the new', async () => {
      const userid = 'LNX10005';
      await zvm.run('attachNic', { userid, ports: [{ portId: portId(51), vswitch: 'VSW1', network: vlan(100) }] });
      const [last] = (await zvm.events()).slice(-1);
      const result = await zvm.run('changeVlan', { userid, portId: portId(51), network: vlan(4094) });
      expect(result.ports).toMatchObject([{ live: 'now' }]);
      const types = (await zvm.events(last?.seq ?? 0)).map((event) => event.type);
      expect(types.filter((type) => ['uncoupled', 'revoked', 'granted', 'coupled'].includes(type))).toEqual([
        'uncoupled',
        'revoked',
        'granted',
        'coupled',
      ]);
      const guest = await zvm.guest(userid);
      expect(guest.granted).toEqual({ VSW1: [4094] });
      expect(guest.nics).toMatchObject([{ vswitch: 'VSW1' }]);
      expect(guest.rows).toMatchObject([{ vlan: '4094' }]);
    });
  });

  describe('changeVlan to another VSWITCH', () => {
    test('moves a live NIC in one interruption, and leaves no authorisation behind', async () => {
      const userid = 'LNX10013';
      await zvm.run('attachNic', { userid, ports: [{ portId: portId(131), vswitch: 'VSW1', network: vlan(100) }] });
      const [last] = (await zvm.events()).slice(-1);
      await zvm.run('changeVlan', { userid, portId: portId(131), vswitch: 'VSW2', network: vlan(300) });
      const types = (await zvm.events(last?.seq ?? 0)).map((event) => event.type);
      expect(types.filter((type) => ['uncoupled', 'revoked', 'granted', 'coupled'].includes(type))).toEqual([
        'uncoupled',
        'revoked',
        'granted',
        'coupled',
      ]);
      const guest = await zvm.guest(userid);
      expect(guest.granted).toEqual({ VSW2: [300] });
      expect(guest.nics).toMatchObject([{ vdev: '1000', vswitch: 'VSW2' }]);
      expect(guest.directory).toMatchObject([{ vdev: '1000', vswitch: 'VSW2' }]);
      expect(guest.rows).toMatchObject([{ switch: 'VSW2', vlan: '300' }]);
    });

    test('goes back to where the port was when the new VSWITCH will not have it', async () => {
      const userid = 'LNX10013';
      const fault = { kind: 'smapi', function: 'Virtual_Network_Adapter_Connect_Vswitch', userid, rc: 212, rs: 52 };
      await zvm.control('POST', 'faults', { match: {}, action: fault, times: 1 });
      const failure = await failureOf(
        zvm.run('changeVlan', { userid, portId: portId(131), vswitch: 'VSW1', network: vlan(100) }),
      );
      expect(failure).toMatchObject({ type: 'StepFailed', details: [{ undone: true }] });
      const guest = await zvm.guest(userid);
      expect(guest.granted).toEqual({ VSW2: [300] });
      expect(guest.nics).toMatchObject([{ vdev: '1000', vswitch: 'VSW2' }]);
      expect(guest.rows).toMatchObject([{ switch: 'VSW2', vlan: '300' }]);
    });
  });

  describe('on a port-based VSWITCH', () => {
    const userid = 'LNX10017';
    const nicEvents = async (since: number) =>
      (await zvm.events(since)).map((event) => event.type).filter((type) => !['http', 'smcli', 'vmcp'].includes(type));

    test('NICs of one guest are on VLANs of their own, each by its port number, which no NICDEF of 6.3 names', async () => {
      const ports = [100, 200].map((id, index) => ({
        portId: portId(171 + index),
        vswitch: 'VSWPORT',
        network: vlan(id),
      }));
      const result = await zvm.run('attachNic', { userid, ports });
      const numbers = result.ports.map((port) => port.portNumber);
      expect(new Set(numbers).size).toBe(2);
      const guest = await zvm.guest(userid);
      expect(guest.nics).toMatchObject([
        { vswitch: 'VSWPORT', vlans: [100] },
        { vswitch: 'VSWPORT', vlans: [200] },
      ]);
      expect(guest.directory.map((nic) => nic.portNumber ?? undefined)).toEqual([undefined, undefined]);
    });

    test('a port changes its VLAN without a moment off the network, and its neighbour notices nothing', async () => {
      const [last] = (await zvm.events()).slice(-1);
      await zvm.run('changeVlan', { userid, portId: portId(171), network: vlan(4094) });
      expect(await nicEvents(last?.seq ?? 0)).toEqual(['vlans-changed']);
      expect((await zvm.guest(userid)).nics).toMatchObject([{ vlans: [4094] }, { vlans: [200] }]);
    });

    test('a port that becomes a trunk is coupled anew, once', async () => {
      const [last] = (await zvm.events()).slice(-1);
      await zvm.run('changeVlan', {
        userid,
        portId: portId(171),
        network: { type: 'trunk', segmentationIds: [10, 20] },
      });
      const types = await nicEvents(last?.seq ?? 0);
      expect(types.filter((type) => type === 'uncoupled')).toHaveLength(1);
      expect((await zvm.guest(userid)).nics).toMatchObject([{ vlans: [10, 20] }, { vlans: [200] }]);
    });

    test('a trunk may have more VLANs than SMAPI takes at once', async () => {
      const segmentationIds = [100, 102, 104, 106, 108, 110, 112];
      const network = { type: 'trunk', segmentationIds } as const;
      await zvm.run('attachNic', { userid: 'LNX10019', ports: [{ portId: portId(191), vswitch: 'VSWPORT', network }] });
      expect((await zvm.guest('LNX10019')).nics).toMatchObject([{ vlans: segmentationIds }]);
    });

    test('moving away and deletion leave no port number behind', async () => {
      await zvm.run('changeVlan', { userid, portId: portId(171), vswitch: 'VSW1', network: vlan(5) });
      await zvm.run('deletePort', { userid, portId: portId(172) });
      const guest = await zvm.guest(userid);
      expect(guest.granted).toEqual({ VSW1: [5] });
      expect(guest.nics).toMatchObject([{ vswitch: 'VSW1', vlans: [5] }]);
    });
  });

  describe('a trunk', () => {
    test('gives the guest all its VLANs, live, and changes to other ones', async () => {
      const userid = 'LNX10015';
      const network = { type: 'trunk', segmentationIds: [10, 20, 30] };
      await zvm.run('attachNic', { userid, ports: [{ portId: portId(151), vswitch: 'VSW1', network }] });
      expect(await zvm.guest(userid)).toMatchObject({ granted: { VSW1: [10, 20, 30] }, nics: [{ vswitch: 'VSW1' }] });
      const other = { type: 'trunk', segmentationIds: [20, 4094] };
      await zvm.run('changeVlan', { userid, portId: portId(151), network: other });
      const guest = await zvm.guest(userid);
      expect(guest).toMatchObject({ granted: { VSW1: [20, 4094] }, nics: [{ vswitch: 'VSW1', vlans: [20, 4094] }] });
      expect(guest.rows).toMatchObject([{ vlan: '20+4094' }]);
    });
  });

  describe('setAdminState', () => {
    test('uncouples the NIC, live and in the directory, and couples it again', async () => {
      const userid = 'LNX10005';
      await zvm.run('setAdminState', { userid, portId: portId(51), adminStateUp: false });
      const down = await zvm.guest(userid);
      expect(down.nics[0]?.vswitch ?? null).toBeNull();
      expect(down.directory[0]?.vswitch ?? null).toBeNull();
      expect(down.rows).toMatchObject([{ disable: 'yes' }]);
      await zvm.run('setAdminState', { userid, portId: portId(51), adminStateUp: true });
      const up = await zvm.guest(userid);
      expect(up.nics).toMatchObject([{ vswitch: 'VSW1' }]);
      expect(up.directory).toMatchObject([{ vswitch: 'VSW1' }]);
    });
  });

  describe('detachNic and deletePort', () => {
    test('take the NIC off the running guest, then leave nothing behind', async () => {
      const userid = 'LNX10005';
      await zvm.run('detachNic', { userid, portIds: [portId(51)] });
      const detached = await zvm.guest(userid);
      expect(detached.nics).toEqual([]);
      expect(detached.directory).toHaveLength(1);
      await zvm.run('deletePort', { userid, portId: portId(51) });
      const deleted = await zvm.guest(userid);
      expect(deleted).toMatchObject({ nics: [], directory: [], granted: {}, rows: [] });
    });

    test('keep the authorisation that another port of the guest needs', async () => {
      await zvm.run('deletePort', { userid: 'LNX10003', portId: portId(33) });
      const guest = await zvm.guest('LNX10003');
      expect(guest.granted).toMatchObject({ VSW1: [4094] });
      expect(guest.nics.map((nic) => nic.vdev)).toEqual(['1000', '1003']);
    });

    test('of a port that is gone changes nothing and says so', async () => {
      expect(await zvm.run('deletePort', { userid: ON, portId: portId(99) })).toMatchObject({ changed: false });
    });
  });

  describe('a step that fails', () => {
    test('for now is tried again until it works', async () => {
      await zvm.control('POST', 'faults', {
        match: {},
        action: { kind: 'smapi', function: 'Image_Definition_Update_DM', userid: 'LNX10007', rc: 400, rs: 12 },
        times: 1,
      });
      await zvm.run('attachNic', {
        userid: 'LNX10007',
        ports: [{ portId: portId(71), vswitch: 'VSW2', network: vlan(5) }],
      });
      expect((await zvm.guest('LNX10007')).nics).toMatchObject([{ vswitch: 'VSW2' }]);
    });

    test('since xCAT takes the password no more is for good before anything is done, and tried again half-way', async () => {
      const port = { userid: 'LNX10014', portId: portId(141), vswitch: 'VSW1', network: vlan(15) };
      const notTaken = { kind: 'status', status: 401, text: 'Authentication failure' };
      await zvm.control('POST', 'faults', { match: {}, action: notTaken });
      const failure = await failureOf(zvm.run('createPort', port));
      expect(failure).toMatchObject({
        type: 'StepFailed',
        message: expect.stringMatching(/401.*Nothing had been done/),
      });
      await zvm.control('DELETE', 'faults');
      const grants = { command: 'Virtual_Network_Vswitch_Set_Extended' };
      await zvm.control('POST', 'faults', { match: grants, action: notTaken, times: 2 });
      expect(await zvm.run('createPort', port)).toMatchObject({ changed: true });
      expect((await zvm.guest('LNX10014')).granted).toEqual({ VSW1: [15] });
    });

    test('for good undoes what the operation recorded and did', async () => {
      await zvm.control('POST', 'faults', {
        match: {},
        action: {
          kind: 'smapi',
          function: 'Virtual_Network_Adapter_Connect_Vswitch',
          userid: 'LNX10009',
          rc: 212,
          rs: 52,
        },
      });
      const operation = zvm.run('attachNic', {
        userid: 'LNX10009',
        ports: [{ portId: portId(91), vswitch: 'VSW2', network: vlan(5) }],
      });
      const failure = await failureOf(operation);
      expect(failure).toMatchObject({ type: 'StepFailed', details: [{ userid: 'LNX10009', undone: true }] });
      expect(failure.message).toContain('212');
      expect(await zvm.guest('LNX10009')).toMatchObject({ nics: [], directory: [], granted: {}, rows: [] });
      await zvm.control('DELETE', 'faults');
    });

    test('for good takes back a port number that is in no directory entry yet', async () => {
      await zvm.control('POST', 'faults', {
        match: {},
        action: { kind: 'smapi', function: 'Image_Definition_Update_DM', userid: 'LNX10011', rc: 24, rs: 99 },
      });
      const operation = zvm.run('createPort', {
        userid: 'LNX10011',
        ...{ portId: portId(111), vswitch: 'VSWPORT', network: vlan(1017) },
      });
      expect(await failureOf(operation)).toMatchObject({ type: 'StepFailed', details: [{ undone: true }] });
      await zvm.control('DELETE', 'faults');
      const numbers = zvm.simulator.mn.systems[0]?.vswitch('VSWPORT')?.ports ?? new Map();
      expect([...numbers.values()].filter(({ userid }) => userid === 'LNX10011')).toEqual([]);
    });
  });
});

test('a change of the directory that DirMaint carries out later is looked for before it is asked for again', async () => {
  const zvm = await createEnvironment({ directoryAsync: true, directoryMs: 500 });
  await zvm.run('createPort', { userid: ON, portId: portId(1), vswitch: 'VSW1', network: vlan(1001) });
  const asked = (await zvm.events()).filter(
    ({ type, argv }) => type === 'smcli' && String(argv).includes('Image_Definition_Update_DM'),
  );
  expect(asked).toHaveLength(1);
  await zvm.close();
});
