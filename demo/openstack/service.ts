import { type ChildProcess, spawn } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { defined } from '../../domain/defined.ts';

/** A started program with its child processes. */
export type Service = {
  pid: number;
  stop(): Promise<void>;
  /** End all of it at once, in the middle of whatever it does. */
  kill(): Promise<void>;
};

const STOP_MS = 8_000;
const POLL_MS = 100;

/** Start a program in a separate process group, with its output in a file. */
export async function startService(
  program: string,
  args: readonly string[],
  options: { env?: Record<string, string>; log: string; cwd?: string },
): Promise<Service> {
  const log = await open(options.log, 'a');
  const child = spawn(program, args, {
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
    env: { ...process.env, ...options.env },
    ...defined({ cwd: options.cwd }),
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  await log.close();
  const { pid } = child;
  if (pid === undefined) throw new Error(`${program} could not be started`);
  // The program ends with this process, however that ends.
  const atExit = () => signal(-pid, 'SIGKILL');
  process.once('exit', atExit);
  return {
    pid,
    stop: () => {
      process.off('exit', atExit);
      return stopGroup(child, pid);
    },
    kill: async () => {
      process.off('exit', atExit);
      const ended = hasEnded(child);
      signal(-pid, 'SIGKILL');
      await ended;
    },
  };
}

// Some children can outlive the parent, so the whole group is killed last.
async function stopGroup(child: ChildProcess, pid: number): Promise<void> {
  const ended = hasEnded(child);
  signal(pid, 'SIGTERM');
  await Promise.race([ended, sleep(STOP_MS, undefined, { ref: false })]);
  signal(-pid, 'SIGKILL');
}

async function hasEnded(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise<void>((resolve) => child.once('exit', () => resolve()));
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // The group has ended already.
  }
}

/** Wait until a condition holds. Throws an Error with the end of the log when it does not in time. */
export async function until(what: string, timeoutMs: number, log: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await isSo().catch(() => false))) {
    if (Date.now() > deadline) {
      const end = await readFile(log, 'utf8').catch(() => '');
      throw new Error(`${what} within ${timeoutMs / 1_000} s. The end of its log:\n${end.slice(-2_000)}`);
    }
    await sleep(POLL_MS);
  }
}

/** True when a program listens on a port of 127.0.0.1. */
export function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
