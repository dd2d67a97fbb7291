import { execFile } from 'node:child_process';
import { readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const run = promisify(execFile);

/** Node itself, and two that compile or check themselves and work without it. */
const TRUSTED = ['@swc/core', 'node', 'protobufjs'];

/** Licences under which a package may be handed on with this one. */
const PERMISSIVE = [
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'CC-BY-4.0',
  'ISC',
  'MIT',
  'Unlicense',
];
/** Packages whose lock entry names none: an empty one of this project, and one under the Unlicense. */
const NAMED_ELSEWHERE = ['@scarf/scarf', 'unionfs'];

test('every package of an installation has a licence that lets it be handed on', async () => {
  const text = await readFile(join(ROOT, 'package-lock.json'), 'utf8');
  const {
    packages,
  }: { packages: Record<string, { dev?: boolean; devOptional?: boolean; link?: boolean; license?: string }> } =
    JSON.parse(text);
  const others = Object.entries(packages).filter(([path, { dev, devOptional, link, license = '' }]) => {
    if (!path.includes('node_modules/') || dev || devOptional || link) return false;
    return !license.split(' AND ').every((each) => PERMISSIVE.includes(each));
  });
  expect(
    others.map(([path]) => path.replace(/^.*node_modules\//, '')).filter((name) => !NAMED_ELSEWHERE.includes(name)),
  ).toEqual([]);
});

test('npm ci warns of no engine on the oldest Node that the README names, and names what an older one has to be', async () => {
  const [, least] = /^Node (\d+\.\d+) or newer/m.exec(await readFile(join(ROOT, 'README.md'), 'utf8')) ?? [];
  const npm = await realpath((await run('which', ['npm'])).stdout.trim());
  const installing = async (version: string) => {
    const asVersion = `data:text/javascript,Object.defineProperty(process,'version',{value:'v${version}'})`;
    const { stderr } = await run(process.execPath, ['--import', asVersion, npm, 'ci', '--dry-run'], { cwd: ROOT });
    return stderr;
  };
  expect(await installing(`${least}.0`)).not.toContain('EBADENGINE');
  expect(await installing('20.20.2')).toContain(`required: { node: '>=${least}' }`);
});

test('npm ci runs the install scripts of no other packages', async () => {
  const text = await readFile(join(ROOT, 'package-lock.json'), 'utf8');
  const { packages }: { packages: Record<string, { hasInstallScript?: boolean }> } = JSON.parse(text);
  const withScript = Object.entries(packages).flatMap(([path, { hasInstallScript }]) =>
    hasInstallScript === true ? [path.replace(/^.*node_modules\//, '')] : [],
  );
  expect([...new Set(withScript)].sort()).toEqual(TRUSTED);
});
