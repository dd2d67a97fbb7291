import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { KEYSTONE_PACKAGE, type RunningKeystone, startKeystone } from '../../../demo/openstack/keystone.ts';
import { startOpenstack } from '../../../demo/openstack/neutron-server.ts';
import { ensurePackages } from '../../../demo/openstack/packages.ts';
import { startAgents } from './agents.ts';
import { register } from './catalog.ts';
import { startCompute } from './compute.ts';
import { KNOWN_FAILURES } from './known-failures.ts';
import { listedOf, resultOf, type TempestRun, verdictOf } from './results.ts';

/** Debian's packages of tempest, each with a program or file of it. */
const TEMPEST_PACKAGES = {
  ...KEYSTONE_PACKAGE,
  'python3-tempest': '/usr/lib/python3/dist-packages/tempest/__init__.py',
  tempest: '/usr/bin/tempest',
  'neutron-tempest-plugin': '/usr/lib/python3/dist-packages/neutron_tempest_plugin/plugin.py',
};

/** Tests of ports, binding attributes, trunks, and of others that involve the agent's host. */
const TESTS = [
  'tempest\\.api\\.network\\.test_ports',
  'tempest\\.api\\.network\\.admin\\.test_ports',
  'tempest\\.api\\.network\\.test_allowed_address_pair',
  'tempest\\.api\\.network\\.test_extra_dhcp_options',
  'tempest\\.api\\.network\\.test_networks\\.',
  'tempest\\.api\\.network\\.test_security_groups',
  'tempest\\.api\\.network\\.test_agent_management_negative',
  'neutron_tempest_plugin\\.api\\.test_ports',
  'neutron_tempest_plugin\\.api\\.test_trunk',
  'neutron_tempest_plugin\\.api\\.test_extension_driver_port_security',
  'neutron_tempest_plugin\\.api\\.test_security_groups',
  'neutron_tempest_plugin\\.api\\.admin\\.test_ports',
  'neutron_tempest_plugin\\.api\\.admin\\.test_agent_management',
];

const PASSWORD = 'tempest-secret';
const say = (line: string) => process.stdout.write(`${line}\n`);

/** `.ci/tempest [REGEX]`: unmodified tempest tests on a stock neutron-server whose ports this agent wires on a simulated z/VM. */
async function main(): Promise<void> {
  const [only] = process.argv.slice(2);
  await ensurePackages(say, TEMPEST_PACKAGES);
  const folder = await mkdtemp(join(tmpdir(), 'tempest-'));
  const undo: (() => Promise<void>)[] = [() => rm(folder, { recursive: true, force: true })];
  try {
    const keystone = await startKeystone(folder, PASSWORD);
    undo.push(() => keystone.stop());
    const openstack = await startOpenstack({
      say,
      macPrefix: '02:00:00',
      vlanNetworks: ['physnet1'],
      securityGroups: true,
      servicePlugins: ['trunk', 'qos', 'router'],
      extensionDrivers: ['qos'],
      keystone,
    });
    undo.push(() => openstack.stop());
    const compute = await startCompute(hostname());
    undo.push(() => compute.stop());
    await register(keystone, 'network', openstack.api.url);
    await register(keystone, 'compute', compute.url);
    // Some tests of tempest bind their ports to the machine that they run on.
    const agents = await startAgents(openstack.rabbit.transportUrl, hostname(), say);
    undo.push(() => agents.stop());
    const extensions = z
      .object({ extensions: z.array(z.object({ alias: z.string() })) })
      .parse(await openstack.api.get('extensions'));
    const aliases = extensions.extensions.map(({ alias }) => alias);
    const run = await runTempest(folder, keystone, aliases, only ?? TESTS.join('|'));
    const { lines, isGood } = verdictOf(run, KNOWN_FAILURES, only !== undefined);
    for (const line of lines) say(line);
    process.exitCode = isGood ? 0 : 1;
  } finally {
    for (const step of undo.splice(0).reverse()) await step();
  }
}

async function runTempest(
  folder: string,
  { url, user }: RunningKeystone,
  extensions: readonly string[],
  regex: string,
): Promise<TempestRun> {
  const workspace = join(folder, 'workspace');
  await mkdir(join(folder, 'lock'));
  const file = join(folder, 'tempest.conf');
  await writeFile(
    file,
    `[DEFAULT]
log_file = ${join(folder, 'tempest.log')}
[oslo_concurrency]
lock_path = ${join(folder, 'lock')}
[auth]
admin_username = ${user.username}
admin_password = ${user.password}
admin_project_name = ${user.project}
admin_domain_name = Default
use_dynamic_credentials = true
create_isolated_networks = false
[identity]
uri_v3 = ${url}/v3
auth_version = v3
region = RegionOne
[service_available]
neutron = true
nova = true
glance = false
cinder = false
swift = false
horizon = false
[network-feature-enabled]
api_extensions = ${extensions.join(',')}
[validation]
run_validation = false
[neutron_plugin_options]
available_type_drivers = flat,vlan
provider_vlans = physnet1
`,
  );
  // Tempest's own interpreter, whichever other Python comes first in PATH.
  const env = { ...process.env, PATH: '/usr/bin:/bin', PYTHON: '/usr/bin/python3', HOME: folder };
  await tempest(['init', workspace], env, folder);
  const selected = ['--config-file', file, '--regex', regex];
  const list = await tempest(['run', ...selected, '--list-tests'], env, workspace);
  if (list.end !== 0) throw new Error(`tempest could not list its tests: it ended with ${list.end}`);
  const { lines, end } = await tempest(['run', ...selected, '--concurrency', '2'], env, workspace, say);
  const results = lines.flatMap((line) => resultOf(line) ?? []);
  return { results, listed: list.lines.flatMap((line) => listedOf(line) ?? []), end };
}

/** Run tempest. Answers its lines, and its exit status or the signal that ended it. */
async function tempest(
  args: string[],
  env: NodeJS.ProcessEnv,
  cwd: string,
  show: (line: string) => void = () => {},
): Promise<{ lines: string[]; end: TempestRun['end'] }> {
  const child = spawn('/usr/bin/tempest', args, { env, cwd, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    show(line);
  }
  await ended;
  return { lines, end: child.exitCode ?? child.signalCode ?? 'no exit status' };
}

await main();
