import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { formatNicdef } from '../../simulator/directory/nicdef.ts';
import { parseNicdefStatements } from '../../simulator/directory/nicdef-statements.ts';
import { statementsIn, wrap } from '../../simulator/directory/records.ts';
import { ACCESS, dnaHarness, quoted } from './dna.ts';

const GUEST = 'LNX10002';
let sim: Awaited<ReturnType<typeof dnaHarness>>;
beforeEach(async () => {
  sim = await dnaHarness({ release: '7.4' });
});
afterEach(() => sim.close());

const lock = (userid = GUEST) => sim.smcli('Image_Lock_DM', '-T', userid);
const unlock = (userid = GUEST) => sim.smcli('Image_Unlock_DM', '-T', userid);
const replace = (userid = GUEST) => sim.smcli('Image_Replace_DM', '-T', userid, '-f', '/tmp/entry');
const write = (text: string) =>
  sim.dsh('zhcp1', `printf '%s' ${text.split('\n').map(quoted).join(`'\n'`)} > /tmp/entry`);
const recordsOf = async (userid = GUEST) =>
  (await sim.entryOf(userid))
    .split('\n')
    .map((record) => record.trimEnd())
    .filter((record) => record !== '' && !record.startsWith('*DVHOPT'));

test('a lock is taken once, keeps others out, and is given back once', async () => {
  expect(await lock()).toBe(`Locking virtual image's directory entry ${GUEST}... Done`);
  expect(await lock()).toMatch(/Failed\n {2}Return Code: 400\n {2}Reason Code: 12/);
  const define = ['Virtual_Network_Adapter_Create_DM', '-T', GUEST, '-v', '0900', '-a', '2', '-n', '3'];
  expect(await sim.smcli(...define)).toMatch(/Return Code: 400\n {2}Reason Code: 12/);
  expect(await unlock()).toBe(`Unlocking ${GUEST}'s directory entry... Done`);
  expect(await unlock()).toMatch(/Return Code: 400\n {2}Reason Code: 24/);
});

test('an entry that an administrator has is neither locked nor unlocked', async () => {
  await write(`${(await recordsOf()).join('\n')}\n`);
  await sim.control('POST', `/systems/zhcp1/guests/${GUEST}/lock`);
  for (const answer of [await lock(), await unlock(), await replace()])
    expect(answer).toMatch(/Return Code: 400\n {2}Reason Code: 12/);
  await sim.control('POST', `/systems/zhcp1/guests/${GUEST}/unlock`);
});

test('replacing needs the lock, and gives it back when it has succeeded', async () => {
  const records = await recordsOf();
  await write(`${records.join('\n')}\n`);
  expect(await replace()).toMatch(/Return Code: 400\n {2}Reason Code: 24/);
  await lock();
  expect(await replace()).toBe(`Replacing ${GUEST}'s directory entry... Done`);
  expect(await unlock()).toContain('Reason Code: 24');
  expect(await recordsOf()).toEqual(records);
});

test.each([
  ['an entry of another userid', (records: string[]) => ['USER OTHER LBYONLY9 2G 8G G', ...records.slice(1)]],
  ['no USER statement', (records: string[]) => records.slice(1)],
  ['an empty record', (records: string[]) => [...records, '', 'MDISK 0101 3390 1 1 VOL001 MR']],
  ['a NICDEF without TYPE', (records: string[]) => [...records, 'NICDEF 0A00 LAN SYSTEM VSW1']],
  ['a NICDEF with two TYPEs', (records: string[]) => [...records, 'NICDEF 0A00 TYPE QDIO', 'NICDEF 0A00 TYPE QDIO']],
  [
    'a NIC on the device of a SPECIAL',
    (records: string[]) => [...records, 'SPECIAL 0A00 QDIO 3', 'NICDEF 0A00 TYPE QDIO'],
  ],
  ['two NICs that overlap', (records: string[]) => [...records, 'NICDEF 0A00 TYPE QDIO', 'NICDEF 0A02 TYPE QDIO']],
  ['a NICDEF of no device', (records: string[]) => [...records, 'NICDEF ZZZZ TYPE QDIO']],
])('%s is refused, changes nothing, and leaves the lock', async (_title, change) => {
  const before = await recordsOf();
  expect(await sim.rewrite(GUEST, change)).toContain('Failed');
  expect(await recordsOf()).toEqual(before);
  expect(await unlock()).toContain('Done');
});

test('smcli sends as many records as the file has line ends: a last line without one is lost', async () => {
  const before = await recordsOf();
  await lock();
  await write(`${before.join('\n')}\nOPTION MAINTCCW`);
  expect(await replace()).toContain('Done');
  expect(await recordsOf()).toEqual(before);
});

test('smcli breaks a line of more than 70 characters into two records, and loses the last', async () => {
  const before = await recordsOf();
  await lock();
  const long = `* ${'a'.repeat(69)}bcd`;
  await write(`${[...before, long, 'MDISK 0102 3390 1 1 VOL001 MR'].join('\n')}\n`);
  expect(await replace()).toContain('Done');
  expect(await recordsOf()).toEqual([...before, long.slice(0, 71), 'bcd']);
  await sim.rewrite(GUEST, () => before);
});

test('a file that is not there is said, and SMAPI is not asked', async () => {
  await lock();
  const answer = await sim.smcli('Image_Replace_DM', '-T', GUEST, '-f', '/tmp/nowhere');
  expect(answer).toContain('ERROR: Failed to open file /tmp/nowhere');
  await unlock();
});

test('the entry may come by standard input', async () => {
  const records = await recordsOf();
  await lock();
  const lines = [...records, 'OPTION MAINTCCW'].map(quoted).join(' ');
  const smcli = `/opt/zhcp/bin/smcli Image_Replace_DM -T ${GUEST} -s`;
  await sim.dsh('zhcp1', `printf '%s\\n' ${lines} | ${smcli}`);
  expect(await recordsOf()).toEqual([...records, 'OPTION MAINTCCW']);
  await sim.rewrite(GUEST, () => records);
});

test('functions on one NIC leave the operands of another, and unknown ones of its own, as they stand', async () => {
  const written = [
    `NICDEF 0B00 ${ACCESS} VLAN 7 PQUPLINKTX HIGH`,
    'NICDEF 0B03 TYPE QDIO',
    'NICDEF 0B03 DEVICES 3 EQDIO X',
  ];
  const before = await recordsOf();
  await sim.rewrite(GUEST, (records) => [...records, ...written]);
  await sim.smcli('Virtual_Network_Adapter_Connect_Vswitch_DM', '-T', GUEST, '-v', '0B03', '-n', 'VSW2');
  const nics = (await recordsOf()).filter((record) => record.startsWith('NICDEF'));
  expect(nics).toEqual([written[0], 'NICDEF 0B03 TYPE QDIO LAN SYSTEM VSW2 DEVICES 3 EQDIO X']);
  await sim.smcli('Virtual_Network_Adapter_Disconnect_DM', '-T', GUEST, '-v', '0B00');
  expect(await sim.entryOf(GUEST)).toContain('NICDEF 0B00 TYPE QDIO VLAN 7 PQUPLINKTX HIGH');
  await sim.rewrite(GUEST, () => before);
});

test('each part of a statement that goes on in further records is one NIC', async () => {
  const before = await recordsOf();
  await sim.rewrite(GUEST, (records) => [
    ...records,
    `NICDEF 0C00 ${ACCESS},`,
    '      PORTTYPE TRUNK VLAN 5,',
    '  9-11',
  ]);
  await sim.control('POST', `/systems/zhcp1/guests/${GUEST}/logon`);
  expect((await sim.nicsOf(GUEST)).map(({ vlans }) => vlans)).toEqual([[5, 9, 10, 11]]);
  await sim.control('POST', `/systems/zhcp1/guests/${GUEST}/logoff`);
  await sim.rewrite(GUEST, () => before);
});

const comment = fc
  .stringMatching(/^\*[ -)+-~]{1,69}$/)
  .filter((text) => text.trimEnd() === text && !text.includes(','));
const nicdef = fc
  .record({
    vdev: fc
      .integer({ min: 0x100, max: 0x2ff })
      .map((index) => (index * 16).toString(16).toUpperCase().padStart(4, '0')),
    lan: fc.constantFrom(' LAN SYSTEM VSW1', ' LAN SYSTEM vsw2', ''),
    operands: fc.subarray([
      'PORTNUMBER 7',
      'PORTT TRUNK',
      'VLAN 100 200-204',
      'NOPROM',
      'MACID 0A0B0C',
      'PQUPLINKTX LOW',
    ]),
    split: fc.boolean(),
  })
  .map(({ vdev, lan, operands, split }) =>
    split && operands.length > 0
      ? [`NICDEF ${vdev} TYPE QDIO${lan},`, `     ${operands.join(' ')}`]
      : [`NICDEF ${vdev} TYPE QDIO${lan} ${operands.join(' ')}`.trimEnd()],
  )
  .filter((records) => records.every((record) => record.length <= 70));
const other = fc.constantFrom(
  'MDISK 0191 3390 1 5 VOL1 MR',
  'OPTION LNKNOPAS',
  'Share Relative 200',
  'DEDICATE 0E00 0E00',
);

test('an entry is read back byte for byte as it was written, whatever stands in it', async () => {
  const first = (await recordsOf()).slice(0, 1);
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(nicdef, { maxLength: 5, selector: ([record]) => record?.slice(0, 11) }),
      fc.array(fc.oneof(comment, other), { maxLength: 8 }),
      async (nicdefs, others) => {
        const records = [...first, ...nicdefs.flatMap((each, at) => [...each, ...others.slice(at, at + 1)]), ...others];
        expect(await sim.rewrite(GUEST, () => records)).toContain('Done');
        expect(await recordsOf()).toEqual(records);
        const snapshot = await sim.control('GET', '/snapshot');
        await sim.rewrite(GUEST, () => first);
        await sim.control('PUT', '/snapshot', snapshot);
        expect(await recordsOf()).toEqual(records);
      },
    ),
    { numRuns: 40 },
  );
  await sim.rewrite(GUEST, () => first);
});

test('a NIC reads the same from the statement that it is written as', () => {
  fc.assert(
    fc.property(nicdef, (records) => {
      const texts = (lines: readonly string[]) => statementsIn(lines).map(({ text }) => text);
      const [nic] = parseNicdefStatements(texts(records));
      if (nic === undefined) throw new Error('no NIC');
      const [again] = parseNicdefStatements(texts(wrap(formatNicdef(nic))));
      expect({ ...again, written: [] }).toEqual({ ...nic, written: [] });
    }),
  );
});
