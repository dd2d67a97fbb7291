import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheDirectory } from '../../temporal-config/dev-server/temporal-binary.ts';

const LONGEST_INSTALLATION_MS = 900_000;
const run = promisify(execFile);

/** A Python program with its packages, as pip's file of requirements names them. */
export type PythonPackages = { name: string; requirements: string };

/** True where the packages are installed already, or can be: Python 3 with venv. */
export function canInstall(packages: PythonPackages): boolean {
  return existsSync(pythonOf(cached(packages))) || spawnSync('python3', ['-c', 'import venv, ensurepip']).status === 0;
}

/**
 * The Python of a virtual environment in the project's cache that has the packages, installed from PyPI where it is not there. Throws an Error with
 * pip's words when it cannot be.
 */
export async function installedPython(packages: PythonPackages, say: (line: string) => void): Promise<string> {
  const path = cached(packages);
  if (existsSync(pythonOf(path))) return pythonOf(path);
  say(`installing ${packages.name} from PyPI …`);
  await mkdir(cacheDirectory(), { recursive: true });
  const making = await mkdtemp(join(cacheDirectory(), 'making-'));
  try {
    await run('python3', ['-m', 'venv', making], { timeout: LONGEST_INSTALLATION_MS });
    const flags = ['--quiet', '--disable-pip-version-check', '--requirement', packages.requirements];
    await run(pythonOf(making), ['-m', 'pip', 'install', ...flags], { timeout: LONGEST_INSTALLATION_MS });
    // A virtual environment finds its packages from where its Python is, so it can be renamed. Another process may have been faster.
    await rename(making, path).catch((error: unknown) => {
      if (!existsSync(pythonOf(path))) throw error;
    });
  } finally {
    await rm(making, { recursive: true, force: true });
  }
  return pythonOf(path);
}

function cached({ name, requirements }: PythonPackages): string {
  const digest = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12);
  return join(cacheDirectory(), `${name.toLowerCase()}-${digest}`);
}

function pythonOf(environment: string): string {
  return join(environment, 'bin', 'python3');
}
