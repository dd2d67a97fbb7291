import { execFile, spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';

const ROOT = join(import.meta.dirname, '../..');
const PREREQUISITES = join(ROOT, 'command-line/prerequisites.cjs');
const { version, scripts } = z
  .object({ version: z.string(), scripts: z.record(z.string(), z.string()) })
  .parse(JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')));
const PROGRAMS = Object.entries(scripts).filter(([, command]) => /prerequisites\.cjs \S+\.ts$/.test(command));
/** The entry points that are no command of a user. */
const NO_COMMANDS = ['workers/gateway-lambda.ts'];

type Ended = { code: number; stdout: string; stderr: string };

/** Run a script's command as npm does, with the project's programs first on the path. */
function run(command: string, option: string): Promise<Ended> {
  const env = { ...process.env, NO_COLOR: '1', PATH: `${join(ROOT, 'node_modules/.bin')}:${process.env.PATH}` };
  return new Promise((resolve) => {
    execFile('sh', ['-c', `${command} ${option}`], { cwd: ROOT, env }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    );
  });
}

test.each(PROGRAMS)('npm run %s explains itself', async (name, command) => {
  const [help, named, unknown] = await Promise.all(
    ['--help', '--version', '--no-such-option'].map((o) => run(command, o)),
  );
  expect(help).toMatchObject({ code: 0, stderr: '' });
  expect(help?.stdout).toMatch(new RegExp(`^Usage: npm (run )?${name} -- `));
  for (const section of ['Options', 'Exit codes', 'Example']) expect(help?.stdout).toContain(`\n${section}:\n  `);
  expect(named).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  expect(unknown).toMatchObject({ code: 2, stdout: '' });
  expect(unknown?.stderr).toMatch(/^Unknown option '--no-such-option' \(see .* -- --help\)\n$/);
});

test('each program of the project is a script of package.json', () => {
  const mains = ['demo/main.ts', 'simulator/main.ts', 'bench/main.ts', 'chaos/main.ts'];
  const workers = readdirSync(join(ROOT, 'workers')).map((name) => `workers/${name}`);
  const started = PROGRAMS.map(([, command]) => command.split(' ').at(-1));
  expect(started).toEqual(expect.arrayContaining([...workers, ...mains].filter((file) => !NO_COMMANDS.includes(file))));
});

test.each([
  [
    'a missing argument',
    'bench',
    '',
    'storm|reconcile|latency|curve|history must be storm or reconcile or latency or curve or history',
  ],
  ['a second argument', 'bench', 'storm reconcile', 'unexpected argument reconcile'],
  ['an argument of a program that takes none', 'worker', 'zvm.ini', 'unexpected argument zvm.ini'],
  ['an option without its value', 'gateway', '--port', "Option '--port <value>' argument missing"],
  ['a value that is no number', 'simulator', '--hosts two', '--hosts two: must be a whole number from 0'],
  ['a number out of its range', 'gateway', '--port 65536', '--port 65536: must be a whole number from 0 to 65535'],
])('%s is one sentence and exit code 2', async (_case, name, args, sentence) => {
  const { code, stdout, stderr } = await run(scripts[name] ?? '', args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toBe(`${sentence} (see npm run ${name} -- --help)\n`);
});

test('a program without its packages names npm ci', () => {
  const folder = mkdtempSync(join(tmpdir(), 'prerequisites-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const copy = join(folder, 'prerequisites.cjs');
  copyFileSync(PREREQUISITES, copy);
  const { status, stderr } = spawnSync(process.execPath, ['-r', copy, '-e', ''], { encoding: 'utf8' });
  expect(status).toBe(1);
  expect(stderr).toBe(
    'networking-zvm cannot start: the packages are missing: run npm ci, which also brings the right Node\n',
  );
});

test.each([
  ['18.20.8', 1, /^networking-zvm cannot start: Node 18\.20\.8 is too old, 22\.18 is the least: .*\n$/],
  ['22.17.1', 1, /^networking-zvm cannot start: Node 22\.17\.1 is too old/],
  ['22.18.0', 0, /^$/],
  ['24.0.0', 0, /^$/],
])('Node %s is judged before it reads TypeScript', (node, code, said) => {
  const pretends = `Object.defineProperty(process, 'versions', { value: { node: '${node}' } }); require('${PREREQUISITES}')`;
  const { status, stderr } = spawnSync(process.execPath, ['-e', pretends], { encoding: 'utf8' });
  expect(stderr).toMatch(said);
  expect(status).toBe(code);
});
