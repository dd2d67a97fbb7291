import { type SpawnOptions, spawn } from 'node:child_process';
import { constants, rmSync } from 'node:fs';
import { access, chmod, mkdir, mkdtemp, readdir, rename, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { delimiter, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ConnectionOptions } from '@temporalio/client';
import { NAMESPACE } from '../names.ts';

/** Prints one line for the user. */
export type Say = (line: string) => void;

/** A server that is run elsewhere and used as it is. */
export interface ExternalTemporal {
  readonly kind: 'external';
  readonly address: string;
  readonly namespace: string;
  /** Address, TLS, API key and metadata of the connection. */
  readonly connectionOptions: ConnectionOptions;
}

/** A `temporal` executable that can run a development server. */
export interface TemporalBinary {
  readonly kind: 'binary';
  readonly path: string;
}

/** The options of {@link findTemporalServer}. */
export interface FindOptions {
  readonly say: Say;
  readonly env?: NodeJS.ProcessEnv;
  /** Puts an executable into the given directory and returns its path; by default the SDK's download. */
  readonly download?: (directory: string, env: NodeJS.ProcessEnv) => Promise<string>;
}

/** The variables that choose the server, as `--help` tells them. */
export const SERVER_VARIABLES = {
  TEMPORAL_ADDRESS: 'a Temporal server to use; without it one is found, or built once, and started',
  'NETWORKING_ZVM_CACHE, XDG_CACHE_HOME': 'the folder of the server that was found or built',
};

// The newest version whose go.mod `go install` accepts; it holds server 1.29.1 (docs/reference/temporal.md 1.1).
const GO_PACKAGE = 'github.com/temporalio/cli/cmd/temporal@v1.5.1';
const SDK_DOWNLOAD_LIMIT_MS = 20_000;
const VERSION_LIMIT_MS = 30_000;
const GO_BUILD_LIMIT_MS = 20 * 60_000;
const PROGRESS_MS = 5_000;

/**
 * Finds a Temporal server, or the executable to run one with: `TEMPORAL_ADDRESS` or a profile of Temporal's own client
 * configuration, `temporal` on the path, the project's cache, the SDK's download, the Go module proxy.
 */
export async function findTemporalServer(options: FindOptions): Promise<ExternalTemporal | TemporalBinary> {
  const { say, env = process.env, download = downloadBySdk } = options;
  const external = await configuredServer(env);
  if (external) {
    say(`Temporal: using the server at ${external.address}, namespace ${external.namespace}, as configured`);
    return external;
  }
  const onPath = await temporalOnPath(env, say);
  if (onPath !== undefined) return { kind: 'binary', path: onPath };

  const cache = cacheDirectory(env);
  const cached = join(cache, 'temporal');
  if (await isExecutable(cached)) {
    const version = await serverVersion(cached, env);
    if (version !== undefined) {
      say(`Temporal: using ${cached} (server ${version}) from the project's cache`);
      return { kind: 'binary', path: cached };
    }
    say(`Temporal: ${cached} reports no server version and is replaced`);
  }

  const failures: string[] = [];
  for (const make of [
    { title: "the SDK's download", intro: `(at most ${SDK_DOWNLOAD_LIMIT_MS / 1000} s)`, run: download },
    {
      title: `a build of ${GO_PACKAGE} by Go`,
      intro: '(about 3 minutes, once)',
      run: (directory: string) => buildByGo(directory, env),
    },
  ]) {
    say(`Temporal: no server found so far, trying ${make.title} ${make.intro}`);
    const started = performance.now();
    const progress = setInterval(() => say(`Temporal: still trying, ${seconds(started)} so far`), PROGRESS_MS);
    try {
      const version = await intoCache(cached, env, (directory) => make.run(directory, env));
      say(`Temporal: ${make.title} gave server ${version} after ${seconds(started)}, kept as ${cached}`);
      return { kind: 'binary', path: cached };
    } catch (error) {
      const line = `${make.title} failed after ${seconds(started)}: ${messageOf(error)}`;
      say(`Temporal: ${line}`);
      failures.push(line);
    } finally {
      clearInterval(progress);
    }
  }
  throw new Error(
    [
      'No Temporal server was found, downloaded or built. Set TEMPORAL_ADDRESS, or put the temporal CLI on the path,',
      `or put its executable at ${cached}.`,
      ...failures,
    ].join('\n'),
  );
}

/** The cache directory that all clones of this project share. */
export function cacheDirectory(env: NodeJS.ProcessEnv = process.env): string {
  if (env.NETWORKING_ZVM_CACHE) return env.NETWORKING_ZVM_CACHE;
  return join(env.XDG_CACHE_HOME || join(env.HOME || homedir(), '.cache'), 'networking-zvm');
}

/** The time since `started`, a `performance.now()`, as text: `1.2 s`. */
export function seconds(started: number): string {
  return `${((performance.now() - started) / 1000).toFixed(1)} s`;
}

/** The executables called `name` on the path of `env`, in its order. */
export async function executablesOnPath(name: string, env: NodeJS.ProcessEnv): Promise<string[]> {
  const found: string[] = [];
  for (const directory of (env.PATH ?? '').split(delimiter)) {
    const path = join(directory, name);
    if (directory !== '' && (await isExecutable(path))) found.push(path);
  }
  return found;
}

/** The server of `TEMPORAL_ADDRESS` or a profile of Temporal's own client configuration. Throws an Error when that cannot be read. */
export async function configuredServer(env: NodeJS.ProcessEnv): Promise<ExternalTemporal | undefined> {
  const { loadClientConnectConfig } = await import('@temporalio/envconfig');
  let config: ReturnType<typeof loadClientConnectConfig>;
  try {
    const defined = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);
    config = loadClientConnectConfig({ overrideEnvVars: Object.fromEntries(defined) });
  } catch (error) {
    throw new Error(`Temporal's client configuration cannot be used: ${messageOf(error)}`, { cause: error });
  }
  const address = config.connectionOptions.address;
  if (!address) return undefined;
  return {
    kind: 'external',
    address,
    namespace: config.namespace ?? NAMESPACE,
    connectionOptions: config.connectionOptions,
  };
}

async function temporalOnPath(env: NodeJS.ProcessEnv, say: Say): Promise<string | undefined> {
  for (const path of await executablesOnPath('temporal', env)) {
    const version = await serverVersion(path, env);
    if (version !== undefined) {
      say(`Temporal: using ${path} (server ${version}) from the path`);
      return path;
    }
    say(`Temporal: ${path} reports no server version and is not used`);
  }
  return undefined;
}

// A CLI built by Go calls itself 0.0.0-DEV: only the parenthesis holds the server version (docs/reference/temporal.md 1.1).
async function serverVersion(path: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  try {
    const output = await run(path, ['--version'], { env }, VERSION_LIMIT_MS);
    return /\(.*\bServer (\d[^\s,)]*)/.exec(output)?.[1];
  } catch {
    return undefined;
  }
}

// A rename within one directory is atomic: of two concurrent processes the later one wins, and neither sees half a file.
async function intoCache(
  cached: string,
  env: NodeJS.ProcessEnv,
  make: (directory: string) => Promise<string>,
): Promise<string> {
  const cache = cacheDirectory(env);
  await mkdir(cache, { recursive: true });
  const directory = await mkdtemp(join(cache, 'making-'));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  // Ctrl-C may come during a build.
  process.once('exit', remove);
  try {
    const made = await make(directory);
    await chmod(made, 0o755);
    const version = await serverVersion(made, env);
    if (version === undefined) throw new Error('the executable reports no server version');
    await rename(made, cached);
    return version;
  } finally {
    process.off('exit', remove);
    remove();
  }
}

async function downloadBySdk(directory: string, env: NodeJS.ProcessEnv): Promise<string> {
  const sdk: { version: string } = createRequire(import.meta.url)('@temporalio/worker/package.json');
  // The compiled project has .js files where the source has .ts files.
  const program = fileURLToPath(new URL(`./temporal-download${extname(import.meta.url)}`, import.meta.url));
  await run(process.execPath, [program, directory, sdk.version], { env }, SDK_DOWNLOAD_LIMIT_MS);
  const [name] = (await readdir(directory)).filter((entry) => !entry.endsWith('.downloading'));
  if (name === undefined) throw new Error('it left no executable');
  return join(directory, name);
}

async function buildByGo(directory: string, env: NodeJS.ProcessEnv): Promise<string> {
  const [go] = await executablesOnPath('go', env);
  if (go === undefined) throw new Error('there is no go on the path');
  await run(go, ['install', GO_PACKAGE], { env: { ...env, GOBIN: directory } }, GO_BUILD_LIMIT_MS);
  return join(directory, 'temporal');
}

// A separate process group, so that the child ends at the time limit together with its own children.
function run(command: string, args: string[], options: SpawnOptions, limitMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    let output = '';
    let late = false;
    const collect = (data: Buffer) => {
      output = (output + data.toString()).slice(-10_000);
    };
    child.stdout?.on('data', collect);
    child.stderr?.on('data', collect);
    const endGroup = () => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // The process has ended already.
      }
    };
    const timer = setTimeout(() => {
      late = true;
      endGroup();
    }, limitMs);
    process.once('exit', endGroup);
    const settle = () => {
      clearTimeout(timer);
      process.off('exit', endGroup);
    };
    child.once('error', (error) => {
      settle();
      reject(error);
    });
    child.once('close', (code, signal) => {
      settle();
      if (code === 0) resolve(output);
      else if (late) reject(new Error(`no result within ${limitMs / 1000} s`));
      else reject(new Error(`ended with ${code ?? signal}: ${output.trimEnd().split('\n').slice(-5).join('\n')}`));
    });
  });
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
