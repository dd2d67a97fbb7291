import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { macEntriesOf, recordedPorts, rowsWithoutPort } from '../../../backend/xcat/rows/port-rows.ts';
import type { RecordedPort } from '../../../domain/guest/guest.ts';

const PORT = '00000000-0000-4000-8000-000000000001';
const ROW = { node: 'lnx1', port: PORT, switch: 'VSW1', vlan: '50', interface: '1000', comments: 'zhcp1', disable: '' };
const MACS = macEntriesOf([{ node: 'lnx1', mac: '02:00:00:00:00:01!lnx1-1000', interface: '' }], 'lnx1');

function port(values: Record<string, string>, macs = MACS): RecordedPort | undefined {
  return recordedPorts([{ ...ROW, ...values }], macs, 'zhcp1')[0];
}

describe('the VLAN column of a wired port', () => {
  test.each([
    ['-1', { type: 'flat' }],
    ['1', { type: 'vlan', segmentationId: 1 }],
    ['4094', { type: 'vlan', segmentationId: 4094 }],
    ['0050', { type: 'vlan', segmentationId: 50 }],
    ['5+7', { type: 'trunk', segmentationIds: [5, 7] }],
    ['100-102+7', { type: 'trunk', segmentationIds: [7, 100, 101, 102] }],
  ])('%s is understood', (vlan, network) => {
    expect(port({ vlan })).toMatchObject({ network });
    expect(port({ vlan })).not.toHaveProperty('unreadable');
  });

  test.each([
    'abc',
    '12x',
    '4095',
    '5000',
    '0',
    '1e2',
    '0x10',
    '60+bad',
    '60+0',
    '5-',
    '7-5',
    '-1+5',
    '',
    ' 5',
    '5 ',
    '٥',
  ])('%j is not, and is never taken for flat', (vlan) => {
    expect(port({ vlan })).toMatchObject({
      network: { type: 'unreadable', text: vlan },
      unreadable: [{ field: 'network', name: 'vlan', value: vlan }],
    });
  });

  test('is flat for -1 alone, whatever stands there', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.integer().map(String)), (vlan) => {
        expect(port({ vlan })?.network.type === 'flat').toBe(vlan === '-1');
      }),
      { numRuns: 2_000 },
    );
  });

  test('says nothing before the port is wired', () => {
    expect(port({ vlan: '', switch: '' })).toEqual({
      portId: PORT,
      vdev: '1000',
      mac: '02:00:00:00:00:01',
      network: { type: 'flat' },
      adminStateUp: true,
      rows: 1,
    });
  });
});

describe('other columns', () => {
  test.each([
    ['interface', '12345', 'vdev'],
    ['interface', 'eth0', 'vdev'],
    ['switch', 'NAMETOOLONG', 'vswitch'],
    ['disable', 'maybe', 'adminStateUp'],
    ['disable', '2', 'adminStateUp'],
  ])('%s %j is unreadable', (name, value, field) => {
    expect(port({ [name]: value })?.unreadable).toEqual([{ field, name, value }]);
  });

  test.each([
    ['', true],
    ['0', true],
    ['no', true],
    ['No', true],
    ['1', false],
    ['yes', false],
    ['YES', false],
  ])('disable %j is up: %s', (disable, adminStateUp) => {
    expect(port({ disable })).toMatchObject({ adminStateUp });
    expect(port({ disable })).not.toHaveProperty('unreadable');
  });

  test('an address of the NIC that is none is unreadable; other text of the mac table is not ours', () => {
    const macs = (mac: string) => macEntriesOf([{ node: 'lnx1', mac, interface: '' }], 'lnx1');
    expect(port({}, macs('zz:zz!lnx1-1000'))?.unreadable).toEqual([
      { field: 'mac', name: 'mac', value: 'zz:zz!lnx1-1000' },
    ]);
    expect(port({}, macs('whatever|zz!other-1000'))).not.toHaveProperty('unreadable');
  });

  test('two filled rows of one port that differ are unreadable; an unfilled one says nothing', () => {
    const both = (values: object) => recordedPorts([ROW, { ...ROW, ...values }], MACS, 'zhcp1')[0];
    expect(both({ switch: 'VSW2' })?.unreadable).toEqual([
      { field: 'vswitch', name: 'switch', value: 'VSW1 and VSW2' },
    ]);
    expect(both({ switch: '', vlan: '' })).toMatchObject({ rows: 2, network: { segmentationId: 50 } });
    expect(both({ switch: '', vlan: '' })).not.toHaveProperty('unreadable');
  });

  test('a row without a port id is told', () => {
    const rows = [{ ...ROW, port: 'p-1' }, ROW];
    expect(rowsWithoutPort(rows, 'lnx1').map(({ reason }) => reason)).toEqual([expect.stringContaining('p-1')]);
  });

  test('NULL as a text in disable is enabled, as xCAT takes it; a word that it does not know is unreadable and down', () => {
    expect(port({ disable: 'NULL' })).toMatchObject({ adminStateUp: true });
    expect(port({ disable: 'NULL' })).not.toHaveProperty('unreadable');
    expect(port({ disable: 'maybe' })).toMatchObject({
      adminStateUp: false,
      unreadable: [{ field: 'adminStateUp', name: 'disable', value: 'maybe' }],
    });
  });
});
