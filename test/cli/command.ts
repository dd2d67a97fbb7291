import { spawn } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';

export const ROOT = join(import.meta.dirname, '../..');
const ZVMNET = join(ROOT, 'cli/zvmnet');

/** How a command ended. `json` is its standard output, read. */
export type Ended = { code: number | null; out: string; err: string };

export type Running = {
  ended: Promise<Ended>;
  interrupt(): void;
  told(text: string): Promise<void>;
  /** Type a line, on a terminal. */
  say(line: string): void;
  /** The process has this file open. */
  hasOpen(file: string): boolean;
};

/** Start `zvmnet` as a user does, against the test's own Temporal server. */
export function start(args: readonly string[], env: Record<string, string> = {}): Running {
  return run(ZVMNET, args, env);
}

/** The same on a terminal with colours, which `script` of util-linux provides; where CI runs there is no `TERM`. */
export function startOnTerminal(args: readonly string[], env: Record<string, string> = {}, columns = 220): Running {
  const words = [ZVMNET, ...args].map((word) => `'${word}'`).join(' ');
  const command = `stty cols ${columns} rows 40; ${words}`;
  return run('script', ['-qec', command, '/dev/null'], { TERM: 'xterm-256color', ...env }, 'pipe');
}

/** Run `zvmnet` to its end. */
export function zvmnet(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  return start(args, env).ended;
}

/** The output of `zvmnet … --json`. */
// biome-ignore lint/suspicious/noExplicitAny: a document is whatever the test expects of it
export async function zvmnetJson(args: readonly string[], env: Record<string, string> = {}): Promise<any> {
  return JSON.parse((await zvmnet([...args, '--json'], env)).out);
}

/** Linux says it of each process. */
function openFilesOf(pid: number | undefined): string[] {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).map((name) => readlinkSync(join(folder, name)));
  } catch {
    return [];
  }
}

function run(
  program: string,
  args: readonly string[],
  env: Record<string, string>,
  stdin: 'ignore' | 'pipe' = 'ignore',
): Running {
  const { NO_COLOR: _no, FORCE_COLOR: _force, CI: _ci, ...rest } = process.env;
  const child = spawn(program, args, {
    env: {
      ...rest,
      TEMPORAL_ADDRESS: inject('temporalAddress'),
      TEMPORAL_NAMESPACE: inject('temporalNamespace'),
      ZVMNET_UI_URL: 'http://ui.example',
      ...env,
    },
    stdio: [stdin, 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  const listeners = new Set<() => void>();
  child.stdout?.on('data', (chunk) => {
    out += String(chunk);
    for (const look of listeners) look();
  });
  child.stderr?.on('data', (chunk) => {
    err += String(chunk);
    for (const look of listeners) look();
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, out, err }));
  });
  return {
    ended,
    interrupt: () => child.kill('SIGINT'),
    say: (line) => void child.stdin?.write(`${line}\n`),
    hasOpen: (file) => openFilesOf(child.pid).includes(file),
    told: (text) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (!(out + err).includes(text)) return;
          listeners.delete(look);
          resolve();
        };
        listeners.add(look);
        look();
        void ended.then((how) => reject(new Error(`ended without ${text}: ${JSON.stringify(how)}`)));
      }),
  };
}
