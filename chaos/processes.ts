import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const ROOT = join(import.meta.dirname, '..');
const AGAIN_MS = 1_000;
/** The time limit before a kill, as a service manager's. */
const STOP_LIMIT_MS = 20_000;

export type Command = { name: string; file: string; args: readonly string[]; env?: NodeJS.ProcessEnv; logFile: string };

/**
 * A program of the project as a process, restarted when it ends unexpectedly, as by a service manager. It is ended by its id and never outlives this
 * process.
 */
export class Service {
  readonly name: string;
  /** The number of its unexpected ends. */
  endedByItself = 0;
  private readonly command: Command;
  private child: ChildProcess | undefined;
  private wanted = false;
  private again: NodeJS.Timeout | undefined;

  constructor(command: Command) {
    this.name = command.name;
    this.command = command;
    process.once('exit', () => this.child?.kill('SIGKILL'));
  }

  /** Start it unless it runs. Answers its standard output. */
  start(): NodeJS.ReadableStream | null {
    this.wanted = true;
    clearTimeout(this.again);
    if (this.child !== undefined) return null;
    const child = startNode(this.command);
    this.child = child;
    child.once('error', () => this.gone(child));
    child.once('exit', () => this.gone(child));
    return child.stdout;
  }

  /** End it by a signal and wait for its end; it stays down. A process that ignores the signal is killed. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    this.wanted = false;
    clearTimeout(this.again);
    const { child } = this;
    if (child === undefined) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
    await exited;
    clearTimeout(timer);
  }

  private gone(child: ChildProcess): void {
    if (this.child !== child) return;
    this.child = undefined;
    if (!this.wanted) return;
    this.endedByItself += 1;
    this.again = setTimeout(() => this.start(), AGAIN_MS);
  }
}

/** Run a program of the project to its end, or kill it after the limit. Answers its exit code and standard output. */
export async function runProgram(command: Command, limitMs: number): Promise<{ code: number | null; output: string }> {
  const child = startNode(command);
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const timer = setTimeout(kill, limitMs);
  let output = '';
  child.stdout?.on('data', (chunk) => {
    output += String(chunk);
  });
  await once(child, 'close');
  clearTimeout(timer);
  process.off('exit', kill);
  return { code: child.exitCode, output };
}

/** The first line of a stream, which then continues. Throws an Error when the stream ends before. */
export function firstLine(stream: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  return new Promise((resolve, reject) => {
    stream.on('data', (chunk) => {
      text += String(chunk);
      const end = text.indexOf('\n');
      if (end >= 0) resolve(text.slice(0, end));
    });
    stream.once('end', () => reject(new Error(`it ended before it was ready: ${text}`)));
  });
}

/** Poll until a condition holds; false when the time is over. */
export async function until(holds: () => Promise<boolean>, limitMs: number, pauseMs = 250): Promise<boolean> {
  const limit = performance.now() + limitMs;
  for (;;) {
    if (await holds().catch(() => false)) return true;
    if (performance.now() > limit) return false;
    await sleep(pauseMs);
  }
}

function startNode({ file, args, env, logFile }: Command): ChildProcess {
  const program = [process.execPath, join(ROOT, file), ...args];
  const [command = process.execPath, ...rest] = [...guard(), ...program];
  // A separate process group: Ctrl-C in a terminal must end this process first, which ends the others.
  const child = spawn(command, rest, {
    cwd: ROOT,
    env: env ?? process.env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log = createWriteStream(logFile, { flags: 'a' });
  child.stderr?.pipe(log);
  child.stdout?.on('data', (chunk) => log.write(chunk));
  return child;
}

let guarding: string[] | undefined;

// A killed process runs no handler. On Linux the kernel ends its children instead.
function guard(): string[] {
  const works = () =>
    process.platform === 'linux' && spawnSync('setpriv', ['--pdeathsig', 'keep', '--', 'true']).status === 0;
  guarding ??= works() ? ['setpriv', '--pdeathsig', 'KILL', '--'] : [];
  return guarding;
}
