import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** Debian's packages of a Neutron server, each with a program of it (contract neutron.md 1.1). */
const PACKAGES: Readonly<Record<string, string>> = {
  'rabbitmq-server': '/usr/lib/rabbitmq/bin/rabbitmq-server',
  'neutron-server': '/usr/bin/neutron-server',
  'mariadb-server-core': '/usr/sbin/mariadbd',
  'mariadb-client-core': '/usr/bin/mariadb',
};

/** A policy that keeps packages from starting services during their installation. */
const POLICY = '/usr/sbin/policy-rc.d';
const LONGEST_WAIT_MS = 300_000;
const AGAIN_MS = 2_000;

/** The packages that are not installed. */
export function missingPackages(packages: Readonly<Record<string, string>> = PACKAGES): string[] {
  return Object.entries(packages).flatMap(([name, program]) => (existsSync(program) ? [] : [name]));
}

/**
 * Ensure that programs are installed, by default those of a Neutron server. Installs Debian's packages as root on Debian and starts nothing. Throws an
 * Error with the command to run when it cannot install them.
 */
export async function ensurePackages(
  say: (line: string) => void,
  packages: Readonly<Record<string, string>> = PACKAGES,
): Promise<void> {
  const missing = missingPackages(packages);
  if (missing.length === 0) return;
  const command = `apt-get install -y --no-install-recommends ${missing.join(' ')}`;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get'))
    throw new Error(`${missing.join(', ')}: not installed here. On Debian, as root: ${command}`);
  say(`installing ${missing.join(', ')} from Debian's packages …`);
  const ownPolicy = !existsSync(POLICY);
  if (ownPolicy) await writeFile(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    await run('apt-get', ['update', '-qq']);
    await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing]);
  } finally {
    if (ownPolicy) await rm(POLICY, { force: true });
  }
  const still = missingPackages(packages);
  if (still.length > 0) throw new Error(`${still.join(', ')} could not be installed: try ${command}`);
}

// Another installation may be running: apt-get does not wait for the lock of the lists.
async function run(program: string, args: string[]): Promise<void> {
  const deadline = Date.now() + LONGEST_WAIT_MS;
  for (;;) {
    const { status, stderr } = spawnSync(program, args, {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    });
    if (status === 0) return;
    if (!/(could not get|unable to (lock|acquire))/i.test(stderr) || Date.now() > deadline)
      throw new Error(`${program} ${args.join(' ')} failed: ${stderr.slice(-500)}`);
    await sleep(AGAIN_MS);
  }
}
