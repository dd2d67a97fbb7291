import { execFileSync } from 'node:child_process';
import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { createGateway } from '../../gateway/app.ts';
import { typesOf } from './types.ts';

const ROOT = join(import.meta.dirname, '../..');
const TYPES = join(import.meta.dirname, 'src/api.d.ts');
const DIST = join(import.meta.dirname, 'dist');

/** Make the package: types from the document of this source tree's gateway, then the client's JavaScript and declarations. */
async function build(): Promise<void> {
  // The document needs no connection.
  const client = new Client({ connection: Connection.lazy() });
  const gateway = createGateway({ client, namespace: 'none', hosts: [], tokens: [], log: () => {} });
  const document = await (await gateway.request('/openapi.json')).json();
  writeFileSync(TYPES, await typesOf(document));
  rmSync(DIST, { recursive: true, force: true });
  const tsc = join(ROOT, 'node_modules/.bin/tsc');
  execFileSync(process.execPath, [tsc, '--project', import.meta.dirname], { stdio: 'inherit' });
  copyFileSync(TYPES, join(DIST, 'api.d.ts'));
}

await build();
