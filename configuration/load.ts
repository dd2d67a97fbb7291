import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defined } from '../domain/defined.ts';
import type { ConfiguredCapabilities } from '../domain/host/host-capabilities.ts';
import type { ReconcileMode } from '../domain/host/repair-mode.ts';
import type { Policy } from '../domain/policy/policy.ts';
import { HostName, type NodeName, VswitchName } from '../domain/text/identifiers.ts';
import { readBehaviour } from './behaviour-settings.ts';
import { ConfigurationError, type ConfigurationProblem } from './error.ts';
import { HostReader } from './host-reader.ts';
import { type IniFile, scanIni } from './ini-file.ts';
import { IniSource } from './ini-source.ts';
import { type NeutronConfiguration, readNeutron } from './neutron.ts';
import { readPolicyFile } from './policy-file.ts';
import { type LOG_LEVELS, SETTINGS, type Setting, type VlanRange, vswitchSettings } from './schema.ts';
import { Secrets } from './secrets.ts';
import { readServers, type ServerAccess } from './server-access.ts';
import { readWebhooks, type WebhookConfiguration } from './webhooks.ts';

/** The configuration of one process. */
export type Configuration = {
  hosts: HostConfiguration[];
  /** The files that secrets were read from, where there are any. */
  secretFiles?: string[];
  /** Present when Neutron's message bus or REST API is given. */
  neutron?: NeutronConfiguration;
  worker: {
    pollingIntervalSeconds: number;
    directorySweepSeconds: number;
    /** The worker's code is a build of its own for Temporal (docs/deployment.md). */
    versioning: boolean;
    /** Runs in memory. */
    cachedRuns?: number;
    logLevel: (typeof LOG_LEVELS)[number];
  };
};

/** One z/VM system, and its server. */
export type HostConfiguration = ServerAccess & {
  /** The other server of the same system: it is read and compared, and changed by a migration alone. */
  shadow?: ServerAccess;
  /** The host's name in Neutron. */
  host: string;
  physicalNetworks: PhysicalNetwork[];
  /** The first virtual device number for NICs. */
  defaultNicVdev: number;
  /** The first three bytes of `base_mac`: `fa:16:3e`. */
  macPrefix?: string;
  /** The management node's address on the management network, when this project sets that network up. */
  managementNetwork?: { address: string; mask: string };
  /** The guest that serves DHCP on the host's networks. */
  dhcpUserid?: string;
  /** The DHCP node's name in Neutron, when this project's agent reports for it too. */
  dhcpHost?: string;
  /** True to have xCAT write names and addresses of ports into its DNS too. */
  makeDns: boolean;
  /** True to have DirMaint put each change of a guest's directory online. */
  directoryOnline: boolean;
  /** Levels of z/VM that hold whatever it answers. */
  capabilities?: ConfiguredCapabilities;
  /** Receivers of what happens on the host. */
  webhooks?: readonly WebhookConfiguration[];
  /** zHCPs of the members of the SSI cluster; empty for none, absent where z/VM is asked. */
  ssiMembers?: readonly NodeName[];
  /** Drift is repaired or only reported; absent: a host that is new here is observed until an operator confirms it. */
  reconcileMode?: ReconcileMode;
  /** The changes that need an approval or a window, and the file that says so; without one none does. */
  policy?: Policy;
  policyFile?: string;
};

/** A physical network of Neutron with its VSWITCH on this host. */
export type PhysicalNetwork = {
  name: string;
  vswitch: string;
  flat: boolean;
  vlanRanges: VlanRange[];
  rdevs: string[];
  portSelection: 'USERBASED' | 'PORTBASED';
  transport: 'ETHERNET' | 'IP';
};

/** The sources of a configuration: files in order, then the `*.conf` files of each directory by name; later ones win. */
export type ConfigurationSources = {
  configFiles: readonly string[];
  configDirs: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
};

/**
 * Read and check a configuration. Throws a ConfigurationError with all problems, each with file, section and key. Only reads the files.
 */
export function loadConfiguration({ configFiles, configDirs, env }: ConfigurationSources): Configuration {
  const problems: ConfigurationProblem[] = [];
  const paths = [...configFiles, ...configDirs.flatMap((directory) => listDirectory(directory, problems))];
  const source = new IniSource(paths.flatMap((path) => readIni(path, problems)));
  const filesAreWhole = problems.length === 0;
  for (const problem of source.strayHostSections()) problems.push(problem);

  const declared = source.declaredHosts();
  for (const { name, ...place } of declared) {
    if (!HostName.safeParse(name).success) {
      problems.push({
        ...place,
        problem: 'does not name a host',
        allowed: '[zvm_host:<name>] with letters, digits, . _ -',
      });
    }
  }
  const names = declared.length === 0 ? [undefined] : declared.map(({ name }) => name);
  const readPolicy = policyReader(problems);
  const secrets = new Secrets(env);
  const shared = new HostReader(source, undefined, filesAreWhole, problems);
  const webhooks = readWebhooks(source, shared, secrets, problems);
  const hosts = names.map((name) => {
    const reader = new HostReader(source, name, filesAreWhole, problems);
    const host = { ...readHost(reader, secrets), ...readPolicy(reader, env) };
    const told = webhooks.filter((webhook) => webhook.hosts?.includes(host.host) !== false);
    return { ...host, ...(told.length === 0 ? {} : { webhooks: told }) };
  });
  refuseSharedZhcp(hosts, source, problems);

  const pollingIntervalSeconds = shared.read(SETTINGS.pollingIntervalSeconds) ?? DEFAULT_POLLING_SECONDS;
  const directorySweepSeconds = shared.read(SETTINGS.directorySweepSeconds) ?? DEFAULT_SWEEP_SECONDS;
  const versioning = shared.read(SETTINGS.workerVersioning) ?? true;
  const cachedRuns = shared.read(SETTINGS.workerCachedRuns);
  const neutron = readNeutron(shared, env, secrets);
  const debug = shared.read(SETTINGS.debug) ?? false;
  const logLevel = shared.read(SETTINGS.logLevel) ?? (debug ? 'debug' : 'info');

  if (problems.length > 0) throw new ConfigurationError(problems);
  return {
    hosts,
    ...(secrets.files.size === 0 ? {} : { secretFiles: [...secrets.files] }),
    ...defined({ neutron }),
    worker: { pollingIntervalSeconds, directorySweepSeconds, versioning, ...defined({ cachedRuns }), logLevel },
  };
}

/** Reads the policy of each host; a file that several hosts name is read once. */
function policyReader(problems: ConfigurationProblem[]) {
  const read = new Map<string, ReturnType<typeof readPolicyFile>>();
  return (reader: HostReader, env: ConfigurationSources['env']): Pick<HostConfiguration, 'policy' | 'policyFile'> => {
    const fromEnv = env.ZVM_POLICY_FILE ?? '';
    const policyFile = fromEnv === '' ? reader.read(SETTINGS.policyFile) : fromEnv;
    if (policyFile === undefined) return {};
    const known = read.get(policyFile);
    const found = known ?? readPolicyFile(policyFile);
    read.set(policyFile, found);
    if ('policy' in found) return { policyFile, policy: found.policy };
    if (known === undefined) problems.push(...found.problems);
    return { policyFile };
  };
}

const DEFAULT_POLLING_SECONDS = 30;
const DEFAULT_SWEEP_SECONDS = 3_600;
const DEFAULT_NIC_VDEV = 0x1000;

function readHost(reader: HostReader, secrets: Secrets): HostConfiguration {
  const { shadow, ...access } = readServers(reader, secrets);
  const macPrefix = reader.read(SETTINGS.macPrefix);
  const managementNetwork = readManagementNetwork(reader);
  const dhcpUserid = reader.read(SETTINGS.dhcpUserid);
  const dhcpHost = reader.read(SETTINGS.dhcpHost);
  const capabilities = readCapabilities(reader);
  const ssiMembers = reader.read(SETTINGS.ssiMembers);
  const reconcileMode = reader.read(SETTINGS.reconcileMode);
  if (dhcpHost !== undefined && reader.find(SETTINGS.dhcpUserid) === undefined)
    reader.report(SETTINGS.dhcpUserid, 'is missing beside dhcp_host');
  const host = reader.host ?? reader.read(SETTINGS.zvmHost) ?? reader.read(SETTINGS.host);
  // The name would change with the backend.
  if (host === undefined && shadow !== undefined)
    reader.report(SETTINGS.zvmHost, 'is missing beside zvm_shadow_backend');
  return {
    host: host ?? access.zhcpNode,
    ...access,
    ...defined({ shadow }),
    physicalNetworks: readPhysicalNetworks(reader),
    defaultNicVdev: reader.read(SETTINGS.defaultNicVdev) ?? DEFAULT_NIC_VDEV,
    ...defined({ macPrefix, managementNetwork, dhcpUserid, dhcpHost, capabilities, ssiMembers, reconcileMode }),
    makeDns: reader.read(SETTINGS.makeDns) ?? false,
    directoryOnline: reader.read(SETTINGS.directoryOnline) ?? false,
  };
}

function readCapabilities(reader: HostReader): ConfiguredCapabilities | undefined {
  const capabilities = defined({
    release: reader.read(SETTINGS.release),
    directoryNetworkAuthorization: reader.read(SETTINGS.directoryNetworkAuthorization),
    smapiLevel: reader.read(SETTINGS.smapiLevel),
    smcli: reader.read(SETTINGS.smcli),
    behaviour: readBehaviour(reader),
  });
  return Object.keys(capabilities).length === 0 ? undefined : capabilities;
}

/** Both keys or none: one alone is a mistake that would show only when the management node restarts. */
function readManagementNetwork(reader: HostReader): { address: string; mask: string } | undefined {
  const address = reader.read(SETTINGS.managementAddress);
  const mask = reader.read(SETTINGS.managementMask);
  if (address !== undefined && mask !== undefined) return { address, mask };
  if (address !== undefined && reader.find(SETTINGS.managementMask) === undefined)
    reader.report(SETTINGS.managementMask, 'is missing beside xcat_mgt_ip');
  if (mask !== undefined && reader.find(SETTINGS.managementAddress) === undefined)
    reader.report(SETTINGS.managementAddress, 'is missing beside xcat_mgt_mask');
  return undefined;
}

function readPhysicalNetworks(reader: HostReader): PhysicalNetwork[] {
  const mappingSetting = reader.find(SETTINGS.vswitchMappings) ? SETTINGS.vswitchMappings : SETTINGS.bridgeMappings;
  const mappings = reader.read(mappingSetting) ?? new Map<string, string | undefined>();
  const flatNetworks = reader.read(SETTINGS.flatNetworks) ?? [];
  const vlanRanges = reader.read(SETTINGS.vlanRanges) ?? new Map<string, VlanRange[]>();
  const named = flatNetworks.filter((name) => name !== '*');
  const allMappedAreFlat = named.length < flatNetworks.length;
  const networkOf = new Map<string, string>();

  return [...new Set([...named, ...vlanRanges.keys(), ...mappings.keys()])].map((name) => {
    const vswitch = mappings.has(name) ? mappings.get(name) : VswitchName.safeParse(name).data;
    const origin = mappings.has(name)
      ? mappingSetting
      : named.includes(name)
        ? SETTINGS.flatNetworks
        : SETTINGS.vlanRanges;
    const other = networkOf.get(vswitch ?? '');
    if (vswitch === undefined && !mappings.has(name)) {
      reader.report(
        { ...origin, allowed: `the name of a VSWITCH, or ${name}:VSWITCH in vswitch_mappings` },
        `${JSON.stringify(name)} has no mapping and is not a valid name of a VSWITCH`,
        reader.find(origin),
      );
    } else if (other !== undefined) {
      reader.report(
        { ...origin, allowed: 'a separate VSWITCH for each physical network' },
        `${JSON.stringify(name)} and ${JSON.stringify(other)} both map to VSWITCH ${vswitch}`,
        reader.find(origin),
      );
    } else if (vswitch !== undefined) {
      networkOf.set(vswitch, name);
    }
    return {
      name,
      vswitch: vswitch ?? '',
      flat: named.includes(name) || (allMappedAreFlat && mappings.has(name)),
      vlanRanges: vlanRanges.get(name) ?? [],
      ...readVswitch(reader, name, vswitch ?? name),
    };
  });
}

/** The settings of the VSWITCH: from the section of this host, else of the physical network, else of the VSWITCH (the historic ini gives both one name). */
function readVswitch(
  reader: HostReader,
  name: string,
  vswitch: string,
): Pick<PhysicalNetwork, 'rdevs' | 'portSelection' | 'transport'> {
  const ofHost = reader.host === undefined ? [] : [`zvm_host:${reader.host}:${name}`];
  const sections = [...ofHost, name, vswitch].map((section) => vswitchSettings(section));
  const first = <T>(settings: readonly Setting<T>[]): T | undefined => {
    const found = settings.find((setting) => reader.find(setting) !== undefined);
    return found === undefined ? undefined : reader.read(found);
  };
  return {
    rdevs: first(sections.map((section) => section.rdevs)) ?? [],
    portSelection: first(sections.map((section) => section.portSelection)) ?? 'USERBASED',
    transport: first(sections.map((section) => section.transport)) ?? 'ETHERNET',
  };
}

/** The same host as its shadow backend manages it; undefined without one. */
export function shadowOf({ xcat: _xcat, feilong: _feilong, shadow, ...host }: HostConfiguration) {
  return shadow === undefined ? undefined : ({ ...host, ...shadow } satisfies HostConfiguration);
}

/** The URL of the server that a host is managed by. */
export function serverUrlOf({ xcat, feilong }: Pick<HostConfiguration, 'xcat' | 'feilong'>): string {
  return xcat?.url ?? feilong?.url ?? '';
}

// A zHCP drives exactly one z/VM system: two hosts with one zHCP would change the same guests under two locks.
function refuseSharedZhcp(
  hosts: readonly HostConfiguration[],
  source: IniSource,
  problems: ConfigurationProblem[],
): void {
  const hostOf = new Map<string, string>();
  const servers = hosts.flatMap((host) => [host, shadowOf(host) ?? []].flat());
  for (const { host, zhcpNode, ...configuration } of servers) {
    const zhcp = `${serverUrlOf(configuration)} ${zhcpNode}`;
    const other = hostOf.get(zhcp);
    if (other !== undefined && other !== host) {
      problems.push({
        ...source.placeOf(SETTINGS.zhcpNode, source.find(SETTINGS.zhcpNode, host, [])),
        problem: `${JSON.stringify(zhcpNode)} is the zHCP of both ${other} and ${host}`,
        allowed: `a separate zHCP for each host: xcat_zhcp_nodename in [zvm_host:${host}]`,
      });
    }
    hostOf.set(zhcp, host);
  }
}

function listDirectory(directory: string, problems: ConfigurationProblem[]): string[] {
  try {
    return readdirSync(directory)
      .filter((name) => name.endsWith('.conf') && !name.startsWith('.'))
      .toSorted()
      .map((name) => join(directory, name));
  } catch (error) {
    problems.push({ file: directory, problem: unreadable(error), allowed: 'a directory with *.conf files' });
    return [];
  }
}

function readIni(path: string, problems: ConfigurationProblem[]): IniFile[] {
  try {
    const scan = scanIni(new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path)), path);
    // A spread call would exceed the limit of arguments.
    for (const problem of scan.problems) problems.push(problem);
    return [scan.ini];
  } catch (error) {
    problems.push({ file: path, problem: unreadable(error), allowed: 'a readable ini file in UTF-8' });
    return [];
  }
}

function unreadable(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
  return `cannot be read${code}`;
}
