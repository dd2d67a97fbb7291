import { execFile } from 'node:child_process';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const ROOT = join(import.meta.dirname, '..');
const DIST = join(ROOT, 'dist');
const PAGE = 'gateway/picture/page';
const MOST_BYTES = 16 * 1024 * 1024;
const SWAGGER = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));

/** `npm run build`: all programs as JavaScript in `dist/`, with the files that they serve and the workflow bundles. */
async function build(): Promise<void> {
  await rm(DIST, { recursive: true, force: true });
  const tsc = join(ROOT, 'node_modules/.bin/tsc');
  await promisify(execFile)(process.execPath, [tsc, '--project', join(ROOT, 'tsconfig.build.json')]);
  await copyPage();
  await copyAll('docs/errors', (name) => name.endsWith('.md'));
  await copyAll('cli/commands', (name) => name.endsWith('.bash'));
  await copyAll('demo/feilong', (name) => !name.endsWith('.ts'));
  const bundles = await import(join(DIST, 'runtime/host/workflow-bundle.js'));
  for (const [histories, file] of Object.entries<URL>(bundles.BUILT_BUNDLES)) {
    const { code }: { code: string } = await bundles.bundleWorkflows(histories);
    await writeFile(file, code);
  }
  await writeFile(join(DIST, 'sbom.cdx.json'), await billOfMaterials());
}

/** The packages that an installation gets, by name, version, licence and checksum (CycloneDX). */
async function billOfMaterials(): Promise<string> {
  const args = ['sbom', '--sbom-format', 'cyclonedx', '--omit', 'dev', '--package-lock-only'];
  const { stdout } = await promisify(execFile)('npm', args, { cwd: ROOT, maxBuffer: MOST_BYTES });
  return stdout;
}

/** The browser loads the compiled modules, and Swagger UI from beside them: its package is not needed any more. */
async function copyPage(): Promise<void> {
  await copyAll(PAGE, (name) => /\.(html|css|js)$/.test(name));
  const index = join(DIST, PAGE, 'index.html');
  await writeFile(index, (await readFile(index, 'utf8')).replace('picture.ts', 'picture.js'));
  for (const name of ['swagger-ui.css', 'swagger-ui-bundle.js', 'LICENSE'])
    await cp(join(SWAGGER, name), join(DIST, PAGE, name === 'LICENSE' ? 'swagger-ui.LICENSE' : name));
}

async function copyAll(folder: string, isWanted: (name: string) => boolean): Promise<void> {
  await mkdir(join(DIST, folder), { recursive: true });
  for (const name of await readdir(join(ROOT, folder)))
    if (isWanted(name)) await cp(join(ROOT, folder, name), join(DIST, folder, name), { recursive: true });
}

await build();
