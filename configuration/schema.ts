import { isIPv6 } from 'node:net';
import { z } from 'zod';
import { BackendKind } from '../domain/host/host.ts';
import { DirectoryNetworkAuthorization, SmapiLevel, SmcliKind, ZvmRelease } from '../domain/host/host-capabilities.ts';
import { RECONCILE_MODES } from '../domain/host/repair-mode.ts';
import { Mac, macPrefix } from '../domain/port/mac.ts';
import { Vdev, vdevNumber } from '../domain/port/vdev.ts';
import { HostName, NodeName, Userid, VswitchName } from '../domain/text/identifiers.ts';
import { parseTransportUrl, type Transport } from '../neutron/transport-url.ts';

/** The levels of the worker's log. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const;

/** VLAN ids `from` to `to`, both included. */
export type VlanRange = { from: number; to: number };

/** One key of the ini files: its sections, of which the first in a file counts, and the schema from text to value. */
export type Setting<T> = {
  key: string;
  sections: readonly [string, ...string[]];
  schema: z.ZodType<T, string>;
  allowed: string;
  /** The value as an error may show it; undefined for a secret. */
  show: (text: string) => string | undefined;
  /** The good part of a value with mistakes, so that the sections that it names are checked too. */
  despiteMistakes?: (text: string) => T;
};

/** The server's address as configured, and as a URL without a path. */
export type XcatServer = { server: string; url: string };

const LOWEST_VLAN = 1;
const HIGHEST_VLAN = 4094;

const TRUE = ['true', '1', 'on', 'yes'];
const FALSE = ['false', '0', 'off', 'no'];

export const Flag = z
  .string()
  .transform((text) => text.toLowerCase())
  .pipe(z.string().refine((text) => TRUE.includes(text) || FALSE.includes(text), 'is not a boolean'))
  .transform((text) => TRUE.includes(text));

export function wholeNumber(lowest: number, highest: number): z.ZodType<number, string> {
  return z
    .string()
    .regex(/^[0-9]{1,9}$/, 'is not a whole number')
    .transform(Number)
    .refine((value) => value >= lowest && value <= highest, 'is out of range');
}

/** Seconds, with fractions where Neutron accepts them. */
function seconds(lowest: number, highest: number): z.ZodType<number, string> {
  return z
    .string()
    .regex(/^[0-9]{1,9}(\.[0-9]{1,9})?$/, 'is not a number')
    .transform(Number)
    .refine((value) => value >= lowest && value <= highest, 'is out of range');
}

/** The items of a comma-separated list; empty items, as after a final comma, are dropped. */
function items(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

const PhysicalNetworks = z.string().transform((text) => [...new Set(items(text))]);

type Complain = (problem: string) => void;

/** The VSWITCH of each physical network; undefined for a bad entry. */
function readMappings(text: string, complain: Complain): ReadonlyMap<string, string | undefined> {
  const mappings = new Map<string, string | undefined>();
  for (const item of items(text)) {
    const [name = '', target = '', ...rest] = item.split(':').map((part) => part.trim());
    const vswitch = VswitchName.safeParse(target);
    const isGood = name !== '' && rest.length === 0 && vswitch.success;
    if (!isGood) complain(`has the invalid entry ${JSON.stringify(item)}`);
    else if (mappings.has(name)) complain(`maps ${name} twice`);
    if (name !== '' && !mappings.has(name)) mappings.set(name, isGood ? vswitch.data : undefined);
  }
  return mappings;
}

/** The VLANs of each physical network; none for bad entries. */
function readVlanRanges(text: string, complain: Complain): ReadonlyMap<string, VlanRange[]> {
  const ranges = new Map<string, VlanRange[]>();
  for (const item of items(text)) {
    const [name = '', ...bounds] = item.split(':').map((part) => part.trim());
    const [low, high] = bounds.length === 0 ? [String(LOWEST_VLAN), String(HIGHEST_VLAN)] : bounds;
    const from = vlan(low);
    const to = vlan(high);
    const isGood = name !== '' && bounds.length <= 2 && from !== undefined && to !== undefined && from <= to;
    if (!isGood) complain(`has the invalid entry ${JSON.stringify(item)}`);
    if (name !== '') ranges.set(name, merged([...(ranges.get(name) ?? []), ...(isGood ? [{ from, to }] : [])]));
  }
  return ranges;
}

function vlan(text: string | undefined): number | undefined {
  if (text === undefined || !/^[0-9]{1,4}$/.test(text)) return undefined;
  const value = Number(text);
  return value >= LOWEST_VLAN && value <= HIGHEST_VLAN ? value : undefined;
}

function merged(ranges: readonly VlanRange[]): VlanRange[] {
  const result: VlanRange[] = [];
  for (const range of ranges.toSorted((one, other) => one.from - other.from)) {
    const last = result.at(-1);
    if (last !== undefined && range.from <= last.to + 1) last.to = Math.max(last.to, range.to);
    else result.push({ ...range });
  }
  return result;
}

const Rdevs = z.string().transform((text, context): string[] => {
  const rdevs = items(text.replaceAll(/\s+/g, ',')).map((item) => {
    const [, device, port = ''] = /^([0-9a-f]{1,4})(\.p[0-9]{1,2})?$/i.exec(item) ?? [];
    if (device === undefined) context.addIssue(`has the invalid entry ${JSON.stringify(item)}`);
    // The four digits that z/VM prints (docs/reference/smcli.md 4.1) make a3 and 00A3 equal.
    return `${(device ?? '').padStart(4, '0')}${port}`.toUpperCase();
  });
  if (new Set(rdevs).size < rdevs.length) context.addIssue('names a device twice');
  if (rdevs.length > 3) context.addIssue('names more than three devices');
  return rdevs;
});

const Server = z.string().transform((server, context): XcatServer => {
  const url = /^https?:\/\//i.test(server)
    ? server
    : isIPv6(server)
      ? `https://[${server}]`
      : /^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?$/.test(server)
        ? `https://${server}`
        : '';
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const bare = parsed !== undefined && `${parsed.protocol}//${parsed.host}/` === parsed.href;
  if (!bare) {
    context.addIssue('is not a server address');
    return z.NEVER;
  }
  return { server, url: parsed.origin };
});

const BaseMac = z
  .string()
  .regex(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i, 'is not a MAC address')
  .refine((text) => Mac.safeParse(text).success, 'is not a unicast MAC address')
  .transform((text): string => macPrefix(Mac.parse(text)));

const TransportUrl = z.string().transform((text, context): Transport => {
  try {
    return parseTransportUrl(text);
  } catch (error) {
    context.addIssue(error instanceof Error ? error.message : 'is not a transport URL');
    return z.NEVER;
  }
});

const HttpUrl = z.string().refine((text) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && /^https?:$/.test(url.protocol) && url.username === '' && url.search === '';
}, 'is not a URL of http or https');

/** `none` is a list without members. */
const ZhcpNodes = z.string().transform((text, context): NodeName[] => {
  const names = text.trim().toLowerCase() === 'none' ? [] : items(text);
  return names.flatMap((name) => {
    const node = NodeName.safeParse(name).data;
    if (node === undefined) context.addIssue(`has the invalid entry ${JSON.stringify(name)}`);
    return node ?? [];
  });
});

const NicVdev = z.string().transform((text, context): number => {
  const vdev = Vdev.safeParse(text);
  if (vdev.success) return vdevNumber(vdev.data);
  context.addIssue('is not a virtual device number that leaves room for three devices');
  return z.NEVER;
});

// The historic agent reads its keys from [AGENT]; Nova's z/VM driver has the same names in [DEFAULT] of nova.conf.
export const AGENT = ['agent', 'DEFAULT', 'zvm'] as const;

function setting<T>(
  key: string,
  sections: Setting<T>['sections'],
  schema: z.ZodType<T, string>,
  allowed: string,
  show: Setting<T>['show'] = (text) => text,
): Setting<T> {
  return { key, sections, schema, allowed, show };
}

/** A list of entries; the good ones are read even when others are bad. */
function listSetting<T>(
  key: string,
  sections: Setting<T>['sections'],
  read: (text: string, complain: Complain) => T,
  allowed: string,
): Setting<T> {
  const schema = z.string().transform((text, context) => read(text, (problem) => context.addIssue(problem)));
  return { ...setting(key, sections, schema, allowed), despiteMistakes: (text) => read(text, () => {}) };
}

const hidden = (): undefined => undefined;
const MAPPING_FORM = 'name:VSWITCH,… with each VSWITCH one token of 1 to 8 characters of A–Z, 0–9, @ # $ _ -';

// Before 2014, oslo.messaging read its keys from [DEFAULT].
const RABBIT = ['oslo_messaging_rabbit', 'DEFAULT'] as const;
const NEUTRON = ['agent', 'DEFAULT', 'neutron', 'zvm'] as const;

/** A key that is `quantum_…` in Quantum's files and `neutron_…` in later ones. */
function eitherName<Key extends string, Value>(
  key: Key,
  schema: z.ZodType<Value, string>,
  allowed: string,
  show?: Setting<Value>['show'],
): { [Name in `quantum_${Key}` | `neutron_${Key}`]: Setting<Value> } {
  const both = { [`quantum_${key}`]: setting(`quantum_${key}`, NEUTRON, schema, allowed, show) };
  both[`neutron_${key}`] = setting(`neutron_${key}`, NEUTRON, schema, allowed, show);
  return both as { [Name in `quantum_${Key}` | `neutron_${Key}`]: Setting<Value> };
}

/** All keys, except those of vswitchSettings, whose sections are the physical networks. */
export const SETTINGS = {
  host: setting('host', ['DEFAULT'], named(HostName, 'is not a host name'), 'letters, digits, . _ -'),
  zvmHost: setting('zvm_host', AGENT, named(HostName, 'is not a host name'), 'letters, digits, . _ -'),
  zhcpNode: setting('xcat_zhcp_nodename', AGENT, named(NodeName, 'is not an xCAT node name'), 'letters, digits, . _ -'),
  server: setting(
    'zvm_xcat_server',
    AGENT,
    Server,
    'host, host:port, https://host[:port] or http://host[:port], without user, path and query',
    (text) => text.replace(/^.*@/s, '…@').replace(/\?.*$/s, '?…'),
  ),
  username: setting('zvm_xcat_username', AGENT, z.string(), 'a user of xCAT; or ZVM_XCAT_USERNAME in the environment'),
  password: setting(
    'zvm_xcat_password',
    AGENT,
    z.string(),
    'any text; or ZVM_XCAT_PASSWORD in the environment',
    hidden,
  ),
  timeoutSeconds: setting('zvm_xcat_timeout', AGENT, wholeNumber(1, 86_400), '1 to 86400 seconds'),
  caFile: setting('zvm_xcat_ca_file', AGENT, z.string(), 'path of a PEM file'),
  maxAnswerMebibytes: setting('zvm_xcat_max_answer', AGENT, wholeNumber(1, 512), '1 to 512 MiB'),
  verifyTls: setting('zvm_xcat_verify_tls', AGENT, Flag, 'true or false'),
  credentialsInQuery: setting('zvm_xcat_credentials_in_query', AGENT, Flag, 'true or false'),
  backend: setting('zvm_backend', AGENT, word(BackendKind), 'xcat or feilong'),
  shadowBackend: setting('zvm_shadow_backend', AGENT, word(BackendKind), 'the other one of xcat and feilong'),
  connectorUrl: setting('cloud_connector_url', AGENT, HttpUrl, 'http://host:port or https://host:port', (text) =>
    text.replace(/^.*@/s, '…@').replace(/\?.*$/s, '?…'),
  ),
  connectorCaFile: setting('cloud_connector_ca_file', AGENT, z.string(), 'path of a PEM file'),
  feilongTokenFile: setting('zvm_feilong_token_file', AGENT, z.string(), 'path of a file with the token'),
  feilongUsername: setting('zvm_feilong_username', AGENT, z.string(), 'a user of the proxy in front of Feilong'),
  feilongPassword: setting(
    'zvm_feilong_password',
    AGENT,
    z.string(),
    'any text; or ZVM_FEILONG_PASSWORD in the environment',
    hidden,
  ),
  feilongTimeoutSeconds: setting('zvm_feilong_timeout', AGENT, wholeNumber(60, 86_400), '60 to 86400 seconds'),
  feilongVerifyTls: setting('zvm_feilong_verify_tls', AGENT, Flag, 'true or false'),
  vswitchMappings: listSetting('vswitch_mappings', ['agent', 'ovs', 'DEFAULT', 'zvm'], readMappings, MAPPING_FORM),
  bridgeMappings: listSetting('bridge_mappings', ['ovs'], readMappings, MAPPING_FORM),
  flatNetworks: setting('flat_networks', ['ml2_type_flat'], PhysicalNetworks, 'name,… or *'),
  vlanRanges: listSetting(
    'network_vlan_ranges',
    ['ml2_type_vlan', 'ovs', 'agent'],
    readVlanRanges,
    'name or name:low:high, with commas between; 1 ≤ low ≤ high ≤ 4094',
  ),
  defaultNicVdev: setting(
    'zvm_default_nic_vdev',
    ['DEFAULT', 'agent', 'zvm'],
    NicVdev,
    '1 to 4 hex digits, at most FFFD',
  ),
  managementAddress: setting('xcat_mgt_ip', AGENT, z.ipv4('is not an IPv4 address'), 'an IPv4 address'),
  managementMask: setting('xcat_mgt_mask', AGENT, z.ipv4('is not a network mask'), 'a network mask, as in 255.255.0.0'),
  dhcpUserid: setting('dhcp_userid', AGENT, named(Userid, 'is not a z/VM userid'), 'a userid of 1 to 8 characters'),
  makeDns: setting('xcat_makedns', AGENT, Flag, 'true or false'),
  directoryOnline: setting('directory_online', AGENT, Flag, 'true or false'),
  release: setting('zvm_release', AGENT, named(ZvmRelease, 'is not a release of z/VM'), 'a release, as 7.4'),
  directoryNetworkAuthorization: setting(
    'zvm_directory_network_authorization',
    AGENT,
    word(DirectoryNetworkAuthorization),
    DirectoryNetworkAuthorization.options.join(', '),
  ),
  smapiLevel: setting('zvm_smapi_level', AGENT, named(SmapiLevel, 'is not a functional level'), 'a level, as V7.2'),
  reconcileMode: setting('reconcile_mode', AGENT, word(z.enum(RECONCILE_MODES)), RECONCILE_MODES.join(' or ')),
  ssiMembers: setting(
    'zvm_ssi_members',
    AGENT,
    ZhcpNodes,
    'the zHCP nodes of all members of the SSI cluster, with commas between; or none',
  ),
  smcli: setting('zvm_smcli', AGENT, word(SmcliKind), SmcliKind.options.join(', ')),
  dhcpHost: setting('dhcp_host', AGENT, named(HostName, 'is not a host name'), 'letters, digits, . _ -'),
  transportUrl: setting(
    'transport_url',
    ['DEFAULT'],
    TransportUrl,
    'rabbit://user:password@host:port,…/vhost; or ZVM_TRANSPORT_URL in the environment',
    hidden,
  ),
  controlExchange: setting('control_exchange', ['DEFAULT'], z.string(), 'the name of an exchange'),
  rpcTimeoutSeconds: setting('rpc_response_timeout', ['DEFAULT'], wholeNumber(1, 3_600), '1 to 3600 seconds'),
  reportIntervalSeconds: setting('report_interval', ['agent', 'DEFAULT'], seconds(1, 3_600), '1 to 3600 seconds'),
  heartbeatSeconds: setting('heartbeat_timeout_threshold', RABBIT, wholeNumber(0, 3_600), '0 to 3600 seconds'),
  durableQueues: setting('amqp_durable_queues', RABBIT, Flag, 'true or false'),
  durableQueuesOld: setting('rabbit_durable_queues', RABBIT, Flag, 'true or false'),
  autoDelete: setting('amqp_auto_delete', RABBIT, Flag, 'true or false'),
  quorumQueue: setting('rabbit_quorum_queue', RABBIT, Flag, 'true or false'),
  transientQuorumQueue: setting('rabbit_transient_quorum_queue', RABBIT, Flag, 'true or false'),
  brokerTls: setting('ssl', RABBIT, Flag, 'true or false'),
  brokerTlsOld: setting('rabbit_use_ssl', RABBIT, Flag, 'true or false'),
  brokerCaFile: setting('ssl_ca_file', RABBIT, z.string(), 'path of a PEM file'),
  brokerCaFileOld: setting('kombu_ssl_ca_certs', RABBIT, z.string(), 'path of a PEM file'),
  brokerCertFile: setting('ssl_cert_file', RABBIT, z.string(), 'path of a PEM file'),
  brokerCertFileOld: setting('kombu_ssl_certfile', RABBIT, z.string(), 'path of a PEM file'),
  brokerKeyFile: setting('ssl_key_file', RABBIT, z.string(), 'path of a PEM file'),
  brokerKeyFileOld: setting('kombu_ssl_keyfile', RABBIT, z.string(), 'path of a PEM file'),
  rabbitHosts: setting('rabbit_hosts', RABBIT, z.string(), 'host:port,…'),
  rabbitHost: setting('rabbit_host', RABBIT, z.string(), 'a host'),
  rabbitPort: setting('rabbit_port', RABBIT, wholeNumber(1, 65_535), '1 to 65535'),
  rabbitUserid: setting('rabbit_userid', RABBIT, z.string(), 'a user of RabbitMQ'),
  rabbitPassword: setting('rabbit_password', RABBIT, z.string(), 'its password', hidden),
  rabbitVhost: setting('rabbit_virtual_host', RABBIT, z.string(), 'a virtual host'),
  ...eitherName('url', HttpUrl, 'http://host:9696'),
  ...eitherName('auth_strategy', oneOf('KEYSTONE', 'NOAUTH'), 'keystone or noauth'),
  ...eitherName('admin_username', z.string(), 'a user of Keystone'),
  ...eitherName('admin_password', z.string(), 'its password; or ZVM_NEUTRON_PASSWORD in the environment', hidden),
  ...eitherName('admin_tenant_name', z.string(), 'a project'),
  ...eitherName('admin_auth_url', HttpUrl, 'http://host:5000/v3'),
  ...eitherName('ca_certificates_file', z.string(), 'path of a PEM file'),
  macPrefix: setting(
    'base_mac',
    ['DEFAULT'],
    BaseMac,
    'six bytes in hex with colons, unicast, as in 02:00:00:00:00:00',
  ),
  directorySweepSeconds: setting('directory_sweep_interval', AGENT, wholeNumber(60, 604_800), '60 to 604800 seconds'),
  pollingIntervalSeconds: setting('polling_interval', AGENT, wholeNumber(1, 86_400), '1 to 86400 seconds'),
  policyFile: setting('zvm_policy_file', AGENT, z.string(), 'path of a policy file in YAML'),
  workerCachedRuns: setting('worker_cached_runs', AGENT, wholeNumber(20, 100_000), '20 to 100000'),
  workerVersioning: setting('worker_versioning', AGENT, Flag, 'true or false'),
  logLevel: setting(
    'log_level',
    ['DEFAULT'],
    z.string().toLowerCase().pipe(z.enum(LOG_LEVELS, 'is not a log level')),
    LOG_LEVELS.join(', '),
  ),
  debug: setting('debug', ['DEFAULT'], Flag, 'true or false'),
} as const;

/** The keys of a VSWITCH in the section of its physical network, as in the historic ini. */
export function vswitchSettings(section: string) {
  return {
    rdevs: setting('rdev_list', [section], Rdevs, 'up to three real devices of 1 to 4 hex digits, with commas between'),
    portSelection: setting('port_selection', [section], oneOf('USERBASED', 'PORTBASED'), 'userbased or portbased'),
    transport: setting('transport_type', [section], oneOf('ETHERNET', 'IP'), 'ethernet (layer 2) or ip (layer 3)'),
  };
}

function oneOf<Word extends string>(...words: [Word, ...Word[]]): z.ZodType<Word, string> {
  return z
    .string()
    .transform((text) => text.toUpperCase())
    .pipe(z.enum(words, `is none of ${words.join(', ').toLowerCase()}`));
}

function word<Word extends string>(words: z.ZodType<Word, Word>): z.ZodType<Word, string> {
  return z
    .string()
    .toLowerCase()
    .transform((text, context): Word => {
      const result = words.safeParse(text);
      if (result.success) return result.data;
      context.addIssue('is none of the allowed words');
      return z.NEVER;
    });
}

function named(schema: z.ZodType<string, string>, problem: string): z.ZodType<string, string> {
  return z.string().transform((text, context): string => {
    const result = schema.safeParse(text);
    if (result.success) return result.data;
    context.addIssue(problem);
    return z.NEVER;
  });
}
