import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { inject, onTestFinished } from 'vitest';

const ROOT = join(import.meta.dirname, '..');

/** A program of the project as a process of its own, which does not outlive its test. */
export type Program = {
  /** Of it and of its process group, in which is what it starts. */
  pid: number;
  /** All that it has said, on either stream. */
  said(): string;
  /** Its exit code; null when a signal ended it. */
  ended: Promise<number | null>;
  /** Send it a signal that ends it, and wait until it has ended. */
  end(signal: NodeJS.Signals): Promise<number | null>;
};

/** Start a program by its file in this project or elsewhere, on the test's own Temporal server. */
export function startProgram(file: string, args: readonly string[], env: Record<string, string> = {}): Program {
  return start(process.execPath, [resolve(ROOT, file), ...args], {
    ...process.env,
    TEMPORAL_ADDRESS: inject('temporalAddress'),
    TEMPORAL_NAMESPACE: inject('temporalNamespace'),
    ...env,
  });
}

/** Start a script of package.json as its user does, without the Temporal server of another program. */
export function startScript(name: string, args: readonly string[]): Program {
  const { TEMPORAL_ADDRESS: _address, ...env } = process.env;
  return start('npm', ['run', '--silent', name, '--', ...args], env);
}

function start(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Program {
  const child = spawn(command, args, { cwd: ROOT, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${command} cannot be started`);
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      said += String(chunk);
    });
  const ended = once(child, 'close').then(() => child.exitCode);
  onTestFinished(() => {
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // Nothing is left of it.
    }
  });
  return {
    pid,
    said: () => said,
    ended,
    end: (signal) => {
      child.kill(signal);
      return ended;
    },
  };
}
