import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';

const ROOT = join(import.meta.dirname, '../..');
const { version }: { version: string } = createRequire(import.meta.url)('../../package.json');
const run = promisify(execFile);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'networking-zvm-'));
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: ROOT });
  const [{ filename }] = Packed.parse(JSON.parse(stdout.slice(stdout.indexOf('\n[') + 1)));
  await writeFile(join(folder, 'package.json'), '{}');
  await run('npm', ['install', '--prefer-offline', '--no-audit', `./${filename}`], { cwd: folder });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const Packed = z.tuple([z.object({ filename: z.string() })]);

/** A program of the installed package, by the Node of these tests and from an empty folder. */
function program(name: string, ...args: string[]) {
  const PATH = `${dirname(process.execPath)}:${process.env.PATH}`;
  const { TEMPORAL_ADDRESS: _address, ...env } = process.env;
  return run(join(folder, 'node_modules/.bin', name), args, { cwd: tmpdir(), env: { ...env, PATH } });
}

test('an installed package wires ports', async () => {
  const { stdout } = await program('networking-zvm', 'demo', '--json', '--ports', '4');
  expect(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).toMatchObject({ ports: 4, wired: 4, mismatches: [] });
});

test('an installed package holds the workflows as one bundle, and Swagger UI without its package', async () => {
  const ofPackage = (path: string) => join(folder, 'node_modules/networking-zvm/dist', path);
  expect(await readFile(ofPackage('workflow-bundle.js'), 'utf8')).toContain('convergeGuest');
  expect(await readFile(ofPackage('gateway/picture/page/swagger-ui-bundle.js'), 'utf8')).toContain('SwaggerUIBundle');
  await expect(readFile(join(folder, 'node_modules/swagger-ui-dist/package.json'))).rejects.toThrow(/ENOENT/);
});

test('an installed package has a bill of its materials, without what only its development needs', async () => {
  const file = join(folder, 'node_modules/networking-zvm/dist/sbom.cdx.json');
  const { components }: { components: { name: string; licenses?: object[] }[] } = JSON.parse(
    await readFile(file, 'utf8'),
  );
  const names = components.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(['@temporalio/worker', 'undici', 'zod', 'pino']));
  expect(names).not.toContain('vitest');
});

test('the commands of an installed package say how they are used', async () => {
  await expect(program('networking-zvm', 'nonsense')).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^usage:/),
  });
  expect((await program('zvmnet', '--help')).stdout).toContain('Usage: zvmnet');
  expect((await program('networking-zvm', 'worker', '--help')).stdout).toContain('Usage: networking-zvm worker ');
  const versions = [['zvmnet'], ['networking-zvm'], ['networking-zvm', 'gateway']];
  const said = await Promise.all(versions.map(([name = '', ...rest]) => program(name, ...rest, '--version')));
  expect(new Set(said.map(({ stdout }) => stdout))).toEqual(new Set([`${version}\n`]));
});
