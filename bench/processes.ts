import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';

// Linux counts CPU time in hundredths of a second.
const TICKS = 100;
const ROOT = join(import.meta.dirname, '..');

/** A process that this one started and ends. */
export type Child = { pid: number; end(): Promise<void> };

/** CPU seconds of a process so far, all and by the names of its threads. */
export type CpuTime = { seconds: number; threads: Record<string, number> };

/** Start a program of the project and wait for its first output. Throws an Error when it ends before. */
export async function startProgram(file: string, argument: object, nodeOptions: readonly string[]): Promise<Child> {
  const child = spawn(process.execPath, [...nodeOptions, join(ROOT, file), JSON.stringify(argument)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // As cli/run.sh does.
    env: { MALLOC_ARENA_MAX: '2', MALLOC_TRIM_THRESHOLD_: '131072', ...process.env },
  });
  const ended = once(child, 'exit').then(() => {
    throw new Error(`${file} ended before it was ready`);
  });
  ended.catch(() => undefined);
  await Promise.race([once(child.stdout, 'data'), ended]);
  return childOf(child, 'SIGTERM');
}

/** Start processes that do nothing but use CPU: the machine is as busy as one that others work on. */
export function startBusy(count: number): Child[] {
  return Array.from({ length: count }, () =>
    childOf(spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }), 'SIGKILL'),
  );
}

function childOf(child: ChildProcess, signal: NodeJS.Signals): Child {
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  return {
    pid: child.pid ?? 0,
    async end() {
      const exited = once(child, 'exit');
      child.kill(signal);
      await exited;
      process.off('exit', kill);
    },
  };
}

/** The CPU time of a process, read from `/proc`. Throws an Error on a system that has none. */
export async function cpuTimeOf(pid: number): Promise<CpuTime> {
  const threads: Record<string, number> = {};
  for (const thread of await readdir(`/proc/${pid}/task`)) {
    // A thread may end while it is read.
    const stat = await readFile(`/proc/${pid}/task/${thread}/stat`, 'utf8').catch(() => '');
    const name = threadName(/\((.*)\)/s.exec(stat)?.[1] ?? 'ended');
    threads[name] = (threads[name] ?? 0) + secondsOf(stat);
  }
  return { seconds: secondsOf(await readFile(`/proc/${pid}/stat`, 'utf8')), threads };
}

/** The CPU time of several processes together. Throws an Error as `cpuTimeOf` does. */
export async function cpuTimeOfAll(pids: readonly number[]): Promise<CpuTime> {
  const all: CpuTime = { seconds: 0, threads: {} };
  for (const { seconds, threads } of await Promise.all(pids.map(cpuTimeOf))) {
    all.seconds += seconds;
    for (const [name, ofThread] of Object.entries(threads)) all.threads[name] = (all.threads[name] ?? 0) + ofThread;
  }
  return all;
}

/** The CPU time between two readings. */
export function cpuBetween(before: CpuTime, after: CpuTime): CpuTime {
  const entries = Object.entries(after.threads).map(([name, seconds]): [string, number] => [
    name,
    rounded(seconds - (before.threads[name] ?? 0)),
  ]);
  return {
    seconds: rounded(after.seconds - before.seconds),
    threads: Object.fromEntries(entries.filter(([, seconds]) => seconds > 0)),
  };
}

/** The memory of several processes now, and the most that each has had so far, in MB, added up. */
export async function memoryOfAll(pids: readonly number[]): Promise<{ nowMb: number; peakMb: number }> {
  const each = await Promise.all(pids.map(memoryOf));
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  return { nowMb: sum(each.map(({ nowMb }) => nowMb)), peakMb: sum(each.map(({ peakMb }) => peakMb)) };
}

async function memoryOf(pid: number): Promise<{ nowMb: number; peakMb: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const mb = (field: string) => Math.round(Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1_024);
  return { nowMb: mb('VmRSS'), peakMb: mb('VmHWM') };
}

/** The machine's cores, and its load in the last minute: figures of a busy machine say little about time. */
export function machineLoad(): { cores: number; load: number } {
  return { cores: availableParallelism(), load: rounded(loadavg()[0] ?? 0) };
}

// Fields 14 and 15 of the line, counted behind the name, which may hold anything.
function secondsOf(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / TICKS;
}

// tokio numbers its threads.
function threadName(name: string): string {
  return name.replace(/[-_ ]?\d+$/, '');
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
