import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ensurePackages } from '../../demo/openstack/packages.ts';
import { until } from '../../demo/openstack/service.ts';
import { cacheDirectory } from '../../temporal-config/dev-server/temporal-binary.ts';

const run = promisify(execFile);
const SUITE = 'bookworm';
/** Beyond dpkg's own: the first process, and its way to be spoken to. */
const PACKAGES = 'systemd-sysv,dbus';
const INSTALL_MS = 300_000;
const BOOT_MS = 60_000;
const BLOCK_MS = 300_000;
const NAMESPACES = ['--mount', '--pid', '--uts', '--ipc', '--net', '--cgroup'];

/** A program that stands in for one of Debian's, as the text of a shell script. */
export type StandIns = Readonly<Record<string, string>>;

/** An empty Debian with systemd as its first process, in namespaces of its own, and loopback as its only network. */
export type Machine = {
  /** Run commands in the one shell of the machine, as root. Throws an Error with what they said when one of them fails. */
  paste(block: string): Promise<string>;
  stop(): Promise<void>;
};

/**
 * Boot a machine. `outside` is what it sees of this one, by its name in `/outside`; `standIns` come first in its PATH. Throws an Error with the reason
 * where no machine can be booted.
 */
export async function bootMachine(outside: Readonly<Record<string, string>>, standIns: StandIns): Promise<Machine> {
  if (process.getuid?.() !== 0) throw new Error('only root can boot a machine');
  const debian = await emptyDebian();
  const folder = await mkdtemp(join(tmpdir(), 'machine-'));
  const at = (name: string) => join(folder, name);
  await Promise.all([
    mkdir(at('root')),
    mkdir(at('outside/bin'), { recursive: true }),
    writeFile(at('outside.net'), ''),
  ]);
  for (const [name, from] of Object.entries(outside)) await cp(from, at(`outside/${name}`), { recursive: true });
  for (const [name, text] of Object.entries(standIns))
    await writeFile(at(`outside/bin/${name}`), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  const cgroup = join(await cgroups(), `machine-${randomUUID().slice(0, 8)}`);
  await mkdir(cgroup);
  await run('mount', ['--bind', '/proc/self/ns/net', at('outside.net')]);
  const boot = [join(import.meta.dirname, 'boot.sh'), at('root'), debian, at('outside'), npmCache()];
  const inGroup = `echo $$ > ${cgroup}/cgroup.procs && exec unshare ${NAMESPACES.join(' ')} --fork --kill-child -- "$@"`;
  const first = spawn('sh', ['-c', inGroup, 'boot', ...boot], { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const said = outputOf(first);
  const stop = async () => {
    const ended = first.exitCode === null && first.signalCode === null ? once(first, 'exit') : undefined;
    first.kill('SIGKILL');
    await ended;
    await run('umount', [at('outside.net')]);
    // Groups of services are empty once the first process has ended.
    const remove = () => run('find', [cgroup, '-depth', '-type', 'd', '-exec', 'rmdir', '{}', '+']).then(() => true);
    await until('the machine did not end', BOOT_MS, at('log'), remove);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const pid = await firstProcess(first, said);
    const enter = ['-t', String(pid), ...NAMESPACES, '--'];
    const isUp = async () =>
      (await run('nsenter', [...enter, 'systemctl', 'is-system-running']).catch(({ stdout }) => ({ stdout }))).stdout
        .toString()
        .match(/^(running|degraded)/) !== null;
    await until(`Debian did not boot (${said()})`, BOOT_MS, at('log'), isUp);
    return { ...shellOf(enter, at('outside')), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A tar of Debian's minimum, made once by mmdebstrap with the sources of this machine. */
async function emptyDebian(): Promise<string> {
  const debian = join(cacheDirectory(), `debian-${SUITE}.tar`);
  if (existsSync(debian)) return debian;
  await ensurePackages((line) => process.stderr.write(`deployment: ${line}\n`), {
    mmdebstrap: '/usr/bin/mmdebstrap',
  });
  await mkdir(cacheDirectory(), { recursive: true });
  const making = `${debian}.${process.pid}.tar`;
  const options = ['--variant=minbase', `--include=${PACKAGES}`, '--aptopt=Acquire::Check-Valid-Until "false"'];
  await run('mmdebstrap', [...options, SUITE, making], { timeout: INSTALL_MS, maxBuffer: 64 * 1024 * 1024 });
  await rename(making, debian);
  return debian;
}

function npmCache(): string {
  return process.env.npm_config_cache ?? join(homedir(), '.npm');
}

/** The folder of this process's group in the second version of control groups. */
async function cgroups(): Promise<string> {
  const [mounts, own] = await Promise.all([
    readFile('/proc/self/mounts', 'utf8'),
    readFile('/proc/self/cgroup', 'utf8'),
  ]);
  const [, mounted] = /^\S+ (\S+) cgroup2 /m.exec(mounts) ?? [];
  const [, group] = /^0::(.*)$/m.exec(own) ?? [];
  if (mounted === undefined || group === undefined) throw new Error('this machine has no control groups (version 2)');
  return join(mounted, group);
}

/** The pid of systemd, as this machine knows it. */
async function firstProcess(parent: ChildProcess, said: () => string): Promise<number> {
  const children = `/proc/${parent.pid}/task/${parent.pid}/children`;
  let pid = Number.NaN;
  await until('no machine was booted', BOOT_MS, '', async () => {
    if (parent.exitCode !== null) throw new Error(said());
    pid = Number.parseInt(await readFile(children, 'utf8'), 10);
    return Number.isInteger(pid) && (await readFile(`/proc/${pid}/comm`, 'utf8')).trim() === 'systemd';
  });
  return pid;
}

function outputOf(child: ChildProcess): () => string {
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk) => {
      said += String(chunk);
    });
  return () => said;
}

/** One shell for all blocks: what a block sets and where it goes counts for those after it. */
function shellOf(enter: readonly string[], outside: string): Pick<Machine, 'paste'> {
  const PATH = '/outside/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  const env = ['env', '-i', `PATH=${PATH}`, 'HOME=/root', 'LOGNAME=root', 'DEBIAN_FRONTEND=noninteractive'];
  const shell = spawn('nsenter', [...enter, ...env, 'bash', '--noprofile', '--norc'], { stdio: 'pipe' });
  shell.stdin.on('error', () => {});
  shell.stdin.write('exec 2>&1; set -eo pipefail; cd\n');
  const said = outputOf(shell);
  return {
    async paste(block) {
      const from = said().length;
      const end = `end-of-${randomUUID()}`;
      await writeFile(join(outside, 'block.sh'), block);
      shell.stdin.write(`. /outside/block.sh < /dev/null\necho ${end}\n`);
      const deadline = performance.now() + BLOCK_MS;
      while (!said().includes(end, from)) {
        if (shell.exitCode !== null || performance.now() > deadline) {
          const { stdout } = await run('nsenter', [...enter, 'journalctl', '--no-pager', '--lines=150']);
          const words = said().slice(from).slice(-4_000);
          throw new Error(`these commands failed:\n${block}\nThey said:\n${words}\nThe machine's journal:\n${stdout}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      return said().slice(from, said().indexOf(end, from));
    },
  };
}
