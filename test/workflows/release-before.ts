import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';

const ROOT = join(import.meta.dirname, '../..');
const run = promisify(execFile);

/**
 * The release before: its operations and guest runs differ from today's by holds, restores and the move of a host between backends. From version
 * 0.1.0 on this is the tag of the version before.
 */
export const RELEASE_BEFORE = '19e8aff232908570536605af3451a31f20631910';

const Lock = z.object({ packages: z.record(z.string(), z.object({ version: z.string().optional() })) });
type Lock = z.infer<typeof Lock>;

/** Why the release before cannot be had here; undefined when it can. A shallow clone has no history. */
export async function missingRelease(): Promise<string | undefined> {
  const found = run('git', ['-C', ROOT, 'cat-file', '-e', `${RELEASE_BEFORE}^{commit}`]);
  return found.then(
    () => undefined,
    () => `this clone has no commit ${RELEASE_BEFORE}: git fetch --unshallow`,
  );
}

/** Install the release before into a folder, with the packages of this one where they are those of its lock file. */
export async function installRelease(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const archive = join(folder, 'release.tar');
  await run('git', ['-C', ROOT, 'archive', '--output', archive, RELEASE_BEFORE]);
  await run('tar', ['-C', folder, '-xf', archive]);
  await rm(archive);
  const [its, ours] = await Promise.all([lockOf(folder), lockOf(ROOT)]);
  const isSame = Object.entries(its.packages).every(
    ([path, { version }]) => path === '' || ours.packages[path]?.version === version,
  );
  if (isSame) await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  else await run('npm', ['ci', '--omit=dev', '--prefer-offline', '--no-progress'], { cwd: folder });
}

async function lockOf(folder: string): Promise<Lock> {
  return Lock.parse(JSON.parse(await readFile(join(folder, 'package-lock.json'), 'utf8')));
}
