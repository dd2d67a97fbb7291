import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { Connection, isGrpcServiceError } from '@temporalio/client';
import { NAMESPACE } from '../names.ts';
import { SEARCH_ATTRIBUTES } from '../search-attributes.ts';
import { type Answer, type Patience, watchAnswers } from './answer-watch.ts';
import { freePorts } from './free-ports.ts';
import { executablesOnPath, type Say, seconds } from './temporal-binary.ts';

export { findTemporalServer } from './temporal-binary.ts';

const READY_LIMIT_MS = 60_000;
const READY_POLL_MS = 50;
const STOP_LIMIT_MS = 10_000;
const LAST_LINES = 20;
const ATTEMPTS = 3;
/** The gRPC code NOT_FOUND. */
const NOT_FOUND = 5;

/** A development server that this process started. A restart changes its `pid`. */
export type TemporalServer = {
  address: string;
  uiUrl: string;
  namespace: string;
  readonly pid: number;
  stop(): Promise<void>;
};

/** The options of {@link startTemporalServer}. Missing ports are chosen; without a file the server keeps all data in memory. */
export type StartOptions = {
  binary: string;
  databaseFile?: string;
  port?: number;
  uiPort?: number;
  /** Values beside those of the project. */
  dynamicConfig?: readonly DynamicConfigEntry[];
  /** Restart the server on its file when it ends by itself, or hangs, by this measure. Without a file it would lose everything. */
  patience?: Patience;
  say: Say;
  /** Told of restarts, in place of `say`. */
  warn?: Say;
};

/**
 * Start a development server on loopback with the project's namespace, search attributes and dynamic configuration, and wait until it
 * answers. Throws an Error with the server's last lines when it does not. When another program takes a chosen port first, other ports are
 * tried.
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
  const { say, warn = say, patience, databaseFile } = options;
  const address = `127.0.0.1:${port}`;
  const began = performance.now();
  let running = await launch(port, uiPort, options);
  say(`Temporal: server ready on ${address} after ${seconds(began)}`);
  const restart = async (silentSeconds: number) => {
    const restarted = performance.now();
    const silent = `Temporal: no answer from the server for ${silentSeconds.toFixed(0)} s`;
    try {
      await running.end('SIGKILL');
      running = await launch(port, uiPort, options);
      warn(`${silent}: it was started again on its database file, which took ${seconds(restarted)}`);
    } catch (error) {
      warn(`${silent}, and it does not start again: ${error instanceof Error ? error.message : error}`);
    }
  };
  const watch =
    patience === undefined || databaseFile === undefined
      ? undefined
      : watchServer(address, patience, () => running.hasEnded(), restart);
  return {
    address,
    uiUrl: `http://127.0.0.1:${uiPort}`,
    namespace: NAMESPACE,
    get pid() {
      return running.pid;
    },
    async stop() {
      await watch?.stop();
      await running.end('SIGTERM');
    },
  };
}

/** Ask the server for what its history service reads from the database. The SQLite of server 1.29 can hang for good under load. */
function watchServer(
  address: string,
  patience: Patience,
  hasEnded: () => boolean,
  restart: (silentSeconds: number) => Promise<void>,
): { stop(): Promise<void> } {
  const connection = Connection.lazy({ address });
  const question = { namespace: NAMESPACE, execution: { workflowId: 'no-run-has-this-id' } };
  const ask = async (answerMs: number): Promise<Answer> => {
    if (hasEnded()) return 'gone';
    try {
      const call = () => connection.workflowService.describeWorkflowExecution(question);
      await connection.withDeadline(Date.now() + answerMs, call);
      return 'good';
    } catch (error) {
      return isGrpcServiceError(error) && error.code === NOT_FOUND ? 'good' : 'none';
    }
  };
  const ended = new AbortController();
  const asking = (answerMs: number) => connection.withAbortSignal(ended.signal, () => ask(answerMs));
  const watching = watchAnswers(asking, patience, restart, ended.signal);
  return {
    async stop() {
      ended.abort();
      await watching;
      await connection.close();
    },
  };
}

/** The server's process. */
type Running = { pid: number; hasEnded(): boolean; end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> };

async function launch(port: number, uiPort: number, options: StartOptions): Promise<Running> {
  // Another server on that port would answer in place of this one.
  for (const each of [port, uiPort])
    if (await accepts(each))
      throw new Error(`Temporal server did not start on 127.0.0.1:${each}: address already in use`);
  const guard = await endsWithParent();
  const [command = options.binary, ...args] = [...guard, options.binary, ...serverArguments(options, port, uiPort)];
  // A separate process group: Ctrl-C in a terminal must reach the workers, which drain first, but not the server.
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const lines = lastLinesOf(child);
  child.once('error', (error) => lines.push(error.message));
  // The server must not outlive the process that started it.
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const endIt = async (signal: 'SIGTERM' | 'SIGKILL') => {
    await end(child, signal);
    process.off('exit', kill);
  };
  try {
    await untilReady(port, child);
  } catch (error) {
    await endIt('SIGTERM');
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`Temporal server did not start on 127.0.0.1:${port}: ${reason}\n${lines.join('\n')}`);
  }
  return { pid: child.pid ?? 0, hasEnded: () => hasEnded(child), end: endIt };
}

/** Add missing search attributes to the namespace, without a restart of the server. */
export async function ensureSearchAttributes(connection: Connection, namespace: string): Promise<void> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  const missing = SEARCH_ATTRIBUTES.filter((key) => customAttributes?.[key.name] === undefined);
  if (missing.length === 0) return;
  await connection.operatorService.addSearchAttributes({
    namespace,
    searchAttributes: Object.fromEntries(missing.map((key) => [key.name, INDEXED_TYPES[key.type].number])),
  });
}

/** The types of search attributes: names in the server's options, numbers of temporal.api.enums.v1.IndexedValueType. */
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

// A killed parent runs no handler. On Linux the kernel signals its child instead, as setpriv arranges.
async function endsWithParent(): Promise<string[]> {
  if (process.platform !== 'linux') return [];
  const [setpriv] = await executablesOnPath('setpriv', process.env);
  // The setpriv of some systems lacks the option.
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
    if (hasEnded(child)) throw new Error('it ended');
    try {
      // A refused gRPC connection retries only after a second, a plain one at once.
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

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

async function end(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (hasEnded(child)) return;
  const exited = once(child, 'exit');
  child.kill(signal);
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

/** One value of Temporal's dynamic config; durations are strings such as `25ms`. */
export interface DynamicConfigEntry {
  readonly key: string;
  readonly value: string | number | boolean;
}

/** The dynamic config values of this project's server; the numbers are measured in docs/reference/temporal.md 2. */
export const DYNAMIC_CONFIG: readonly DynamicConfigEntry[] = [
  // The default of 20 polls a second and shard makes every task hop wait up to 50 ms: a workflow with sequential
  // activities is stuck at 10 to 20 of them a second (docs/reference/temporal.md 2.1).
  { key: 'history.transferProcessorMaxPollRPS', value: 2000 },
  // The timer queue has the same limit; raised along with the one above (docs/reference/temporal.md 2.2).
  { key: 'history.timerProcessorMaxPollRPS', value: 2000 },
  // With the default of 1 s every shorter timer takes 1 s, and so does every shorter activity retry interval
  // (docs/reference/temporal.md 2.3).
  { key: 'history.timerProcessorMaxTimeShift', value: '25ms' },
  // Off by default in server 1.29, on in 1.32: set here so that both behave alike (docs/reference/temporal.md 2.4).
  { key: 'system.enableActivityEagerExecution', value: true },
  // Off by default in server 1.29, on in 1.32: tasks of single operations go before those of windows (docs/reference/temporal.md 2.5).
  { key: 'matching.useNewMatcher', value: true },
  // Each host has its own worker deployment (runtime/host/worker-build.ts). With the server's limit of 100, further hosts would get no work.
  { key: 'matching.maxDeployments', value: 10_000 },
];

/** The dynamic config as command line arguments of `temporal server start-dev`, which takes values as JSON. */
function dynamicConfigArguments(entries: readonly DynamicConfigEntry[] = DYNAMIC_CONFIG): string[] {
  return entries.flatMap(({ key, value }) => ['--dynamic-config-value', `${key}=${JSON.stringify(value)}`]);
}
