import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { symlinkSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TimeoutFailure, WorkflowFailedError } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { failureIn } from '../../cli/action.ts';
import { createProgram } from '../../cli/program.ts';
import { ROOT, zvmnet, zvmnetJson } from './command.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zvmnet-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('every command has a description, and those that take arguments an example or a short form', () => {
  const all = (command: ReturnType<typeof createProgram>): ReturnType<typeof createProgram>[] => [
    command,
    ...command.commands.flatMap((each) => all(each as ReturnType<typeof createProgram>)),
  ];
  for (const command of all(createProgram())) expect(command.description(), command.name()).not.toBe('');
});

test('an error is explained without a server', async () => {
  const explained = await zvmnet(['explain', 'smapi-212-8', '--address', '127.0.0.1:9']);
  expect(explained).toMatchObject({
    code: 0,
    out: expect.stringContaining('Check. `CP QUERY VSWITCH name ACCESSLIST`'),
  });
  expect(await zvmnet(['explain', 'nonsense'])).toMatchObject({ code: 4 });
});

test.each([
  [['nonsense'], 'unknown command'],
  [['port', 'create', '--guest', 'LNX10001'], '--vswitch'],
  [['port', 'create', '--guest', 'TOOLONGNAME', '--vswitch', 'VSW1', '--vlan', '1'], '--guest'],
  [['port', 'create', '--guest', 'LNX10001', '--vswitch', 'VSW1', '--vlan', '4095'], '--vlan: must be 1 to 4094'],
  [['port', 'create', '--guest', 'LNX10001', '--vswitch', 'VSW1'], 'either --vlan, or --flat'],
  [['port', 'show', 'xyz', '--host', '/'], '--host'],
  [['ops', 'list', '--state', 'odd'], 'running'],
  [['ops', 'list', '--limit', 'x'], '--limit: must be a whole number from 1 to 1000'],
  [['port', 'list', '--vlan', '5000'], '--vlan: must be a whole number from 1 to 4094'],
  [['reconcile', '--dry-run', 'pause'], '--dry-run: is not an option of pause'],
  [['reconcile', 'resume', '--all-hosts'], '--all-hosts: is not an option of'],
  [['config', 'check'], '--config-file'],
  [['host', 'probe', '--guest', 'SCRATCH1'], 'give --yes'],
  [['host', 'probe', '--guest', 'SCRATCH1', '--question', 'why', '--yes'], '--question: must be one of nicdefUpdate'],
])('%j is a mistake in the command line: 2, and what is wrong', async (args, word) => {
  const { code, err } = await zvmnet(args);
  expect(code).toBe(2);
  expect(err).toContain(word);
});

test('a Temporal server that does not answer is 5', async () => {
  const { code, err } = await zvmnet(['hosts'], { TEMPORAL_ADDRESS: '127.0.0.1:1' });
  expect(code).toBe(5);
  expect(err).toContain('127.0.0.1:1');
  const json = await zvmnetJson(['hosts'], { TEMPORAL_ADDRESS: '127.0.0.1:1' });
  expect(json).toMatchObject({ error: { exitCode: 5, message: expect.stringContaining('127.0.0.1:1') } });
});

test('a namespace that Temporal does not have is 5, and is named', async () => {
  for (const args of [['hosts'], ['port', 'list', '--host', 'zvm1']]) {
    const { code, err } = await zvmnet([...args, '--namespace', 'elsewhere']);
    expect(code).toBe(5);
    expect(err).toContain('has no namespace elsewhere');
  }
});

test('help ends with 0, shows examples, and starts from any folder through a link', async () => {
  const link = join(folder, 'zvmnet');
  symlinkSync(join(ROOT, 'cli/zvmnet'), link);
  const { status, stdout } = spawnSync(link, ['port', 'create', '--help'], { cwd: folder, encoding: 'utf8' });
  expect(status).toBe(0);
  expect(stdout).toContain('Examples:');
});

test('progress whose reader is gone changes nothing', async () => {
  const right = ['import', join(ROOT, 'docs/examples/ports.csv'), '--check'];
  for (const [args, code] of [
    [right, 0],
    [['port', 'show', 'xyz', '--host', '/'], 2],
  ] as const) {
    const child = spawn(join(ROOT, 'cli/zvmnet'), args, { stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr.destroy();
    expect(await once(child, 'close')).toEqual([code, null]);
  }
});

test.each(['import docs/examples/ports.csv --check', '--help', 'completion bash'])(
  'zvmnet %s: a result that cannot be written is 1, told in one line',
  (words) => {
    const { status, stderr } = spawnSync('sh', ['-c', `cli/zvmnet ${words} > /dev/full`], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    expect(stderr.split('\n').filter((line) => line.startsWith('zvmnet:'))).toEqual([
      expect.stringContaining('cannot write the result: ENOSPC'),
    ]);
    expect(stderr).not.toContain(' at ');
    expect(status).toBe(1);
  },
);

test('a reader of the result that has seen enough is no failure', () => {
  const script = 'set -o pipefail; cli/zvmnet completion bash | :';
  const { status, stderr } = spawnSync('bash', ['-c', script], { cwd: ROOT, encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(status).toBe(0);
});

const fixture = (name: string) => ['--config-file', join(ROOT, 'test/configuration/fixtures', name)];

test('config check reads the ini files and says what is wrong by file, section and key', async () => {
  const good = await zvmnet(['config', 'check', ...fixture('neutron.conf'), ...fixture('neutron_zvm_plugin.ini')]);
  expect(good).toMatchObject({ code: 0, out: expect.stringContaining('the configuration is complete') });
  const file = join(folder, 'bad.ini');
  await writeFile(
    file,
    '[AGENT]\nzvm_xcat_server = mn\nzvm_xcat_username = u\nzvm_xcat_password = Hush\npolling_interval = x\n',
  );
  const bad = await zvmnet(['config', 'check', '--config-file', file]);
  expect(bad.code).toBe(2);
  expect(bad.out).toMatch(/bad\.ini:5: \[AGENT\] polling_interval: "x"/i);
  expect(bad.out + bad.err).not.toContain('Hush');
  const { ok, problems } = await zvmnetJson(['config', 'check', '--config-file', file]);
  expect(ok).toBe(false);
  expect(problems).toMatchObject([{ line: 5, key: 'polling_interval' }]);
});

test('a bash completes commands, options and their values', () => {
  const script = [
    `export PATH=${ROOT}/cli:$PATH`,
    'source <(zvmnet completion bash)',
    'complete -p zvmnet',
    'zvmnet complete -- ops list --state ""',
    'zvmnet complete -- por',
    'zvmnet complete -- port create --v',
  ].join('\n');
  const { stdout, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
  expect(stdout, stderr).toMatch(/complete .*zvmnet/);
  for (const word of ['cancelled', 'port\t', '--vswitch', '--vlan']) expect(stdout).toContain(word);
});

/** The screen of a person who types these lines, Tab and all, into a bash whose start file says this. */
async function typed(startFile: string, lines: string): Promise<string> {
  const file = join(folder, 'bashrc');
  await writeFile(file, startFile);
  const shell = ['script', ['-qec', `bash --noprofile --rcfile ${file} -i`, '/dev/null']] as const;
  const env = { ...process.env, PATH: `${ROOT}/cli:${process.env.PATH}`, TERM: 'dumb', NO_COLOR: '1' };
  return spawnSync(...shell, { input: `${lines}\nexit\n`, env, encoding: 'utf8' }).stdout;
}

test('Tab completes in a bash that has not the package bash-completion, also when the script is read twice', async () => {
  const source = 'source <(zvmnet completion bash)\n';
  const lines = ['zvmnet port del\t --help', 'zvmnet --host zvm1 ops list --state canc\t --help'];
  const seen = await typed(source.repeat(2), lines.join('\n'));
  expect(seen).toContain('Usage: zvmnet port delete');
  expect(seen).toContain('--state cancelled');
  expect(seen).not.toMatch(/not found|readonly/);
});

test('the package bash-completion is left as it is where it is there', async () => {
  const theirs = '_get_comp_words_by_ref() { cur=theirs; }\n';
  const seen = await typed(`${theirs}source <(zvmnet completion bash)\n`, 'declare -f _get_comp_words_by_ref');
  expect(seen).toContain('cur=theirs');
});

test('a reading that a worker that has just ended does not answer is unavailable, and says where to look', () => {
  const timedOut = new TimeoutFailure('Workflow execution timed out', undefined, 'START_TO_CLOSE');
  const error = new WorkflowFailedError('Workflow execution timed out', timedOut, 'NON_RETRYABLE_FAILURE');
  expect(failureIn(error, undefined)).toEqual({ exitCode: 5, message: expect.stringContaining('zvmnet hosts') });
});
