import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ConfigurationError } from '../../configuration/error.ts';
import { type Configuration, loadConfiguration } from '../../configuration/load.ts';

const ACCESS = '[AGENT]\nzvm_xcat_server = mn\nzvm_xcat_username = admin\nzvm_xcat_password = Hush-1\n';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hostile-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function load(text: string): Promise<Configuration> {
  const file = join(folder, 'zvm.ini');
  await writeFile(file, text);
  return loadConfiguration({ configFiles: [file], configDirs: [], env: {} });
}

async function failureOf(text: string): Promise<ConfigurationError> {
  const error: unknown = await load(text).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof ConfigurationError) return error;
  throw error ?? new Error('no ConfigurationError was thrown');
}

test.each([
  ['hold text', 'x'],
  ['hold nothing', ''],
])('references in references, ten of each in ten, are refused soon, though the last %s', async (_case, last) => {
  const levels = Array.from({ length: 8 }, (_, level) => `k${level} = ${`$k${level + 1}`.repeat(10)}\n`).join('');
  const { problems } = await failureOf(`${ACCESS}zvm_host = $k0\n${levels}k8 = ${last}\n`);
  expect(problems).toMatchObject([
    { key: 'zvm_host', problem: 'has too many references by $, or too long a value after them' },
  ]);
});

test('references to a large value, many times, are refused', async () => {
  const { problems } = await failureOf(`${ACCESS}zvm_host = ${'$large'.repeat(900)}\nlarge = ${'y'.repeat(100_000)}\n`);
  expect(problems).toMatchObject([
    { key: 'zvm_host', problem: 'has too many references by $, or too long a value after them' },
  ]);
});

test('a value of many references, but not too many, is read', async () => {
  const { hosts } = await load(`${ACCESS}zvm_host = ${'$a'.repeat(30)}\na = $b\nb = z\n`);
  expect(hosts[0]?.host).toBe('z'.repeat(30));
});

test('half a million bad lines are told as such: the first hundred, and how many more', async () => {
  const { message, problems } = await failureOf(`${ACCESS}${'nonsense without a sign\n'.repeat(500_000)}`);
  expect(problems.length).toBe(500_000);
  expect(message.split('\n')).toHaveLength(102);
  expect(message).toContain('499900 more');
  expect(message).toContain('zvm.ini:5: [AGENT]: the line has neither = nor :');
});

test.each([
  ['a NUL in a user name', 'zvm_xcat_username = ad\0min', 5],
  ['an escape in a continued value', 'zvm_host = a\n \x1bb', 6],
  ['a NUL in the name of a section', '[AGENT\0]', 5],
])('%s is refused by line', async (_case, line, number) => {
  const { problems } = await failureOf(`${ACCESS}${line}\n`);
  expect(problems).toEqual([expect.objectContaining({ line: number, problem: 'the line holds a control character' })]);
});

/** The CPU seconds for reading a file with so many hosts. */
async function secondsFor(count: number): Promise<number> {
  const sections = Array.from(
    { length: count },
    (_, index) =>
      `[zvm_host:zvm${index}]\nxcat_zhcp_nodename = zhcp${index}\n[zvm_host:zvm${index}:net1]\nrdev_list = a3\n`,
  );
  const text = `${ACCESS}[ml2_type_vlan]\nnetwork_vlan_ranges = net1\n${sections.join('')}`;
  const before = process.cpuUsage();
  expect((await load(text)).hosts).toHaveLength(count);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000_000;
}

test('ten times as many hosts take about ten times as long to be read, not a hundred times', async () => {
  await secondsFor(300);
  const few = await secondsFor(300);
  expect(await secondsFor(3_000)).toBeLessThan(Math.max(few, 0.05) * 40);
});
