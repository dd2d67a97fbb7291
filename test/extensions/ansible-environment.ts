import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { canInstall, installedPython } from '../../demo/openstack/python-environment.ts';
import { cacheDirectory } from '../../temporal-config/dev-server/temporal-binary.ts';

const ANSIBLE = { name: 'Ansible', requirements: join(import.meta.dirname, 'requirements.txt') };
const COLLECTION = join(import.meta.dirname, '../../extensions/ansible');
const MOST_BYTES = 16 * 1024 * 1024;
/** Home of ansible-test: it makes a virtual environment for each of its tests there. */
const TEST_HOME = join(cacheDirectory(), 'ansible-test');
/** The script that brings pip into them. ansible-test would fetch it from a server of its own, and takes it from its cache if it is there. */
const BOOTSTRAP = 'get_pip_24_2.py';
const run = promisify(execFile);

export const ansibleIsHere = canInstall(ANSIBLE);
if (!ansibleIsHere) process.stderr.write('SKIPPED: no Ansible here, and no Python 3 with venv to install it\n');

// biome-ignore lint/suspicious/noExplicitAny: a result is whatever the test expects of it
type Result = any;

/** The collection, built and installed from its tarball, as a user has it. */
export type InstalledCollection = {
  /** The results of tasks, run by one playbook; a failed one does not end it. Throws an Error with the playbook's words. */
  results(tasks: readonly object[]): Promise<Result[]>;
  /** Run `ansible-test sanity` with these of its tests. Throws an Error with its words. */
  sanity(...tests: string[]): Promise<void>;
};

/** Build and install the collection in an empty folder. `defaults`: arguments of all its modules. */
export async function installedCollection(folder: string, defaults: object): Promise<InstalledCollection> {
  const python = await installedPython(ANSIBLE, (line) => process.stderr.write(`${line}\n`));
  const env = {
    ...process.env,
    // Ansible refuses other locales.
    LC_ALL: 'C.UTF-8',
    ANSIBLE_HOME: join(folder, 'home'),
    ANSIBLE_COLLECTIONS_PATH: join(folder, 'collections'),
    ANSIBLE_LOCALHOST_WARNING: 'false',
    ANSIBLE_INVENTORY_UNPARSED_WARNING: 'false',
    ANSIBLE_PYTHON_INTERPRETER: python,
    ANSIBLE_NOCOLOR: '1',
    // A module is not copied to the machine that it is on already.
    ANSIBLE_PIPELINING: '1',
  };
  const path = join(folder, 'collections/ansible_collections/networking_zvm/zvm');
  // The programs of an environment in the cache are called by its Python: they name the folder that it was made in.
  const call = (name: string, args: readonly string[]) =>
    run(python, ['-m', 'ansible', name, ...args], { cwd: folder, env, maxBuffer: MOST_BYTES });
  await call('galaxy', ['collection', 'build', COLLECTION, '--output-path', folder]);
  const { version }: { version: string } = JSON.parse(await readFile(join(COLLECTION, '../../package.json'), 'utf8'));
  // Its name says that it has the project's version.
  const tarball = join(folder, `networking_zvm-zvm-${version}.tar.gz`);
  await call('galaxy', ['collection', 'install', tarball, '--offline', '-p', join(folder, 'collections')]);
  return {
    async results(tasks) {
      const [playbook, file] = [join(folder, 'playbook.json'), join(folder, 'results.json')];
      const named = tasks.map((task, index) => ({ ...task, register: `result${index}`, ignore_errors: true }));
      const content = `{{ [${tasks.map((_task, index) => `result${index}`).join(', ')}] | to_json }}`;
      const play = {
        hosts: 'localhost',
        gather_facts: false,
        module_defaults: { 'group/networking_zvm.zvm.gateway': defaults },
        tasks: [...named, { 'ansible.builtin.copy': { content, dest: file } }],
      };
      await writeFile(playbook, JSON.stringify([play]));
      await call('playbook', [playbook]);
      return JSON.parse(await readFile(file, 'utf8'));
    },
    async sanity(...tests) {
      const version = await run(python, ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])']);
      const bootstrap = join(TEST_HOME, '.ansible/test/cache', BOOTSTRAP);
      await mkdir(dirname(bootstrap), { recursive: true });
      await writeFile(bootstrap, 'import ensurepip\n\nensurepip.bootstrap()\n');
      const chosen = tests.flatMap((name) => ['--test', name]);
      const args = ['-m', 'ansible', 'test', 'sanity', '--python', version.stdout.trim(), ...chosen];
      await run(python, args, { cwd: path, env: { ...env, HOME: TEST_HOME }, maxBuffer: MOST_BYTES });
    },
  };
}
