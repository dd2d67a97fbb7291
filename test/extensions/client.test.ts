import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { typesOf } from '../../extensions/client/types.ts';
import { newToken, TokenFile } from '../../gateway/http/tokens.ts';
import { type Served, serve } from '../gateway/environment.ts';

const ROOT = join(import.meta.dirname, '../..');
const run = promisify(execFile);
const portal = newToken('portal', ['*'], ['read', 'change']);

let served: Served;
let folder: string;
/** Install the packed client as a user does, beside the gateway's start. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'client-'));
  const [started] = await Promise.all([
    serve({ tokens: TokenFile.parse({ tokens: [portal.entry] }).tokens }),
    installed(),
  ]);
  served = started;
});
afterAll(async () => {
  await served?.close();
  await rm(folder, { recursive: true, force: true });
});

async function installed(): Promise<void> {
  await run('npm', ['pack', join(ROOT, 'extensions/client'), '--pack-destination', folder]);
  const { version }: { version: string } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  await writeFile(join(folder, 'package.json'), '{"type": "module"}');
  await run('npm', ['install', '--prefer-offline', '--no-audit', `./networking-zvm-client-${version}.tgz`], {
    cwd: folder,
  });
  await cp(join(import.meta.dirname, 'client-program.ts'), join(folder, 'program.ts'));
  const compilerOptions = {
    ...{ strict: true, noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true },
    ...{ target: 'es2024', lib: ['es2024', 'dom'], module: 'nodenext', types: [], skipLibCheck: false },
  };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['program.ts'] }));
}

test('the packed types are those of the document that the gateway serves', async () => {
  const { body } = await served.call('GET', '/openapi.json');
  const packed = await readFile(join(folder, 'node_modules/networking-zvm-client/dist/api.d.ts'), 'utf8');
  expect(packed).toBe(await typesOf(body));
});

test("a user's program in strict TypeScript makes a port, waits for it, reads it, and meets typed problems", async () => {
  await run(process.execPath, [join(ROOT, 'node_modules/.bin/tsc')], { cwd: folder }).catch(({ stdout }) => {
    throw new Error(stdout);
  });
  const { stdout } = await run(process.execPath, ['program.js', served.gateway.url, portal.token, served.host], {
    cwd: folder,
  });
  expect(JSON.parse(stdout)).toEqual({
    outcome: 'changed',
    network: { type: 'vlan', segmentationId: 1001 },
    vlans: [1001],
    again: true,
    refused: { kind: 'refused', field: 'userid', page: expect.stringMatching(/\/errors\/field-userid$/) },
    failed: 'Refused',
    open: 'timeout',
    reason: 'CHG0012345 – für Müller',
    tries: { reading: 2, change: 1, withKey: 2 },
  });
});
