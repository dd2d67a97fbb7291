import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FLAT, portId } from '../workflows/environment.ts';
import { ROOT, start, zvmnet } from './command.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zvmnet-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** The output of `zvmnet import --check` for a file of these lines. */
async function check(name: string, ...lines: string[]) {
  const file = join(folder, name);
  await writeFile(file, lines.join('\n'));
  return zvmnet(['import', file, '--check', '--host', 'zvm1']);
}

/** The mistakes that are told, one a line. */
const mistakesIn = (err: string) => err.split('\n').filter((line) => /^(line|entry) \d/.test(line));

test('a CSV header that names a column twice is refused: no guest is wired by the one that was not meant', async () => {
  const { code, err } = await check(
    'twice.csv',
    'userid,portId,vswitch,segmentationId,vswitch',
    `LNX10001,${portId(1)},VSW1,100,VSW2`,
    `LNX10002,${portId(2)},VSW1,100,VSW2`,
  );
  expect(code).toBe(2);
  expect(mistakesIn(err)).toEqual(['line 1: vswitch: this column occurs twice']);
});

test('columns that are unknown, have no name or are missing are told once, beside what is wrong in the lines', async () => {
  const { code, err } = await check(
    'columns.csv',
    'userid,vswitch,vlan,',
    'LNX10001,VSW1,100,',
    'TOOLONGNAME,VSW1,100,',
  );
  expect(code).toBe(2);
  expect(mistakesIn(err)).toEqual([
    expect.stringMatching(/^line 1: vlan: is not a column: use host, .*segmentationId/),
    'line 1: a column has no name',
    'line 1: portId: this column is missing',
    expect.stringMatching(/^line 3: userid: must be a z\/VM userid/),
  ]);
});

test('a table whose columns are not separated by commas is told to be so', async () => {
  const { code, err } = await check('semicolons.csv', 'userid;portId;vswitch', `LNX10001;${portId(1)};VSW1`);
  expect(code).toBe(2);
  expect(mistakesIn(err)).toEqual(['line 1: has only one column: separate columns by commas']);
});

test('entries that name no host: the way out is told', async () => {
  const file = join(folder, 'nowhere.csv');
  await writeFile(file, `userid,portId,vswitch\nLNX10001,${portId(1)},VSW1\n`);
  const { code, err } = await zvmnet(['import', file, '--check'], { ZVMNET_HOST: '' });
  expect(code).toBe(2);
  expect(err).toContain('line 1: host: this column is missing\nEntries without a host belong to --host.');
});

test('neither a line that is too short nor a wrong userid hides another mistake of a CSV file', async () => {
  const { code, err } = await check(
    'short.csv',
    'userid,portId,vswitch,segmentationId,adminStateUp',
    `LNX10001,${portId(1)},VSW1`,
    `TOOLONGNAME,${portId(2)},VSW1,5000,sideways`,
    `LNX10003,${portId(2)},TOOLONGNAME,100,TRUE`,
    '',
    `LNX10004,${portId(1).toUpperCase()},VSW1,100,down,more`,
    `,${portId(3)},VSW1,100,`,
  );
  expect(code).toBe(2);
  expect(mistakesIn(err)).toEqual([
    'line 2: has 3 fields, the header has 5',
    expect.stringMatching(/^line 3: userid: /),
    expect.stringMatching(/^line 3: adminStateUp: /),
    'line 3: segmentationId: must be 1 to 4094',
    expect.stringMatching(/^line 4: vswitch: /),
    'line 6: has 6 fields, the header has 5',
    'line 7: userid: is missing',
    `line 4: portId: ${portId(2)} is a duplicate of the port in line 3`,
    `line 6: portId: ${portId(1)} is a duplicate of the port in line 2`,
  ]);
});

test('a wrong entry of a JSON file does not hide a port that stands in it twice', async () => {
  const entry = { portId: portId(1), userid: 'LNX10001', vswitch: 'VSW1', network: FLAT };
  const { userid: _userid, ...withoutUserid } = entry;
  const { code, err } = await check('twice.json', JSON.stringify([withoutUserid, entry]));
  expect(code).toBe(2);
  expect(mistakesIn(err)).toEqual([
    'entry 1: userid: is missing',
    `entry 2: portId: ${portId(1)} is a duplicate of the port in entry 1`,
  ]);
});

test('lines of a table that hold nothing but commas are no ports', async () => {
  const { code, err } = await check(
    'spreadsheet.csv',
    'userid,portId,vswitch,adminStateUp',
    `LNX10001,${portId(1)},VSW1,FALSE`,
    ',,,',
    ',,,',
  );
  expect(err).toContain('1 ports of 1 guests');
  expect(code).toBe(0);
});

test.each([
  ['marked.json', [JSON.stringify([{ portId: portId(1), userid: 'LNX10001', vswitch: 'VSW1', network: FLAT }])]],
  ['marked.csv', ['userid,portId,vswitch', `LNX10001,${portId(1)},VSW1`]],
])('%s is read also when it begins with the byte order mark of Windows', async (name, [first = '', ...lines]) => {
  const { code, err } = await check(name, `\uFEFF${first}`, ...lines);
  expect(err).toContain('1 ports of 1 guests');
  expect(code).toBe(0);
});

test('of many mistakes the first hundred are told, with how many more there are', async () => {
  const lines = Array.from({ length: 50_000 }, (_, index) => `TOOLONGNAME,${portId(index % 40_000)},VSW1`);
  const { code, err } = await check('many.csv', 'userid,portId,vswitch', ...lines);
  expect(code).toBe(2);
  expect(mistakesIn(err)).toHaveLength(100);
  expect(err).toContain('… and 59900 more errors');
});

test('a key that stands twice in an object of a JSON file is refused by line: no guest is wired by the one that was not meant', async () => {
  const { code, err } = await check(
    'keys.json',
    '[',
    ` {"portId": "${portId(1)}", "userid": "LNX10001", "vswitch": "VSW1", "network": {"type": "flat"},`,
    '  "v\\u0073witch": "VSW2"},',
    ` {"portId": "${portId(2)}", "userid": "LNX10001", "vswitch": "VSW1", "hostname": "a:\\"b\\"", "network": {"type": "flat", "type": "flat"}}`,
    ']',
  );
  expect(code).toBe(2);
  expect(mistakesIn(err).slice(0, 2)).toEqual([
    'line 3: vswitch: occurs twice in one object',
    'line 4: type: occurs twice in one object',
  ]);
});

test('Ctrl-C ends the waiting for a pipe without a writer', async () => {
  const pipe = join(folder, 'pipe');
  spawnSync('mkfifo', [pipe]);
  const running = start(['import', pipe, '--check', '--host', 'zvm1']);
  // The command has come as far as the pipe when its process has that open.
  await expect.poll(() => running.hasOpen(pipe)).toBe(true);
  running.interrupt();
  expect(await running.ended).toMatchObject({ code: 130, err: expect.stringContaining('No operation was started') });
});

test('a pipe is read to its end', async () => {
  const pipe = join(folder, 'filled');
  spawnSync('mkfifo', [pipe]);
  const running = start(['import', pipe, '--check', '--host', 'zvm1']);
  await writeFile(pipe, `userid,portId,vswitch\nLNX10001,${portId(1)},VSW1\n`);
  expect(await running.ended).toMatchObject({ code: 0, err: expect.stringContaining('1 ports of 1 guests') });
});

test('- is standard input', async () => {
  const text = `userid,portId,vswitch\nLNX10001,${portId(1)},VSW1\n`;
  const { status, stdout } = spawnSync(join(ROOT, 'cli/zvmnet'), ['import', '-', '--check', '--host', 'zvm1'], {
    input: text,
    encoding: 'utf8',
  });
  expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringContaining('standard input has no errors') });
});

test('200,000 good lines are read in bounded memory', async () => {
  const file = join(folder, 'large.csv');
  const lines = Array.from(
    { length: 200_000 },
    (_, index) => `LNX1${String(index % 9_999).padStart(4, '0')},${portId(index)},VSW1`,
  );
  await writeFile(file, ['userid,portId,vswitch', ...lines].join('\n'));
  const { code, err } = await zvmnet(['import', file, '--check', '--host', 'zvm1'], {
    NODE_OPTIONS: '--max-old-space-size=250',
  });
  expect(code, err).toBe(0);
  expect(err).toContain('200000 ports of 9999 guests');
});
