import { spawnSync } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ensurePackages } from '../../demo/openstack/packages.ts';
import { type Service, startService } from '../../demo/openstack/service.ts';
import { becomes, type Cloud, createCloud, neutronIsHere } from './real-neutron.ts';
import { expectStatus } from './why.ts';

const MINUTE = 60_000;
const DHCP_PACKAGES = {
  'neutron-dhcp-agent': '/usr/bin/neutron-dhcp-agent',
  'dnsmasq-base': '/usr/sbin/dnsmasq',
  'dnsmasq-utils': '/usr/bin/dhcp_release',
  iproute2: '/usr/sbin/ip',
  udhcpc: '/usr/sbin/udhcpc',
};
const TRY = 'zvm-try';
const BRIDGE = 'zvmvsw1';
const GUEST = 'zvm-guest';
const HOST = 'dhcpnode1';

function ip(...args: string[]): { status: number | null; stdout: string } {
  return spawnSync('ip', args, { encoding: 'utf8' });
}

/** True where network namespaces and bridges may be created. */
function mayHaveNamespaces(): boolean {
  const made = ip('netns', 'add', TRY).status === 0 && ip('link', 'add', BRIDGE, 'type', 'bridge').status === 0;
  ip('link', 'del', BRIDGE);
  ip('netns', 'del', TRY);
  return made;
}

const canRun = neutronIsHere && process.getuid?.() === 0 && mayHaveNamespaces();
if (!canRun)
  process.stderr.write("SKIPPED: the DHCP agent's lease needs root, network namespaces and a neutron-server\n");

describe.skipIf(!canRun)("with Neutron's own DHCP agent on the DHCP node", () => {
  let cloud: Cloud;
  let agent: Service | undefined;

  beforeAll(async () => {
    await ensurePackages(() => {}, DHCP_PACKAGES);
    cloud = await createCloud({ guests: 4, rest: true, configured: { dhcpUserid: 'LNX10003', dhcpHost: HOST } });
    agent = await startDhcpAgent(cloud);
    const isAlive = async () =>
      (await cloud.openstack.api.agents()).some((each) => each.agent_type === 'DHCP agent' && each.alive);
    expect(await becomes(isAlive, 2 * MINUTE)).toBe(true);
    ip('link', 'add', BRIDGE, 'type', 'bridge');
    ip('link', 'set', BRIDGE, 'up');
  }, 10 * MINUTE);
  afterAll(async () => {
    await agent?.stop();
    tidy(cloud?.openstack.folder ?? '');
    await cloud?.close();
  }, 2 * MINUTE);

  test(
    'a guest gets the address that Neutron gave its port, over the port and the DHCP port that this agent reported',
    async () => {
      const { api } = cloud.openstack;
      const networkId = await api.createNetwork({ physicalNetwork: 'physnet1', segmentationId: 1501 }, '10.77.0.0/24');
      const port = await api.createPort({ networkId, host: cloud.host, deviceId: 'LNX10001' });
      const dhcpPort = async () => (await api.portsOf(HOST)).find((each) => each.network_id === networkId);
      expect(await becomes(async () => (await dhcpPort())?.['binding:vif_type'] === 'ovs')).toBe(true);
      await expectStatus(cloud, port.id, 'ACTIVE');
      const served = await dhcpPort();
      expect(served?.status).toBe('ACTIVE');
      expect((await cloud.environment.guest('LNX10003')).nics.map((nic) => nic.vswitch)).toContain('VSW1');

      // A bridge stands in for the VSWITCH: the node's tap on it, and a guest with the port's address.
      const tap = `tap${(served?.id ?? '').slice(0, 11)}`;
      expect(await becomes(() => ip('link', 'set', tap, 'master', BRIDGE).status === 0)).toBe(true);
      ip('link', 'set', tap, 'up');
      plugGuest(port.mac_address);
      const { stdout, stderr } = spawnSync(
        'ip',
        ['netns', 'exec', GUEST, 'udhcpc', '-i', 'eth0', '-n', '-q', '-f', '-t', '10', '-T', '2', '-s', '/bin/true'],
        { encoding: 'utf8', timeout: MINUTE },
      );
      const Fixed = z.object({ port: z.object({ fixed_ips: z.array(z.object({ ip_address: z.string() })) }) });
      const [fixed] = Fixed.parse(await api.get(`ports/${port.id}`)).port.fixed_ips;
      expect(`${stdout}${stderr}`).toContain(`lease of ${fixed?.ip_address} obtained`);
    },
    5 * MINUTE,
  );
});

function plugGuest(mac: string): void {
  ip('netns', 'add', GUEST);
  ip('link', 'add', 'zvmguest0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', GUEST);
  ip('link', 'set', 'zvmguest0', 'master', BRIDGE);
  ip('link', 'set', 'zvmguest0', 'up');
  ip('netns', 'exec', GUEST, 'ip', 'link', 'set', 'eth0', 'address', mac);
  ip('netns', 'exec', GUEST, 'ip', 'link', 'set', 'eth0', 'up');
}

async function startDhcpAgent({ openstack }: Cloud): Promise<Service> {
  const home = join(openstack.folder, 'dhcp');
  // dnsmasq drops root's rights before it reads its files.
  await chmod(openstack.folder, 0o755);
  await mkdir(join(home, 'lock'), { recursive: true });
  const file = join(home, 'dhcp.ini');
  await writeFile(
    file,
    `[DEFAULT]
host = ${HOST}
transport_url = ${openstack.rabbit.transportUrl}
interface_driver = neutron.agent.linux.interface.BridgeInterfaceDriver
dhcp_driver = neutron.agent.linux.dhcp.Dnsmasq
enable_isolated_metadata = false
state_path = ${home}
log_file = ${join(home, 'agent.log')}
[agent]
root_helper = env
[privsep]
helper_command = privsep-helper --config-file ${file}
[oslo_concurrency]
lock_path = ${join(home, 'lock')}
`,
  );
  return startService('/usr/bin/neutron-dhcp-agent', ['--config-file', file], { log: join(home, 'out.log') });
}

/** The agent leaves its namespaces, taps and dnsmasq behind when it ends. */
function tidy(folder: string): void {
  for (const name of namespaces().filter((each) => each.startsWith('qdhcp-') || each === GUEST)) {
    const { stdout } = ip('netns', 'pids', name);
    for (const pid of stdout.split('\n').filter((each) => each !== '')) {
      const command = spawnSync('ps', ['-o', 'args=', '-p', pid], { encoding: 'utf8' }).stdout;
      if (command.includes(folder)) process.kill(Number(pid));
    }
    ip('netns', 'del', name);
  }
  ip('link', 'del', BRIDGE);
}

function namespaces(): string[] {
  return ip('netns', 'list')
    .stdout.split('\n')
    .map((line) => line.split(' ')[0] ?? '');
}
