import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { BackendError } from '../../../backend/backend-error.ts';
import {
  parseActiveDevices,
  parseDirectory,
  parseDirectoryDevices,
  parseWideNics,
} from '../../../backend/xcat/zhcp/smcli-parsers.ts';
import { records } from '../../../simulator/directory/records.ts';

const USER = 'USER LNX1 SECRET 1G 2G';
const entry = (...statements: string[]) => [USER, ...statements].flatMap(records).join('\n');
const named = (...statements: string[]) =>
  parseDirectoryDevices(entry(...statements)).devices.map(({ first, count, what }) => [first, count, what]);

describe('a directory entry gives away the device numbers', () => {
  it.each([
    ['MDISK 0191 3390 1 10 VOL001 MR', [0x191, 1, 'MDISK 0191']],
    ['mdisk 191 fb-512 v-disk 1000', [0x191, 1, 'MDISK 0191']],
    ['DEDICATE 0B00 1234', [0xb00, 1, 'DEDICATE 0B00']],
    ['LINK MAINT 0190 0190 RR', [0x190, 1, 'LINK 0190']],
    ['LINK MAINT 0190 0290', [0x290, 1, 'LINK 0290']],
    ['LINK MAINT 0190 RR', [0x190, 1, 'LINK 0190']],
    ['CONSOLE 0009 3215 T', [9, 1, 'CONSOLE 0009']],
    ['SPOOL 00C 2540 READER *', [0xc, 1, 'SPOOL 000C']],
    ['SPECIAL 0C00 CTCA', [0xc00, 1, 'SPECIAL 0C00']],
    ['SPECIAL 0C00 QDIO 6 SYSTEM GLAN1', [0xc00, 6, 'SPECIAL 0C00 (6 devices)']],
    ['NICDEF 0600 TYPE QDIO DEVICES 8 LAN SYSTEM VSW1', [0x600, 8, 'NIC 0600 (8 devices)']],
    ['NICDEF 0600 TYPE HIPERS DEV 12', [0x600, 12, 'NIC 0600 (12 devices)']],
    ['COMMAND DEFINE NIC 0700 TYPE QDIO DEVICES 9', [0x700, 9, 'NIC 0700 (9 devices)']],
    ['COMMAND ATTACH 1234 * 0B10', [0xb10, 1, 'ATTACH 0B10']],
    ['COMMAND DEFINE VFB-512 AS 0103 BLK 1000', [0x103, 1, 'DEFINE 0103']],
  ])('of %s', (statement, range) => {
    expect(named(statement)).toEqual([range]);
  });

  it.each([
    'MACHINE ESA 4',
    'CPU 00 BASE',
    'IPL 0100',
    'MAXSTORAGE 8G',
    'OPTION LNKNOPAS',
    'SPOOLF 1',
    'COMMAND SET RUN ON',
    'COMMAND DEFINE STORAGE 4G',
    'NICDEF 1000 TYPE QDIO LAN SYSTEM VSW1',
    'MDISK',
    'LINK MAINT',
    'NOVELTY 0100',
  ])('of nothing more for %s', (statement) => {
    expect(named(statement)).toEqual([]);
  });

  it('and of what it includes', () => {
    expect(parseDirectoryDevices(entry('INCLUDE OSDFLT', 'MDISK 0100 3390')).includes).toEqual(['OSDFLT']);
  });
});

test('an entry reads the same however its statements are cut into records, and nothing of it is told that is no device', () => {
  const word = fc.stringMatching(/^[A-Z0-9]{1,12}$/);
  const statement = fc
    .tuple(
      fc.constantFrom(
        'NICDEF 1000 TYPE QDIO',
        'NICDEF 1003 MACID 112233',
        'MDISK 0191',
        'LINK MAINT 0190',
        'SPECIAL 0C00 QDIO 6',
      ),
      fc.array(word, { maxLength: 20 }),
    )
    .map(([begin, more]) => [begin, ...more].join(' '));
  fc.assert(
    fc.property(fc.array(statement, { maxLength: 6 }), (statements) => {
      const whole = [USER, ...statements].join('\n');
      const cut = entry(...statements);
      const read = (text: string) => {
        try {
          return [parseDirectory(text), parseDirectoryDevices(text)];
        } catch (error) {
          if (!(error instanceof BackendError)) throw error;
          return error.message;
        }
      };
      expect(read(cut)).toEqual(read(whole));
      expect(JSON.stringify(read(cut))).not.toContain('SECRET');
    }),
  );
});

describe('a record that continues another and begins with *', () => {
  const directory = (...records: string[]) => {
    const findings: unknown[] = [];
    const nics = parseDirectory([USER, ...records].join('\n'), (finding) => findings.push(finding));
    return { nics, findings };
  };
  const DOUBTFUL = expect.stringContaining('a record that begins with *');

  it.each([
    ['of it', ['NICDEF 1000 TYPE QDIO LAN SYSTEM VSW1,', '* MACID 0A0B0C', 'NICDEF 1003 TYPE QDIO'], ['1000', '1003']],
    ['before it', ['SPOOL 000C 2540 READER,', ' *', 'NICDEF 1003 TYPE QDIO', 'NICDEF 1006 TYPE QDIO'], ['1003']],
  ])('may be a comment or not: a NICDEF %s stays unchanged, and is reported', (_place, records, unclear) => {
    const { nics, findings } = directory(...records);
    expect(nics.filter((nic) => nic.unclear !== undefined).map(({ vdev }) => vdev)).toEqual(unclear);
    expect(findings).toEqual(unclear.map((vdev) => ({ of: `NICDEF ${vdev}`, reason: DOUBTFUL })));
  });

  it('leaves no doubt about what both readings have alike', () => {
    const { nics, findings } = directory(
      '* of the site,',
      'NICDEF 1000 TYPE QDIO',
      '*DVHOPT LNK0',
      'NICDEF 1003 TYPE QDIO',
    );
    expect([nics.map(({ vdev }) => vdev), findings]).toEqual([['1000', '1003'], []]);
  });

  it('gives away the device numbers of its statement', () => {
    expect(parseDirectoryDevices([USER, 'SPOOL 000C 2540 READER,', ' *'].join('\n')).devices).toMatchObject([
      { first: 0x0c },
    ]);
  });
});

test('several statements of one vdev are one NIC, of which the last word on a LAN counts', () => {
  const statements = ['NICDEF 1000 TYPE QDIO LAN SYSTEM VSW1', 'NICDEF 1000 MACID 0A0B0C', 'NICDEF 1000 PORTNUM 7'];
  expect(parseDirectory(entry(...statements))).toEqual([
    { vdev: '1000', vswitch: 'VSW1', macId: '0A0B0C', portNumber: 7 },
  ]);
  expect(parseDirectory(entry(...statements, 'NICDEF 1000 LAN OWNER GLAN1'))).toEqual([
    { vdev: '1000', macId: '0A0B0C', portNumber: 7 },
  ]);
  expect(parseDirectory(entry('NICDEF 1000 TYPE HIPERS DEV 6 CHPID 0B VLAN 7', 'NICDEF 1000 PROMISCUOUS'))).toEqual([
    {
      vdev: '1000',
      devices: 6,
      chpid: '0B',
      others: 'TYPE HIPERS VLAN 7 PROMISCUOUS',
      authorization: { vlans: [7], promiscuous: true },
    },
  ]);
  // A name that no VSWITCH can have hides nothing else, and its NIC is left as it is.
  expect(parseDirectory(entry('NICDEF 0600 TYPE QDIO LAN SYSTEM VSW.1'))).toEqual([
    { vdev: '0600', unclear: 'its LAN SYSTEM is not the name of a VSWITCH' },
  ]);
});

describe('the operands of directory network authorization', () => {
  const abbreviated = (keyword: string, shortest: number) =>
    fc.integer({ min: shortest, max: keyword.length }).map((length) => keyword.slice(0, length));
  const vlan = fc.integer({ min: 1, max: 4094 });
  const range = fc.tuple(vlan, vlan).map(([one, other]) => [Math.min(one, other), Math.max(one, other)] as const);
  const spread = ([from, to]: readonly [number, number]) =>
    Array.from({ length: to - from + 1 }, (_, index) => from + index);
  const priority = fc.constantFrom('LOW', 'NORMAL', 'HIGH');
  /** Operands with what they mean. */
  const operand = fc.oneof(
    fc.array(vlan, { minLength: 1, maxLength: 6 }).map((vlans) => [`VLAN ${vlans.join(' ')}`, { vlans }] as const),
    range.map((each) => [`VLAN ${each.join('-')}`, { vlans: spread(each) }] as const),
    fc
      .tuple(abbreviated('PORTTYPE', 5), fc.constantFrom('ACCESS', 'TRUNK'))
      .map(([word, portType]) => [`${word} ${portType}`, { portType }] as const),
    abbreviated('PROMISCUOUS', 3).map((word) => [word, { promiscuous: true }] as const),
    abbreviated('NOPROMISCUOUS', 5).map((word) => [word, { promiscuous: false }] as const),
    priority.map((each) => [`PQUPLINKTX ${each}`, { priority: each }] as const),
  );

  test('are read in any order, spread over statements and records, and stand verbatim beside', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(operand, fc.constantFrom(' ', ',\n  ', '\nNICDEF 1000 ')), { minLength: 1, maxLength: 5 }),
        fc.array(fc.constantFrom('LATER', 'FUTURE'), { maxLength: 2 }),
        (operands, unknown) => {
          const said = operands.map(([[text], before]) => `${before}${text}`).join('');
          const [nic] = parseDirectory(
            entry(
              ...['NICDEF 1000 TYPE QDIO LAN SYSTEM VSW1', said, ...unknown.map((word) => ` ${word}`)]
                .join('')
                .split('\n'),
            ),
          );
          const meant = Object.assign({}, ...operands.map(([[, meaning]]) => meaning));
          if (meant.vlans !== undefined) meant.vlans = [...new Set(meant.vlans)];
          expect(nic).toEqual({
            vdev: '1000',
            vswitch: 'VSW1',
            others: [...operands.map(([[text]]) => text), ...unknown].join(' '),
            authorization: meant,
          });
        },
      ),
    );
  });

  test.each([
    'VLAN',
    'VLAN 0',
    'VLAN 4095',
    'VLAN 9-3',
    'VLAN 7 5000',
    'VLAN 1,2',
    'PORTTYPE HYBRID',
    'PQUPLINKTX MAX',
  ])('in %s an unreadable value is no value, and stays as it stands', (text) => {
    expect(parseDirectory(entry(`NICDEF 1000 TYPE QDIO LAN SYSTEM VSW1 ${text}`))).toEqual([
      { vdev: '1000', vswitch: 'VSW1', others: text },
    ]);
  });
});

test('the devices of a running guest are told with their kinds, and NICs with more than three', () => {
  const text =
    'Memory: 2 GB\nCPU count: 1\nCPUs\n  Address: 0\n  ID: FF (Base)\nDevices\n  Address: 0100 (DASD)\n  Address: 0009 (CONS)\n';
  expect(parseActiveDevices(text).map(({ first, what }) => [first, what])).toEqual([
    [0x100, 'device 0100 (DASD)'],
    [9, 'device 0009 (CONS)'],
  ]);
  expect(parseActiveDevices('Memory: 2 GB\nCPUs\n  Address: 0\n')).toEqual([]);
  const nic = (vdev: string, count: number) =>
    `Adapter:\n  Address: ${vdev}\n  Device count: ${count}\n  Adapter type: QDIO\n`;
  expect(parseWideNics(nic('0600', 8) + nic('1000', 3))).toMatchObject([{ first: 0x600, count: 8, nic: '0600' }]);
});

test('no text whatever breaks them', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      parseActiveDevices(`Devices\n${text}`);
      parseWideNics(text);
      expect(() => parseDirectoryDevices(`${USER}\n${text}`)).not.toThrow(TypeError);
    }),
  );
});
