import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheDirectory } from '../../temporal-config/dev-server/temporal-binary.ts';

/** The folder of this project's files for Feilong that are no modules. */
export const FILES = import.meta.dirname;

const REQUIREMENTS = join(FILES, 'requirements.txt');
const LONGEST_INSTALLATION_MS = 600_000;
const run = promisify(execFile);

/** True where Feilong is installed already, or can be: Python 3 with venv. */
export function canRunFeilong(): boolean {
  return existsSync(pythonOf(cached())) || spawnSync('python3', ['-c', 'import venv, ensurepip']).status === 0;
}

/**
 * The Python of a virtual environment in the project's cache that has the pinned Feilong, installed from PyPI where it is not there. Throws an
 * Error with pip's words when it cannot be.
 */
export async function feilongPython(say: (line: string) => void): Promise<string> {
  const path = cached();
  if (existsSync(pythonOf(path))) return pythonOf(path);
  say('installing Feilong from PyPI …');
  await mkdir(cacheDirectory(), { recursive: true });
  const making = await mkdtemp(join(cacheDirectory(), 'making-'));
  try {
    await run('python3', ['-m', 'venv', making], { timeout: LONGEST_INSTALLATION_MS });
    const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--requirement', REQUIREMENTS];
    await run(pythonOf(making), install, { timeout: LONGEST_INSTALLATION_MS });
    // A virtual environment finds its packages from where its Python is, so it can be renamed. Another process may have been faster.
    await rename(making, path).catch((error: unknown) => {
      if (!existsSync(pythonOf(path))) throw error;
    });
  } finally {
    await rm(making, { recursive: true, force: true });
  }
  return pythonOf(path);
}

function cached(): string {
  const digest = createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex').slice(0, 12);
  return join(cacheDirectory(), `feilong-${digest}`);
}

function pythonOf(environment: string): string {
  return join(environment, 'bin', 'python3');
}
