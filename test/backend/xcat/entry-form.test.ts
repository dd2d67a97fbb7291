import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  editedEntry,
  entryForm,
  LONGEST_RECORD,
  nicdefStatement,
  type Piece,
} from '../../../backend/xcat/zhcp/entry-form.ts';
import { parseDirectory } from '../../../backend/zvm/directory-parser.ts';
import { Vdev } from '../../../domain/port/vdev.ts';
import { VswitchName } from '../../../domain/text/identifiers.ts';

const VDEVS = ['1000', '1003', '0A00', '2000'].map((vdev) => Vdev.parse(vdev));

/** A statement in one record, or going on in further ones, with blanks at places of its own. */
const continued = (words: fc.Arbitrary<string[]>) =>
  fc.tuple(words, fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 30, maxLength: 30 })).map(([all, dice]) => {
    const records: string[] = [];
    let record = '';
    for (const [index, word] of all.entries()) {
      const die = dice[index % dice.length] ?? 0;
      if (record !== '' && die === 0) {
        records.push(`${record},`);
        record = `   ${word}`;
      } else record = record === '' ? word : `${record}${' '.repeat(1 + (die % 2))}${word}`;
    }
    return [...records, record];
  });

const nicdef = (vdevs: readonly Vdev[]) =>
  continued(
    fc
      .tuple(
        fc.constantFrom(...vdevs),
        fc.subarray(['LAN SYSTEM VSW1', 'MACID 0A0B0C', 'VLAN 5 9-11', 'PORTT TRUNK', 'PQUPLINKTX HIGH', 'NEWWORD X1']),
      )
      .map(([vdev, operands]) => ['NICDEF', vdev, 'TYPE', 'QDIO', ...operands.flatMap((each) => each.split(' '))]),
  );

const other = fc.oneof(
  continued(
    fc.constantFrom(
      ['MDISK', '0100', '3390', '1', '100', 'VOL001', 'MR', 'RSECRET', 'WSECRET'],
      ['SPOOL', '000C', '2540', 'READER', 'A'],
    ),
  ),
  continued(fc.constant(['OPTION', 'APPLMON', 'DEVMAINT', 'LNKNOPAS', 'MAINTCCW'])),
  fc.stringMatching(/^\*[ !-~]{0,50}[!-~]$/).map((text) => [text]),
  fc.constantFrom(
    ['*DVHOPT LNK0 LOG1 RCM1 SMS0 NPW1 LNGAMENG PWC20140611'],
    ['COMMAND SET RUN ON'],
    ['INCLUDE OSDFLT'],
  ),
);

/** Records of an entry. Its NICs are not understood by each other's statements: several may be of one device. */
const entry = fc
  .tuple(
    continued(
      fc.constantFrom(['USER', 'LNX1', 'SECRET12', '2G', '8G', 'G'], ['IDENTITY', 'LNX1', 'SECRET12', '2G', '8G', 'G']),
    ),
    fc.array(fc.oneof(nicdef(VDEVS), other), { maxLength: 12 }),
    fc.boolean(),
  )
  .map(([user, statements, isPadded]) => ({ records: [...user, ...statements.flat()], isPadded }))
  .filter(({ records }) => records.every((record) => record.length <= LONGEST_RECORD))
  .map(({ records, isPadded }) => {
    return { records, output: `${records.map((record) => (isPadded ? record.padEnd(72) : record)).join('\n')}\n` };
  });

const wantedNics = fc
  .uniqueArray(
    fc.record({
      vdev: fc.constantFrom(...VDEVS),
      isGone: fc.boolean(),
      vlans: fc.uniqueArray(fc.integer({ min: 1, max: 4094 }), { maxLength: 30 }),
    }),
    { selector: ({ vdev }) => vdev, maxLength: 4 },
  )
  .map(
    (nics) =>
      new Map(
        nics.map(({ vdev, isGone, vlans }) => {
          const authorization = { vlans, portType: 'TRUNK' as const };
          const nic = { vdev, macId: '0a0b0c', vswitch: VswitchName.parse('VSW9'), authorization };
          return [vdev, isGone ? undefined : nicdefStatement(nic)] as const;
        }),
      ),
  );

function applied(records: readonly string[], pieces: readonly Piece[]): string[] {
  return pieces.flatMap((piece) => ('texts' in piece ? piece.texts : records.slice(piece.from - 1, piece.to)));
}

/** The records without the NICDEF statements of some devices, each record with the statement that it belongs to. */
function without(records: readonly string[], vdevs: Iterable<Vdev>): string[] {
  const gone = new Set(
    [...vdevs]
      .flatMap((vdev) => entryForm(records.join('\n')).nicdefs.filter((nic) => nic.vdev === vdev))
      .flatMap(({ at }) => at),
  );
  return records.filter((_, index) => !gone.has(index + 1));
}

describe('an entry with other NICs', () => {
  test('keeps each record of anything else byte for byte and in its place', () => {
    fc.assert(
      fc.property(entry, wantedNics, ({ records, output }, nics) => {
        const form = entryForm(output);
        const after = applied(records, editedEntry(form, nics));
        expect(without(after, nics.keys())).toEqual(without(records, nics.keys()));
      }),
      { numRuns: 500 },
    );
  });

  test('has the NICs that were asked for, each by one statement, and none that was to go', () => {
    fc.assert(
      fc.property(entry, wantedNics, ({ records, output }, nics) => {
        const after = applied(records, editedEntry(entryForm(output), nics));
        const { nicdefs } = entryForm(after.join('\n'));
        for (const [vdev, statement] of nics) {
          const found = nicdefs.filter((nic) => nic.vdev === vdev);
          expect(found).toHaveLength(statement === undefined ? 0 : 1);
          if (statement === undefined) continue;
          const said = found.flatMap(({ texts }) => texts).map((text) => text.trim().replace(/,$/, ''));
          expect(said.join(' ')).toBe(statement);
          const [nic] = parseDirectory(`USER X\n${found.flatMap(({ texts }) => texts).join('\n')}`);
          expect(nic).toMatchObject({ vdev, vswitch: 'VSW9', macId: '0A0B0C' });
        }
      }),
      { numRuns: 500 },
    );
  });

  test('is the same when it is edited a second time', () => {
    fc.assert(
      fc.property(entry, wantedNics, ({ records, output }, nics) => {
        const once = applied(records, editedEntry(entryForm(output), nics));
        expect(applied(once, editedEntry(entryForm(once.join('\n')), nics))).toEqual(once);
      }),
      { numRuns: 500 },
    );
  });

  test('has no NICDEF record that smcli would break, also of the NICs that stay, which keep their words', () => {
    const long = `NICDEF 2000 TYPE QDIO LAN SYSTEM VSW1 MACID 0A0B0C PORTTYPE ACCESS VLAN,`;
    const records = ['USER LNX1 SECRET12 2G 8G G', long, '   100 PQUPLINKTX LOW', 'MDISK 0100 3390 1 100 VOL001 MR'];
    const nics = new Map([[Vdev.parse('1000'), nicdefStatement({ vdev: Vdev.parse('1000') })]]);
    const after = applied(records, editedEntry(entryForm(records.join('\n')), nics));
    expect(after).toEqual([
      'USER LNX1 SECRET12 2G 8G G',
      'NICDEF 2000 TYPE QDIO LAN SYSTEM VSW1 MACID 0A0B0C PORTTYPE ACCESS,',
      '      VLAN 100 PQUPLINKTX LOW',
      'NICDEF 1000 TYPE QDIO',
      'MDISK 0100 3390 1 100 VOL001 MR',
    ]);
    for (const record of after) expect(record.length).toBeLessThanOrEqual(LONGEST_RECORD);
  });

  test('takes a first NIC behind its last statement, before the comments at its end', () => {
    const records = ['* of the site', 'USER LNX1 SECRET12 2G 8G G', 'IPL 0100', '*DVHOPT LNK0'];
    const nics = new Map([[Vdev.parse('1000'), nicdefStatement({ vdev: Vdev.parse('1000') })]]);
    expect(applied(records, editedEntry(entryForm(records.join('\n')), nics))).toEqual([
      ...records.slice(0, 3),
      'NICDEF 1000 TYPE QDIO',
      '*DVHOPT LNK0',
    ]);
  });
});

describe('a form', () => {
  test('holds no record but NICDEFs', () => {
    fc.assert(
      fc.property(entry, ({ output }) => {
        expect(JSON.stringify(entryForm(output))).not.toContain('SECRET');
      }),
    );
  });

  test.each([
    ['nothing', ''],
    ['a SUBCONFIG', 'SUBCONFIG LNX1-1\nNICDEF 1000 TYPE QDIO\n'],
    ['a PROFILE', 'PROFILE OSDFLT\nNICDEF 1000 TYPE QDIO\n'],
    ['a message', 'Failed\n  Return Code: 400\n'],
    [
      'an entry with a statement that may go on in a comment',
      'USER LNX1 SECRET12 2G 8G G\nSPOOL 000C 2540 READER,\n *\nNICDEF 1000 TYPE QDIO\n',
    ],
    ['an entry whose last statement goes on', 'USER LNX1 SECRET12 2G 8G G\nNICDEF 1000 TYPE QDIO,\n'],
  ])('is not that of %s, and quotes nothing of it', (_title, output) => {
    expect(() => entryForm(output)).toThrow(/read the directory entry/);
    expect(() => entryForm(output)).not.toThrow(/SECRET|NICDEF/);
  });
});
