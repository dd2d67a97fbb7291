import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { editedEntry, entryForm, nicdefStatement } from '../../../backend/xcat/zhcp/entry-form.ts';
import { LOCK_KEPT, REPLACEMENT, replaceEntry } from '../../../backend/xcat/zhcp/entry-replacement.ts';
import { chainText, parseOutcomes, scriptText } from '../../../backend/xcat/zhcp/script.ts';
import { Vdev } from '../../../domain/port/vdev.ts';
import { Userid } from '../../../domain/text/identifiers.ts';

// Characters of userids that a shell has a use for.
const GUEST = Userid.parse('LNX$#@1');
const RECORDS = [
  'USER LNX$#@1 SECRET12 2G 8G G',
  "* it's the site's, $HOME `id` \\ \"",
  'IPL 0100',
  'NICDEF 0A00 TYPE QDIO LAN SYSTEM VSW2,',
  '      VLAN 7',
  'MDISK 0100 3390 1 100 VOL001 MR RSECRET WSECRET',
  '*DVHOPT LNK0 LOG1 RCM1 SMS0 NPW1 LNGAMENG PWC20140611',
];
const NIC = nicdefStatement({ vdev: Vdev.parse('1000'), macId: '0a0b0c' });
const EDITED = [...RECORDS.slice(0, 5), NIC, ...RECORDS.slice(5)];

/** A zHCP in a folder: its home, and a smcli whose directory manager is files. `replies` has what a function answers in place of acting. */
let zhcp: string;
beforeEach(() => {
  zhcp = mkdtempSync(join(tmpdir(), 'zhcp-'));
  for (const folder of ['home', 'tmp', 'replies']) mkdirSync(join(zhcp, folder));
  writeFileSync(join(zhcp, 'entry'), `${RECORDS.map((record) => record.padEnd(72)).join('\n')}\n`);
  writeFileSync(join(zhcp, 'smcli'), SMCLI);
  chmodSync(join(zhcp, 'smcli'), 0o755);
});
afterEach(() => rmSync(zhcp, { recursive: true }));

const SMCLI = `#!/bin/sh
cd "$(dirname "$0")" || exit 9
echo "$1" >> calls
refuse() { printf 'Failed\\n  Return Code: %s\\n  Reason Code: %s\\n' "$1" "$2"; exit 1; }
[ "$2" = -T ] && [ "$3" = 'LNX$#@1' ] || refuse 24 110
[ -f "replies/$1" ] && . "./replies/$1"
case $1 in
  Image_Lock_DM) [ -f lock ] && refuse 400 12; : > lock;;
  Image_Unlock_DM) [ -f lock ] || refuse 400 24; rm lock;;
  Image_Query_DM) cat entry; exit 0;;
  Image_Replace_DM)
    [ -f lock ] || refuse 400 24
    stat -c %a "$5" "$(dirname "$5")" > modes
    cp "$5" entry;;
esac
echo Done
`;

const file = (name: string) => readFileSync(join(zhcp, name), 'utf8');
const records = () => file('entry').split('\n').slice(0, -1);
const reply = (name: string, script: string) => writeFileSync(join(zhcp, 'replies', name), script);
const calls = () =>
  file('calls')
    .trim()
    .split('\n')
    .map((name) => name.replace(/^Image_|_DM$/g, ''));
const isLocked = () => existsSync(join(zhcp, 'lock'));
const left = () => [...readdirSync(join(zhcp, 'home')), ...readdirSync(join(zhcp, 'tmp'))];
const env = () => ({ PATH: process.env.PATH, HOME: join(zhcp, 'home'), TMPDIR: join(zhcp, 'tmp') });

function scriptFor(form = entryForm(`${RECORDS.join('\n')}\n`)): string {
  const command = replaceEntry(GUEST, form, editedEntry(form, new Map([[Vdev.parse('1000'), NIC]])));
  const text = scriptText({ chains: [chainText([command], 0)], closing: [] }, 'nonce', 1, 60);
  expect(text).not.toContain('SECRET');
  return text.replaceAll('/opt/zhcp/bin/smcli', join(zhcp, 'smcli'));
}

/** Run the script as xdsh does; its one command's outcome. */
function run(script = scriptFor()) {
  const { stdout, stderr } = spawnSync('sh', ['-c', script], { env: env(), encoding: 'utf8' });
  expect(stdout + stderr).not.toContain('SECRET');
  const [[outcome] = []] = parseOutcomes(stdout, 'nonce', { chains: [[{ argv: [] }]], closing: [] }, 1).map(
    (each) => each ?? [],
  );
  return outcome;
}

test('a script locks the entry, edits it by line, replaces it and gives the lock back; nobody else can read its file', () => {
  expect(run()).toMatchObject({ ran: true, exitStatus: 0 });
  expect(records()).toEqual(EDITED);
  expect(calls()).toEqual(['Lock', 'Query', 'Replace', 'Unlock']);
  expect(file('modes')).toBe('600\n700\n');
  expect([isLocked(), left()]).toEqual([false, []]);
});

test('an entry whose lock goes with its replacement is as right', () => {
  reply('Image_Replace_DM', 'cp "$5" entry; rm lock; echo Done; exit 0');
  expect(run()).toMatchObject({ ran: true, exitStatus: 0 });
  expect(records()).toEqual(EDITED);
  expect(left()).toEqual([]);
});

describe('the lock is given back', () => {
  const gone = () => [isLocked(), left()];

  test.each([
    ['SMAPI refuses the entry', 'Image_Replace_DM', 'refuse 596 9999', 1],
    ['smcli crashes', 'Image_Replace_DM', 'kill -SEGV $$', 139],
    ['the entry cannot be read', 'Image_Query_DM', 'refuse 500 8', 1],
    ['the query is cut short', 'Image_Query_DM', 'head -n 3 entry; exit 0', REPLACEMENT.changed],
    ['the query is cut within its last record', 'Image_Query_DM', 'head -c 500 entry; exit 0', REPLACEMENT.changed],
  ])('when %s', (_title, name, script, exitStatus) => {
    reply(name, script);
    expect(run()).toMatchObject({ ran: true, exitStatus });
    expect(records().map((record) => record.trimEnd())).toEqual(RECORDS);
    expect(gone()).toEqual([false, []]);
  });

  test('when the lock was taken though its call failed', () => {
    reply('Image_Lock_DM', ': > lock; printf "Failed\\n  Return Code: -103\\n"; exit 153');
    expect(run()).toMatchObject({ ran: true, exitStatus: 153 });
    expect(gone()).toEqual([false, []]);
  });

  test('though SMAPI does not answer the first time', () => {
    reply('Image_Unlock_DM', '[ -f asked ] || { : > asked; refuse 900 99; }');
    expect(run()).toMatchObject({ ran: true, exitStatus: 0 });
    expect(gone()).toEqual([false, []]);
  });

  test('when nobody listens any more', async () => {
    reply('Image_Replace_DM', ': > begun; sleep 1');
    const child = spawn('sh', ['-c', scriptFor()], { env: env(), stdio: ['ignore', 'pipe', 'ignore'] });
    const ended = once(child, 'exit');
    await expect.poll(() => existsSync(join(zhcp, 'begun'))).toBe(true);
    child.stdout.destroy();
    child.kill('SIGHUP');
    await ended;
    await expect.poll(gone).toEqual([false, []]);
    expect(records()).toEqual(EDITED);
  });

  test('by the next script, when the zHCP died in between', async () => {
    reply('Image_Replace_DM', '[ -f begun ] || { : > begun; sleep 60; }');
    const child = spawn('sh', ['-c', scriptFor()], { env: env(), stdio: 'ignore', detached: true });
    const ended = once(child, 'exit');
    await expect.poll(() => existsSync(join(zhcp, 'begun'))).toBe(true);
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    await ended;
    expect(isLocked()).toBe(true);
    expect(run()).toMatchObject({ ran: true, exitStatus: 0 });
    expect(records()).toEqual(EDITED);
    expect(isLocked()).toBe(false);
    expect(readdirSync(join(zhcp, 'home'))).toEqual([]);
  });
});

test('a lock that cannot be given back is said, and taken over by the next script', () => {
  reply('Image_Unlock_DM', 'refuse 500 4');
  expect(run()).toMatchObject({ exitStatus: 0, output: expect.stringContaining(LOCK_KEPT) });
  expect(isLocked()).toBe(true);
  rmSync(join(zhcp, 'replies', 'Image_Unlock_DM'));
  writeFileSync(join(zhcp, 'entry'), `${RECORDS.join('\n')}\n`);
  expect(run()).toMatchObject({ exitStatus: 0 });
  expect([isLocked(), left()]).toEqual([false, []]);
});

test("somebody else's lock stays", () => {
  writeFileSync(join(zhcp, 'lock'), '');
  expect(run()).toMatchObject({ exitStatus: 1, output: expect.stringMatching(/Return Code: 400\s+Reason Code: 12/) });
  expect(calls()).toEqual(['Lock']);
  expect([isLocked(), left()]).toEqual([true, []]);
});

test('a script that still works keeps a second one out', async () => {
  reply('Image_Replace_DM', ': > begun; sleep 1');
  const child = spawn('sh', ['-c', scriptFor()], { env: env(), stdio: 'ignore' });
  const ended = once(child, 'exit');
  await expect.poll(() => existsSync(join(zhcp, 'begun'))).toBe(true);
  expect(run()).toMatchObject({ exitStatus: REPLACEMENT.underWay });
  await ended;
  expect(records()).toEqual(EDITED);
  expect(left()).toEqual([]);
});

test.each([
  ['a NIC has come', (all: string[]) => [...all, 'NICDEF 2000 TYPE QDIO']],
  ['a NIC has changed', (all: string[]) => all.map((record) => record.replace('VLAN 7', 'VLAN 8'))],
  ['a record has gone', (all: string[]) => all.toSpliced(2, 1)],
  [
    'NICs stand elsewhere',
    (all: string[]) => [...all.slice(0, 2), ...all.slice(3, 5), ...all.slice(2, 3), ...all.slice(5)],
  ],
])('an entry is left when %s since it was read', (_title, change) => {
  const changed = change([...RECORDS]);
  writeFileSync(join(zhcp, 'entry'), `${changed.join('\n')}\n`);
  expect(run()).toMatchObject({ exitStatus: REPLACEMENT.changed });
  expect(records()).toEqual(changed);
  expect([isLocked(), left()]).toEqual([false, []]);
});

test('an entry with another password since it was read keeps it', () => {
  const changed = RECORDS.map((record) => record.replace('SECRET12', 'SECRET34'));
  writeFileSync(join(zhcp, 'entry'), `${changed.join('\n')}\n`);
  expect(run()).toMatchObject({ exitStatus: 0 });
  expect(records()).toEqual([...changed.slice(0, 5), NIC, ...changed.slice(5)]);
});

test('an entry with a record that smcli would break is left', () => {
  const long = [...RECORDS.slice(0, -1), `* ${'x'.repeat(69)}`];
  writeFileSync(join(zhcp, 'entry'), `${long.join('\n')}\n`);
  expect(run(scriptFor(entryForm(`${long.join('\n')}\n`)))).toMatchObject({ exitStatus: REPLACEMENT.tooLong });
  expect(records()).toEqual(long);
  expect([isLocked(), left()]).toEqual([false, []]);
});

test('a change that DirMaint carries out later keeps the lock until then, and the note of it', () => {
  reply('Image_Replace_DM', 'refuse 592 7');
  expect(run()).toMatchObject({ exitStatus: 1, output: expect.stringContaining('592') });
  expect(calls()).toEqual(['Lock', 'Query', 'Replace']);
  expect(readdirSync(join(zhcp, 'home'))).toHaveLength(1);
  rmSync(join(zhcp, 'replies', 'Image_Replace_DM'));
  expect(run()).toMatchObject({ exitStatus: 0 });
  expect([isLocked(), left()]).toEqual([false, []]);
});
