import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Keystone, type KeystoneCredentials } from '../../neutron/keystone.ts';
import { freePort } from '../../temporal-config/dev-server/free-ports.ts';
import { isListening, startService, until } from './service.ts';

/** Debian's package of Keystone without services, with a program of it. */
export const KEYSTONE_PACKAGE = { 'python3-keystone': '/usr/bin/keystone-manage' };

/** A Keystone on 127.0.0.1 and its administrator. */
export type RunningKeystone = {
  /** The URL without version. */
  url: string;
  user: Omit<KeystoneCredentials, 'authUrl'>;
  /** A token of the administrator. */
  token(): Promise<string>;
  stop(): Promise<void>;
};

/** Write-ahead logging: without it an open reading of Keystone locks the database for its own next change. */
const READERS_DO_NOT_LOCK = 'import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute("PRAGMA journal_mode=WAL")';
const START_MS = 120_000;
const run = promisify(execFile);

/** Create a private Keystone in a folder, with Fernet tokens and a SQLite database, and start it. */
export async function startKeystone(folder: string, password: string): Promise<RunningKeystone> {
  const home = join(folder, 'keystone');
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const config = join(home, 'keystone.conf');
  const log = join(home, 'out.log');
  for (const name of ['tokens', 'credentials']) await mkdir(join(home, name), { recursive: true, mode: 0o700 });
  await writeFile(
    config,
    `[DEFAULT]
log_file = ${join(home, 'keystone.log')}
[database]
connection = sqlite:///${join(home, 'keystone.db')}
[fernet_tokens]
key_repository = ${join(home, 'tokens')}
[credential]
key_repository = ${join(home, 'credentials')}
`,
  );
  const { username } = userInfo();
  const owner = ['--keystone-user', username, '--keystone-group', username];
  const endpoints = ['admin', 'internal', 'public'].flatMap((kind) => [`--bootstrap-${kind}-url`, `${url}/v3/`]);
  for (const command of [
    ['db_sync'],
    ['fernet_setup', ...owner],
    ['credential_setup', ...owner],
    ['bootstrap', '--bootstrap-password', password, '--bootstrap-region-id', 'RegionOne', ...endpoints],
  ])
    await run(KEYSTONE_PACKAGE['python3-keystone'], ['--config-file', config, ...command]);
  await run('/usr/bin/python3', ['-c', READERS_DO_NOT_LOCK, join(home, 'keystone.db')]);
  const service = await startService('/usr/bin/keystone-wsgi-public', ['--port', String(port), '--host', '127.0.0.1'], {
    env: { OS_KEYSTONE_CONFIG_FILES: config },
    log,
  });
  await until('Keystone did not answer', START_MS, log, () => isListening(port));
  const user = { username: 'admin', password, project: 'admin', userDomain: 'Default', projectDomain: 'Default' };
  const keystone = new Keystone({ authUrl: url, ...user }, fetch);
  return { url, user, token: () => keystone.token(), stop: () => service.stop() };
}
