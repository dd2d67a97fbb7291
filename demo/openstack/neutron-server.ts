import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../temporal-config/dev-server/free-ports.ts';
import type { RunningKeystone } from './keystone.ts';
import { startMariadb } from './mariadb.ts';
import { NeutronApi } from './neutron-api.ts';
import { ensurePackages } from './packages.ts';
import { type Rabbit, startRabbit } from './rabbitmq.ts';
import { neutronRelease, type Release } from './release.ts';
import { type Service, startService, until } from './service.ts';

/** A stock neutron-server with ML2 and the openvswitch driver, its broker and its database, all on 127.0.0.1. */
export type Openstack = {
  rabbit: Rabbit;
  api: NeutronApi;
  folder: string;
  /** The server's configuration file, which also configures an agent. */
  configFile: string;
  /** Stop the server and start it again. */
  restartServer(whileDown?: () => Promise<void>): Promise<void>;
  stop(): Promise<void>;
};

export type OpenstackOptions = {
  say(line: string): void;
  /** The first three bytes of Neutron's MACs: z/VM's USER prefix. */
  macPrefix: string;
  /** Physical networks with VLANs. */
  vlanNetworks: readonly string[];
  agentDownSeconds?: number;
  /** True to have Neutron assume that agents enforce security groups, its default. */
  securityGroups?: boolean;
  /** Plugins of the server beside ML2, such as `qos` and `trunk`. */
  servicePlugins?: readonly string[];
  /** Extension drivers of ML2 for these, beside `port_security`. */
  extensionDrivers?: readonly string[];
  /** Options of `[oslo_messaging_rabbit]`. */
  broker?: Readonly<Record<string, string>>;
  tls?: { certificate: string; key: string };
  /** The Keystone that authenticates users; without one every caller may do everything. */
  keystone?: RunningKeystone;
};

const START_MS = 120_000;
// Newer releases let only services such as Nova change bindings; callers here have no token.
const POLICY = ['create_port_binding', 'delete_port_binding', 'activate'].map((rule) => `"${rule}": "@"\n`).join('');

/** Install missing packages and start all parts (docs/reference/neutron.md 1). */
export async function startOpenstack(options: OpenstackOptions): Promise<Openstack> {
  const { say } = options;
  const release = neutronRelease();
  await ensurePackages(say);
  const folder = await mkdtemp(join(tmpdir(), 'networking-zvm-neutron-'));
  const undo: (() => Promise<void>)[] = [() => rm(folder, { recursive: true, force: true, maxRetries: 5 })];
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    say('Neutron: starting RabbitMQ and MariaDB …');
    const starting = [startRabbit(folder, options.tls), startMariadb(folder)] as const;
    for (const each of starting)
      each.then(
        (started) => undo.push(() => started.stop()),
        () => {},
      );
    // When one fails, the other, which may still be starting, has to be stopped too.
    await Promise.allSettled(starting);
    const [rabbit, database] = await Promise.all(starting);
    const port = await freePort();
    const configFile = await writeConfiguration(folder, port, rabbit, database.connection, release, options);
    const migration = spawnSync(release.migrate, ['--config-file', configFile, 'upgrade', 'heads'], {
      encoding: 'utf8',
    });
    if (migration.status !== 0) throw new Error(`neutron-db-manage failed: ${migration.stderr.slice(-1_000)}`);
    say('Neutron: starting neutron-server …');
    const api = new NeutronApi(`http://127.0.0.1:${port}`, options.keystone?.token);
    const start = () => startServer(release, configFile, join(folder, 'neutron'), port, api);
    let server = await start();
    undo.push(() => server.stop());
    return {
      rabbit,
      api,
      folder,
      configFile,
      stop,
      async restartServer(whileDown) {
        await server.stop();
        await whileDown?.();
        server = await start();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startServer(
  release: Release,
  configFile: string,
  home: string,
  port: number,
  api: NeutronApi,
): Promise<{ stop(): Promise<void> }> {
  const log = join(home, 'out.log');
  const services: Service[] = [];
  for (const { program, args, env = {} } of await release.processes(configFile, home, port))
    services.push(await startService(program, args, { log, env }));
  await until('neutron-server did not answer', START_MS, log, async () => (await api.get('networks')) !== undefined);
  return {
    async stop() {
      await Promise.all(services.map((service) => service.stop()));
    },
  };
}

async function writeConfiguration(
  folder: string,
  port: number,
  rabbit: Rabbit,
  database: string,
  { pasteConfig }: Release,
  options: OpenstackOptions,
): Promise<string> {
  const { macPrefix, vlanNetworks, agentDownSeconds = 75, securityGroups = false, broker = {}, keystone } = options;
  const home = join(folder, 'neutron');
  await mkdir(join(home, 'lock'), { recursive: true });
  await mkdir(join(home, 'state'), { recursive: true });
  const policy = join(home, 'policy.yaml');
  await writeFile(policy, POLICY);
  const file = join(home, 'neutron.conf');
  await writeFile(
    file,
    `[DEFAULT]
bind_host = 127.0.0.1
bind_port = ${port}
auth_strategy = ${keystone === undefined ? 'noauth' : 'keystone'}
core_plugin = ml2
service_plugins = ${(options.servicePlugins ?? []).join(',')}
base_mac = ${macPrefix}:00:00:00
transport_url = ${rabbit.transportUrl}
state_path = ${join(home, 'state')}
graceful_shutdown_timeout = 2
api_workers = 0
rpc_workers = 1
rpc_state_report_workers = 0
agent_down_time = ${agentDownSeconds}
notify_nova_on_port_status_changes = false
notify_nova_on_port_data_changes = false
api_paste_config = ${pasteConfig}
log_file = ${join(home, 'server.log')}
[database]
connection = ${database}
[oslo_concurrency]
lock_path = ${join(home, 'lock')}
[oslo_policy]
policy_file = ${policy}
[oslo_messaging_notifications]
driver = noop
[oslo_messaging_rabbit]
${Object.entries(broker)
  .map(([name, value]) => `${name} = ${value}`)
  .join('\n')}
[ml2]
type_drivers = flat,vlan
tenant_network_types = vlan
mechanism_drivers = openvswitch
extension_drivers = ${['port_security', ...(options.extensionDrivers ?? [])].join(',')}
[securitygroup]
enable_security_group = ${securityGroups}
[ml2_type_flat]
flat_networks = *
[ml2_type_vlan]
network_vlan_ranges = ${vlanNetworks.map((name) => `${name}:1:4094`).join(',')}
${keystone === undefined ? '' : authenticationBy(keystone)}`,
  );
  return file;
}

function authenticationBy({ url, user }: RunningKeystone): string {
  return `[keystone_authtoken]
auth_type = password
auth_url = ${url}
www_authenticate_uri = ${url}
username = ${user.username}
password = ${user.password.replaceAll('$', '$$$$')}
project_name = ${user.project}
user_domain_name = ${user.userDomain}
project_domain_name = ${user.projectDomain}
`;
}
