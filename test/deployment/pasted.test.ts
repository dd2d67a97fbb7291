import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SimulatorState } from '../../demo/check.ts';
import { findTemporalServer } from '../../temporal-config/dev-server/temporal-binary.ts';
import { BUILD_MS, ensureTemporalPrograms } from '../temporal-server/production-server.ts';
import { bootMachine, type Machine } from './machine.ts';

const ROOT = join(import.meta.dirname, '../..');
const { version }: { version: string } = createRequire(import.meta.url)('../../package.json');
const PAGE = 'docs/deployment.md';
/** Its blocks need a cluster or a container engine: packaging/check.sh checks what they start. */
const NOT_PASTED = 'In containers';
const LONGEST_MS = 600_000;
const run = promisify(execFile);

/** The guest's live NICs. */
const WIRED = { nics: [{ vswitch: 'VSW1', vlans: [100] }] };

/** Examples of the document, and the values of this test in their place. */
const IN_PLACE: readonly [string, string][] = [
  ['https://mn.example.com', 'http://127.0.0.1:8080'],
  ['mnadmin', 'admin'],
  ['xcat-secret', 'admin'],
];

/** Debian's packages and npm's come by this machine's network; the machine itself reaches nothing. */
const OUTSIDE = 'exec nsenter --net=/outside.net --';
/** Go has built these before: the same versions of the same programs, which takes it minutes. */
const BUILT: Readonly<Record<string, string>> = {
  'go.temporal.io/server/cmd/server@v1.29.1': 'server',
  'go.temporal.io/server/cmd/tools/sql@v1.29.1': 'sql',
  'github.com/temporalio/cli/cmd/temporal@v1.5.1': 'temporal',
};
const STAND_INS = {
  'apt-get': `${OUTSIDE} /usr/bin/apt-get "$@"`,
  npm: `${OUTSIDE} env NODE_EXTRA_CA_CERTS=/outside/ca.pem npm_config_cache=/outside.npm npm_config_prefer_offline=true node /outside/npm/bin/npm-cli.js "$@"`,
  node: 'exec /outside/node "$@"',
  go: `[ "$1" = install ] && shift
mkdir -p ~/go/bin
for package; do
  case $package in
${Object.entries(BUILT)
  .map(([name, file]) => `    ${name}) cp /outside/${file} ~/go/bin/ ;;`)
  .join('\n')}
    *) echo "not built before: $package" >&2; exit 1 ;;
  esac
done`,
};

type Block = { heading: string; text: string };

/** The shell blocks of a page, each with the heading of the second level that it stands under. */
async function shellBlocks(page: string): Promise<Block[]> {
  const text = await readFile(join(ROOT, page), 'utf8');
  return text.split(/^## /m).flatMap((part) => {
    const heading = part.slice(0, part.indexOf('\n'));
    return [...part.matchAll(/^( *)```sh\n([\s\S]*?)^ *```$/gm)].map(([, , block = '']) => ({ heading, text: block }));
  });
}

let machine: Machine | undefined;
let missing = '';
let packed: string;
beforeAll(async () => {
  packed = await mkdtemp(join(tmpdir(), 'packed-'));
  try {
    const programs = await ensureTemporalPrograms((line) => process.stderr.write(`deployment: ${line}\n`));
    const { TEMPORAL_ADDRESS: _address, TEMPORAL_PROFILE: _profile, TEMPORAL_CONFIG_FILE: _file, ...env } = process.env;
    const temporal = await findTemporalServer({ say: () => {}, env });
    if (temporal.kind !== 'binary') throw new Error('there is no `temporal` of this machine');
    await run('npm', ['pack', '--pack-destination', packed], { cwd: ROOT });
    const authorities = '/etc/ssl/certs/ca-certificates.crt';
    const outside = {
      server: join(programs, 'server'),
      sql: join(programs, 'sql'),
      temporal: temporal.path,
      node: process.execPath,
      npm: dirname(dirname(await realpath((await run('which', ['npm'])).stdout.trim()))),
      [`networking-zvm-${version}.tgz`]: join(packed, `networking-zvm-${version}.tgz`),
      ...(existsSync(authorities) ? { 'ca.pem': authorities } : {}),
    };
    machine = await bootMachine(outside, STAND_INS);
    await machine.paste(`cp /outside/networking-zvm-${version}.tgz .`);
  } catch (error) {
    missing = error instanceof Error ? error.message : String(error);
    process.stderr.write(`NOT TESTED: ${PAGE} on an empty Debian: ${missing}\n`);
  }
}, BUILD_MS + LONGEST_MS);
afterAll(async () => {
  await machine?.stop();
  await rm(packed, { recursive: true, force: true });
});

test('each shell block of the deployment document, pasted in order, leads from an empty Debian to a wired port', {
  timeout: LONGEST_MS,
}, async ({ skip }) => {
  const { paste } = machine ?? skip(missing);
  const blocks = await shellBlocks(PAGE);
  const pasted = blocks.filter(({ heading }) => heading !== NOT_PASTED);
  expect(pasted.length).toBeGreaterThan(8);
  const said: string[] = [];
  for (const { text } of pasted) {
    // The management node is there before its address is written down.
    if (text.includes('zvm_xcat_server'))
      await paste('systemd-run --quiet --unit=simulator networking-zvm simulator --port 8080');
    const block = IN_PLACE.reduce((before, [example, own]) => before.replaceAll(example, own), text);
    said.push(await paste(block));
  }
  expect(said.at(-1)).toContain('LNX10001');
  const state = SimulatorState.parse(JSON.parse(await paste('curl --silent http://127.0.0.1:8080/simulator/state')));
  expect(state.systems.zhcp1?.guests.LNX10001).toMatchObject(WIRED);
  expect(await paste("runuser -u postgres -- psql -At -c 'SHOW server_encoding' temporal")).toContain('UTF8');
  expect(await paste('systemctl --failed --no-legend --plain')).toBe('');
  const units = 'networking-zvm-temporal networking-zvm-worker@0.1.0 networking-zvm-gateway';
  expect(
    await paste(
      `for unit in ${units}; do stat --format %U "/proc/$(systemctl show --property MainPID --value $unit)"; done`,
    ),
  ).toMatch(/^(networking-zvm\s+){3}$/);

  const [dumped, restored] = (await shellBlocks('docs/operations.md')).filter(
    ({ heading }) => heading === 'Back up and restore',
  );
  await paste(`cd; ${dumped?.text ?? 'false'}`);
  await paste(`systemctl stop ${units}`);
  await paste(restored?.text ?? 'false');
  await paste(`systemctl start ${units}`);
  expect(await paste("timeout 120 sh -c 'until zvmnet port list --host zvm1; do sleep 1; done'")).toContain('LNX10001');
});
