import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { afterAll, beforeAll, expect, type TestContext } from 'vitest';
import { ensurePackages } from '../../demo/openstack/packages.ts';
import { isListening, type Service, startService, until } from '../../demo/openstack/service.ts';
import { freePort, freePorts } from '../../temporal-config/dev-server/free-ports.ts';
import { cacheDirectory, findTemporalServer } from '../../temporal-config/dev-server/temporal-binary.ts';
import { type Authority, createAuthority } from './authority.ts';

const ROOT = join(import.meta.dirname, '../..');
const PRODUCTION = join(ROOT, 'temporal-config/production');
const VERSION = 'v1.29.1';
const POSTGRES = '/usr/lib/postgresql';
const DEBIANS_POSTGRES = '15';
/** A password that breaks a careless script or template. Blanks break Temporal itself. */
const DATABASES = ['temporal', 'temporal_visibility'];
const PASSWORD = `it's"a"$ecret/@:#?`;
const START_MS = 90_000;
/** The longest build of Temporal's server by Go. */
export const BUILD_MS = 20 * 60_000;
const run = promisify(execFile);

/** A Temporal server as in docs/deployment.md: on PostgreSQL, with the files of temporal-config/production and with certificates. */
export type ProductionServer = {
  /** Its own environment: `POSTGRES_…`, `TEMPORAL_…`. */
  settings: Record<string, string>;
  /** The authority of its callers' certificates. */
  authority: Authority;
  /** The environment of its callers: `TEMPORAL_…`. */
  env: Record<string, string>;
  /** Start or restart it. */
  start(): Promise<void>;
  /** Kill it, as a failing machine does. */
  kill(): Promise<void>;
  /** Create or upgrade the databases. */
  createDatabases(): Promise<void>;
  /** Dump its databases as docs/operations.md does. */
  dump(): Promise<void>;
  /** Take the databases back to the dump, while the server does not run. */
  restore(): Promise<void>;
  stop(): Promise<void>;
};

/** A server for the tests of a file, which it does not outlive. Where it cannot run, the tests that ask for it are skipped. */
export function useProductionServer(tested: string): (context: Pick<TestContext, 'skip'>) => ProductionServer {
  let server: ProductionServer | undefined;
  let missing = '';
  beforeAll(async () => {
    try {
      await ensureProductionPrograms((line) => process.stderr.write(`production: ${line}\n`));
    } catch (error) {
      missing = error instanceof Error ? error.message : String(error);
      process.stderr.write(`NOT TESTED: ${tested}: ${missing}\n`);
      return;
    }
    server = await createProductionServer();
  }, BUILD_MS + START_MS);
  afterAll(() => server?.stop());
  return ({ skip }) => server ?? skip(missing);
}

/** An agent's ini for the first z/VM system of a simulator. */
export const iniOf = (simulatorUrl: string, more = '') => `[AGENT]
zvm_host = zvm1
xcat_zhcp_nodename = zhcp1
zvm_xcat_server = ${simulatorUrl}
zvm_xcat_username = admin
zvm_xcat_password = admin
${more}[ml2_type_vlan]
network_vlan_ranges = VSW1:1:4094
`;

/** Registers by the command that docs/deployment.md names. */
export async function createNamespace({ env }: ProductionServer): Promise<void> {
  const { TEMPORAL_ADDRESS: _address, TEMPORAL_PROFILE: _profile, TEMPORAL_CONFIG_FILE: _file, ...own } = process.env;
  const found = await findTemporalServer({ say: () => {}, env: own });
  const temporal = found.kind === 'binary' ? found.path : 'temporal';
  const args = ['operator', 'namespace', 'create', '--namespace', 'zvm', '--retention', '2160h'];
  // A server that listens is not yet one that answers.
  const create = () =>
    run(temporal, args, { env: { ...own, ...env } }).then(
      () => true,
      () => false,
    );
  await expect.poll(create, { timeout: START_MS, interval: 1_000 }).toBe(true);
  // The server's services learn of it some seconds later.
  const connection = await Connection.connect(loadClientConnectConfig({ overrideEnvVars: env }).connectionOptions);
  const isKnown = () => connection.operatorService.listSearchAttributes({ namespace: 'zvm' }).then(() => true);
  await expect.poll(isKnown).toBe(true);
  await connection.close();
}

/** Ensure PostgreSQL and Temporal's programs. Throws an Error that names the missing one and the reason. */
async function ensureProductionPrograms(say: (line: string) => void): Promise<void> {
  await postgresPrograms(say);
  await ensureTemporalPrograms(say);
}

/** Ensure Temporal's `server` and `sql`; answers their folder. Throws an Error with Go's reason. */
export async function ensureTemporalPrograms(say: (line: string) => void): Promise<string> {
  const cache = join(cacheDirectory(), `temporal-server-${VERSION}`);
  if (existsSync(join(cache, 'sql'))) return cache;
  say(`building Temporal's server ${VERSION} by Go (about 4 minutes, once)`);
  await mkdir(cacheDirectory(), { recursive: true });
  const folder = await mkdtemp(join(cacheDirectory(), 'making-'));
  const packages = ['server', 'tools/sql'].map((name) => `go.temporal.io/server/cmd/${name}@${VERSION}`);
  const env = { ...process.env, GOBIN: folder };
  try {
    await run('go', ['install', '-ldflags=-s -w', ...packages], { env, timeout: BUILD_MS });
    // Another test file may have been quicker.
    await rename(folder, cache).catch((error: unknown) => {
      if (!existsSync(join(cache, 'sql'))) throw error;
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return cache;
}

/** Make certificates and an empty PostgreSQL in a folder of their own. The server is not started yet. */
async function createProductionServer(): Promise<ProductionServer> {
  const folder = await mkdtemp(join(tmpdir(), 'production-'));
  const postgres = await startPostgres(folder);
  const port = await firstOfPorts();
  const authority = await createAuthority(folder);
  const own = await authority.issue('server');
  const programs = await ensureTemporalPrograms(() => {});
  const file = (name: string) => join(folder, name);
  const settings = {
    ...{ POSTGRES_PORT: String(postgres.port), POSTGRES_PASSWORD: PASSWORD },
    ...{ TEMPORAL_PORT: String(port), TEMPORAL_TLS_SERVER_NAME: 'localhost', TEMPORAL_TLS_CA_FILE: authority.file },
    ...{ TEMPORAL_TLS_CERT_FILE: own.cert, TEMPORAL_TLS_KEY_FILE: own.key },
    TEMPORAL_SQL_TOOL: join(programs, 'sql'),
  };
  const createDatabases = async () => {
    await run(join(PRODUCTION, 'create-databases.sh'), [], { env: { ...process.env, ...settings } });
  };
  let server: Service | undefined;
  return {
    settings,
    authority,
    env: {
      ...{ TEMPORAL_ADDRESS: `127.0.0.1:${port}`, TEMPORAL_NAMESPACE: 'zvm' },
      ...{ TEMPORAL_TLS_SERVER_NAME: 'localhost', TEMPORAL_TLS_SERVER_CA_CERT_PATH: authority.file },
      ...{ TEMPORAL_TLS_CLIENT_CERT_PATH: own.cert, TEMPORAL_TLS_CLIENT_KEY_PATH: own.key },
    },
    async start() {
      const log = file('temporal.log');
      const how = ['--root', 'temporal-config/production', '--config', '.', '--env', 'server', '--allow-no-auth'];
      const program = join(programs, 'server');
      server = await startService(program, [...how, 'start'], { env: settings, log, cwd: ROOT });
      await until("Temporal's server did not listen", START_MS, log, () => isListening(port));
    },
    async kill() {
      if (server !== undefined) process.kill(server.pid, 'SIGKILL');
      await server?.stop();
      server = undefined;
    },
    createDatabases,
    async dump() {
      for (const name of DATABASES)
        await run('pg_dump', [...postgres.way, '--format=custom', `--file=${file(`${name}.dump`)}`, name]);
    },
    async restore() {
      for (const name of DATABASES) {
        await run('dropdb', [...postgres.way, '--force', name]);
        await run('pg_restore', [...postgres.way, '--create', '--dbname=postgres', file(`${name}.dump`)]);
      }
    },
    async stop() {
      await server?.stop();
      await postgres.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function postgresPrograms(say: (line: string) => void): Promise<string> {
  const versions = await readdir(POSTGRES).catch((): string[] => []);
  const version = versions.find((name) => existsSync(join(POSTGRES, name, 'bin/initdb'))) ?? DEBIANS_POSTGRES;
  const programs = join(POSTGRES, version, 'bin');
  await ensurePackages(say, { [`postgresql-${version}`]: join(programs, 'initdb') });
  return programs;
}

/** A separate PostgreSQL on 127.0.0.1, with the role `temporal`. */
async function startPostgres(folder: string): Promise<{ port: number; way: string[]; stop(): Promise<void> }> {
  const programs = await postgresPrograms(() => {});
  const port = await freePort();
  const home = join(folder, 'postgres');
  const log = join(folder, 'postgres.log');
  await mkdir(home);
  // PostgreSQL refuses to run as root.
  const asRoot = process.getuid?.() === 0;
  const user = asRoot ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'] : ['env'];
  if (asRoot) await chown(home, Number(id('-u')), Number(id('-g')));
  await chmod(folder, 0o755);
  const asUser = (name: string, args: string[]): [string, string[]] => [
    user[0] ?? 'env',
    [...user.slice(1), join(programs, name), ...args],
  ];
  const data = join(home, 'data');
  await run(
    ...asUser('initdb', ['-D', data, '-U', 'postgres', '--auth-local=trust', '--auth-host=scram-sha-256', '-N']),
  );
  const options = ['-D', data, '-p', String(port), '-k', home, '-c', 'listen_addresses=127.0.0.1', '-c', 'fsync=off'];
  const service = await startService(...asUser('postgres', options), { log, cwd: home });
  const way = ['-h', home, '-p', String(port), '-U', 'postgres'];
  const psql = [...way, '-c'];
  await until('PostgreSQL did not answer', START_MS, log, async () => {
    return spawnSync('psql', [...psql, 'select 1']).status === 0;
  });
  const word = PASSWORD.replaceAll("'", "''");
  await run('psql', [...psql, `CREATE ROLE temporal LOGIN CREATEDB PASSWORD '${word}'`]);
  return { port, way, stop: () => service.stop() };
}

function id(option: string): string {
  return spawnSync('id', [option, 'postgres'], { encoding: 'utf8' }).stdout.trim();
}

/** The first of a row of free ports, from which server.yaml counts on. */
async function firstOfPorts(): Promise<number> {
  for (;;) {
    const [first = 0] = await freePorts(1);
    const others = [1, 2, 3, 10, 11, 12, 13].map((offset) => first + offset);
    if (!(await Promise.all(others.map(isListening))).includes(true)) return first;
  }
}
