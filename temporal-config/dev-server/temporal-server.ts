import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { DYNAMIC_CONFIG, type DynamicConfigEntry, dynamicConfigArguments } from '../dynamic-config.ts';
import { NAMESPACE } from '../namespace.ts';
import { SEARCH_ATTRIBUTES } from '../search-attributes.ts';
import { freePorts } from './free-ports.ts';
import { executablesOnPath, type Say } from './temporal-binary.ts';

export { findTemporalServer } from './temporal-binary.ts';

const READY_LIMIT_MS = 60_000;
const READY_POLL_MS = 50;
const STOP_LIMIT_MS = 10_000;
const LAST_LINES = 20;
const ATTEMPTS = 3;

/** A development server that this process started. */
export type TemporalServer = { address: string; uiUrl: string; namespace: string; pid: number; stop(): Promise<void> };

/** What {@link startTemporalServer} takes. Ports are found when they are not given; without a file the server keeps everything in memory. */
export type StartOptions = {
  binary: string;
  databaseFile?: string;
  port?: number;
  uiPort?: number;
  /** Values beside those of the project. */
  dynamicConfig?: readonly DynamicConfigEntry[];
  say: Say;
};

/**
 * Start a development server on loopback with the project's namespace, search attributes and dynamic configuration, and wait until it
 * answers. Throws with the server's last lines when it does not. Where the ports are chosen here and somebody else was quicker, others
 * are tried.
 */
export async function startTemporalServer(options: StartOptions): Promise<TemporalServer> {
  for (let attempt = 1; ; attempt += 1) {
    const [freeFrontend = 0, freeUi = 0] = await freePorts(2);
    try {
      return await startOn(options.port ?? freeFrontend, options.uiPort ?? freeUi, options);
    } catch (error) {
      const taken = error instanceof Error && error.message.includes('address already in use');
      if (!taken || options.port !== undefined || attempt === ATTEMPTS) throw error;
    }
  }
}

async function startOn(port: number, uiPort: number, options: StartOptions): Promise<TemporalServer> {
  const started = performance.now();
  // Another server there would be taken for this one, until this one has ended.
  for (const each of [port, uiPort])
    if (await accepts(each))
      throw new Error(`Temporal server did not start on 127.0.0.1:${each}: address already in use`);
  const guard = await endsWithParent();
  const [command = options.binary, ...args] = [...guard, options.binary, ...serverArguments(options, port, uiPort)];
  // A process group of its own: Ctrl-C in a terminal must reach the workers, which drain first, and not the server.
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const lines = lastLinesOf(child);
  child.once('error', (error) => lines.push(error.message));
  // The server must not outlive the process that started it.
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const stop = async () => {
    await end(child);
    process.off('exit', kill);
  };
  const address = `127.0.0.1:${port}`;
  try {
    await untilReady(port, child);
  } catch (error) {
    await stop();
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`Temporal server did not start on ${address}: ${reason}\n${lines.join('\n')}`);
  }
  options.say(`Temporal: server ready on ${address} after ${((performance.now() - started) / 1_000).toFixed(1)} s`);
  return { address, uiUrl: `http://127.0.0.1:${uiPort}`, namespace: NAMESPACE, pid: child.pid ?? 0, stop };
}

/** Add the search attributes that the namespace does not have yet, without a restart of the server. */
export async function ensureSearchAttributes(connection: Connection, namespace: string): Promise<void> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  const missing = SEARCH_ATTRIBUTES.filter((key) => customAttributes?.[key.name] === undefined);
  if (missing.length === 0) return;
  await connection.operatorService.addSearchAttributes({
    namespace,
    searchAttributes: Object.fromEntries(missing.map((key) => [key.name, INDEXED_TYPES[key.type].number])),
  });
}

/** Types of search attributes: as the server's options name them, and as temporal.api.enums.v1.IndexedValueType numbers them. */
const INDEXED_TYPES = {
  KEYWORD: { name: 'Keyword', number: 2 },
  INT: { name: 'Int', number: 3 },
  KEYWORD_LIST: { name: 'KeywordList', number: 7 },
};

function serverArguments({ databaseFile, dynamicConfig = [] }: StartOptions, port: number, uiPort: number): string[] {
  const database =
    databaseFile === undefined
      ? []
      : ['--db-filename', databaseFile, '--sqlite-pragma', 'journal_mode=WAL', '--sqlite-pragma', 'synchronous=NORMAL'];
  return [
    ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--ui-port', String(uiPort)],
    ...['--log-level', 'error', '--namespace', NAMESPACE],
    ...database,
    ...SEARCH_ATTRIBUTES.flatMap((key) => ['--search-attribute', `${key.name}=${INDEXED_TYPES[key.type].name}`]),
    ...dynamicConfigArguments([...DYNAMIC_CONFIG, ...dynamicConfig]),
  ];
}

// No handler runs in a parent that is killed: on Linux the kernel tells its child instead, by a signal that setpriv sets.
async function endsWithParent(): Promise<string[]> {
  if (process.platform !== 'linux') return [];
  const [setpriv] = await executablesOnPath('setpriv', process.env);
  // Some systems have a smaller setpriv that lacks the option.
  if (setpriv === undefined || spawnSync(setpriv, ['--pdeathsig', 'keep', '--', 'true']).status !== 0) return [];
  return [setpriv, '--pdeathsig', 'TERM', '--'];
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function untilReady(port: number, child: ChildProcess): Promise<void> {
  const limit = AbortSignal.timeout(READY_LIMIT_MS);
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error('it ended');
    try {
      // A gRPC connection that is refused tries again only after a second, a plain one at once.
      if (!(await accepts(port))) throw new Error('it does not answer');
      const connection = await Connection.connect({ address: `127.0.0.1:${port}`, connectTimeout: '2 seconds' });
      try {
        await connection.workflowService.describeNamespace({ namespace: NAMESPACE });
        await ensureSearchAttributes(connection, NAMESPACE);
        return;
      } finally {
        await connection.close();
      }
    } catch (error) {
      if (limit.aborted) throw error;
      await pause(READY_POLL_MS);
    }
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
  await exited;
  clearTimeout(timer);
}

function lastLinesOf(child: ChildProcess): string[] {
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      lines.push(
        ...chunk
          .toString()
          .split('\n')
          .filter((line) => line.trim() !== ''),
      );
      lines.splice(0, Math.max(0, lines.length - LAST_LINES));
    });
  }
  return lines;
}
