import { describe, expect, test } from 'vitest';
import { planAdoption } from '../../backend/feilong/record/adoption.ts';
import { planRecord } from '../../backend/xcat/rows/record-plan.ts';
import type { GuestState, RecordedPort } from '../../domain/guest/guest.ts';
import { type NewServer, planMigration, type ReadGuest } from '../../domain/migration/guest-migration.ts';
import { recordDifferences, zvmDifferences } from '../../domain/migration/record-comparison.ts';
import { sentence } from '../../domain/planning/steps.ts';
import { Mac } from '../../domain/port/mac.ts';
import { Vdev } from '../../domain/port/vdev.ts';
import { PortId, SegmentationId, VswitchName } from '../../domain/text/identifiers.ts';
import type { Vswitch } from '../../domain/vswitch/vswitch.ts';
import { NODE, nothingInUse, RULES, UNSEEN, USERID } from './worlds.ts';

const PORT = PortId.parse('00000000-0000-4000-8000-000000000001');
const OTHER = PortId.parse('00000000-0000-4000-8000-000000000002');
const VDEV = Vdev.parse('1000');
const VSW1 = VswitchName.parse('VSW1');
const MAC = Mac.parse('02:00:00:00:00:01');

const recorded = (more: Partial<RecordedPort> = {}): RecordedPort => ({
  ...{ portId: PORT, vdev: VDEV, vswitch: VSW1, mac: MAC, adminStateUp: true },
  network: { type: 'vlan', segmentationId: SegmentationId.parse(100) },
  ...more,
});

function guestWith(more: Partial<GuestState> = {}): GuestState {
  return {
    ...{ userid: USERID, names: [NODE], loggedOn: true, recorded: [recorded()] },
    directory: [{ vdev: VDEV, vswitch: VSW1, macId: '000001' }],
    live: [{ vdev: VDEV, vswitch: VSW1, mac: MAC }],
    ...more,
  };
}

function readAs(guest: GuestState, vlans: number[] = [100]): ReadGuest {
  const vswitch: Vswitch = {
    ...{ name: VSW1, transport: 'ETHERNET', vlanAware: true, defaultVlan: 1, portSelection: 'USERBASED', ...UNSEEN },
    authorisations: [{ userid: USERID, vlans }],
    nics: [{ userid: USERID, vdev: VDEV, mac: MAC }],
  };
  return { guest, vswitches: [vswitch], rules: RULES, ...nothingInUse() };
}

const FEILONG: NewServer = {
  kind: 'feilong',
  can: { portBased: false, vlanSets: false, addresses: false },
  planAdoption,
};
const XCAT: NewServer = {
  kind: 'xcat',
  can: { portBased: true, vlanSets: true, addresses: true },
  planAdoption: (desired, guest) => ({ steps: planRecord(desired, guest), left: [] }),
};
const unregistered = guestWith({ recorded: [], feilong: { registered: false, rows: [] } });

function planned(source: ReadGuest, target: ReadGuest, server: NewServer, drift: string[] = []) {
  const { steps, left } = planMigration(source, target, server, drift);
  return { steps: steps.map(sentence), left };
}

describe('to Feilong', () => {
  test('a running guest is registered with its ports', () => {
    const { steps, left } = planMigration(readAs(guestWith()), readAs(unregistered), FEILONG, []);
    expect(left).toEqual([]);
    expect(steps).toMatchObject([
      { kind: 'record', operation: 'adopt', data: { userid: USERID, ports: [{ portId: PORT, vdev: '1000' }] } },
    ]);
  });

  test('a guest whose ports have their rows has nothing to be done', () => {
    const target = guestWith({ feilong: { registered: true, rows: [{ vdev: VDEV, portId: PORT }] } });
    expect(planned(readAs(guestWith()), readAs(target), FEILONG)).toEqual({ steps: [], left: [] });
  });

  test('a NIC that is not coupled is left: z/VM tells no MAC of it, by which Feilong finds its port', () => {
    const down = { live: [{ vdev: VDEV }], directory: [{ vdev: VDEV, macId: '000001' }] };
    const source = guestWith({ ...down, recorded: [recorded({ adminStateUp: false })] });
    const { steps, left } = planned(readAs(source), readAs({ ...unregistered, ...down }), FEILONG);
    expect({ steps, left }).toEqual({ steps: [], left: [expect.stringContaining('set its port up')] });
  });

  test('a guest that is logged off is left, with the way out', () => {
    const off = { loggedOn: false, live: [] };
    const target = { ...unregistered, ...off };
    expect(planned(readAs(guestWith(off)), readAs(target), FEILONG)).toEqual({
      steps: [],
      left: [expect.stringContaining('log it on')],
    });
  });

  test('rows of NICs that are not live are never lost to a new registration', () => {
    const rows = [{ vdev: Vdev.parse('1003'), portId: OTHER }];
    const target = { ...unregistered, feilong: { registered: true, rows } };
    const { steps, left } = planned(readAs(guestWith()), readAs(target), FEILONG);
    expect({ steps, left: left[0] }).toEqual({ steps: [], left: expect.stringContaining('would get lost') });
  });

  test('rows of other ports are kept by a new registration', () => {
    const nic = { vdev: Vdev.parse('1003'), vswitch: VSW1 };
    const live = [...guestWith().live, nic];
    const rows = [{ vdev: nic.vdev, portId: OTHER }, { vdev: Vdev.parse('1006') }];
    const directory = [...guestWith().directory, { ...nic, macId: '000002' }];
    const other = recorded({ portId: OTHER, vdev: nic.vdev, mac: Mac.parse('02:00:00:00:00:02') });
    const source = guestWith({ live, directory, recorded: [recorded(), other] });
    const target = guestWith({ recorded: [], live, feilong: { registered: true, rows } });
    const { steps } = planMigration(readAs(source), readAs(target), FEILONG, []);
    expect(steps).toMatchObject([
      {
        data: {
          ports: [
            { portId: OTHER, vdev: '1003' },
            { portId: PORT, vdev: '1000' },
          ],
        },
      },
    ]);
  });

  test('several VLANs of a guest on a VSWITCH are left', () => {
    const { steps, left } = planned(readAs(guestWith(), [100, 200]), readAs(unregistered), FEILONG);
    expect({ steps, left }).toEqual({ steps: [], left: [expect.stringContaining('several VLANs')] });
  });

  test('a guest that is not as it is recorded is left until it is', () => {
    expect(planned(readAs(guestWith()), readAs(unregistered), FEILONG, ['couple NIC 1000'])).toEqual({
      steps: [],
      left: ['it is not as it is recorded; have it reconciled first: couple NIC 1000'],
    });
  });
});

describe('to xCAT', () => {
  const bare = guestWith({ recorded: [] });

  test('rows of ports are written, and a fixed address stays', () => {
    const addresses = [{ vdev: VDEV, address: '192.0.2.7' }] as unknown as NonNullable<GuestState['addresses']>;
    const { steps, left } = planned(readAs(guestWith()), readAs({ ...bare, addresses }), XCAT);
    expect(left).toEqual([]);
    expect(steps).toEqual([
      expect.stringContaining(`record port ${PORT}`),
      expect.stringContaining('record 1 MAC address'),
    ]);
  });

  test('the row of a port that was deleted goes; one whose NIC is there is left', () => {
    const gone = recorded({ portId: OTHER, vdev: Vdev.parse('1003') });
    const there = recorded({ portId: OTHER });
    const source = readAs(guestWith({ recorded: [] }));
    expect(planned(source, readAs({ ...bare, recorded: [gone] }), XCAT).steps).toEqual([
      expect.stringContaining(`remove the record of port ${OTHER}`),
    ]);
    expect(planned(source, readAs({ ...bare, recorded: [there] }), XCAT)).toEqual({
      steps: [],
      left: [expect.stringContaining('is recorded by xCAT alone')],
    });
  });
});

describe('two records of a guest', () => {
  const differences = (one: RecordedPort[], other: RecordedPort[], isWhole = true) =>
    recordDifferences({ server: 'xCAT', ports: one }, { server: 'Feilong', ports: other }, isWhole);

  test('the same ports have no difference, and a value that one does not keep is none', () => {
    const { mac: _mac, ...bare } = recorded();
    expect(differences([recorded()], [bare])).toEqual([]);
  });

  test('each field that differs is named with both values', () => {
    const other = recorded({ vswitch: VswitchName.parse('VSW2'), adminStateUp: false });
    expect(differences([recorded()], [other])).toEqual([
      `port ${PORT}: its VSWITCH is VSW1 with xCAT, VSW2 with Feilong`,
      `port ${PORT}: its admin state is up with xCAT, down with Feilong`,
    ]);
  });

  test('a port that one of them alone has is named', () => {
    expect(differences([], [recorded()])).toEqual([`port ${PORT} is recorded by Feilong, and not by xCAT`]);
  });

  test('without the directory, a port that is down and has no VSWITCH in one of them is none', () => {
    const { vswitch: _vswitch, ...unwired } = recorded({ network: { type: 'flat' } });
    expect(differences([recorded({ adminStateUp: false })], [unwired], false)).toEqual([]);
    expect(differences([recorded()], [unwired], false)).toHaveLength(1);
  });
});

test('two readings of z/VM are the same but for what differs', () => {
  expect(zvmDifferences(guestWith(), guestWith())).toEqual([]);
  expect(zvmDifferences(guestWith(), guestWith({ live: [{ vdev: VDEV }] }))).toEqual([
    'two readings differ in live NICs: 1000 on VSW1 with 02:00:00:00:00:01; 1000 on no VSWITCH',
  ]);
});
