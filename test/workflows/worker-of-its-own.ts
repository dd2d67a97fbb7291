import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { inject, type TestContext } from 'vitest';
import type { Environment } from './environment.ts';

/** A worker of the host in a process of its own, which does not outlive its test. */
export async function startWorker(
  { configuration }: Environment,
  { onTestFinished }: Pick<TestContext, 'onTestFinished'>,
): Promise<ChildProcess> {
  const argument = {
    configuration,
    address: inject('temporalAddress'),
    namespace: inject('temporalNamespace'),
  };
  const script = join(import.meta.dirname, 'worker-process.ts');
  const child = spawn(process.execPath, [script, JSON.stringify(argument)], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return child;
}
