import { defined } from '../domain/defined.ts';
import type { BrokerOptions } from '../neutron/broker-connection.ts';
import type { ExchangeFlags } from '../neutron/exchanges.ts';
import type { RestOptions } from '../neutron/rest-client.ts';
import { parseTransportUrl, type Transport, transportOptions } from '../neutron/transport-url.ts';
import type { HostReader } from './host-reader.ts';
import { SETTINGS, type Setting } from './schema.ts';
import type { Secrets } from './secrets.ts';

/** The access to Neutron: its message bus, its REST API for reading, or both. */
export type NeutronConfiguration = {
  bus?: {
    transport: Transport;
    exchange: string;
    flags: ExchangeFlags;
    heartbeatSeconds: number;
    tls: BrokerOptions['tls'];
    rpcTimeoutSeconds: number;
    reportIntervalSeconds: number;
  };
  rest?: RestOptions;
};

type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_EXCHANGE = 'neutron';
const DEFAULT_RPC_TIMEOUT_SECONDS = 60;
const DEFAULT_HEARTBEAT_SECONDS = 60;
const DEFAULT_REPORT_SECONDS = 30;
const REST_TIMEOUT_MS = 60_000;

/** Read the access to Neutron. Undefined when neither transport_url (or rabbit_host) nor quantum_url is given. */
export function readNeutron(
  reader: HostReader,
  environment: Environment,
  secrets: Secrets,
): NeutronConfiguration | undefined {
  const passwords = [SETTINGS.neutron_admin_password, SETTINGS.quantum_admin_password];
  const [password] = passwords.flatMap((each) => secrets.override(reader, each, 'ZVM_NEUTRON_PASSWORD') ?? []);
  const transport = secrets.override(reader, SETTINGS.transportUrl, 'ZVM_TRANSPORT_URL');
  const env = { ...environment, ...defined({ ZVM_NEUTRON_PASSWORD: password, ZVM_TRANSPORT_URL: transport }) };
  const bus = readBus(reader, env);
  const rest = readRest(reader, env);
  if (bus === undefined && rest === undefined) return undefined;
  return defined({ bus, rest });
}

function readBus(reader: HostReader, env: Environment): NeutronConfiguration['bus'] {
  if (!isBusGiven(reader, env)) return undefined;
  const transport = readTransport(reader, env);
  const read = brokerOptions(reader, env);
  const durable = read(SETTINGS.durableQueues) ?? read(SETTINGS.durableQueuesOld) ?? false;
  const quorum = read(SETTINGS.quorumQueue) ?? false;
  const transientQuorum = read(SETTINGS.transientQuorumQueue) ?? false;
  const caFile = read(SETTINGS.brokerCaFile) ?? read(SETTINGS.brokerCaFileOld);
  const certFile = read(SETTINGS.brokerCertFile) ?? read(SETTINGS.brokerCertFileOld);
  const keyFile = read(SETTINGS.brokerKeyFile) ?? read(SETTINGS.brokerKeyFileOld);
  const options = {
    exchange: reader.read(SETTINGS.controlExchange) ?? DEFAULT_EXCHANGE,
    flags: {
      durable: durable || quorum,
      autoDelete: read(SETTINGS.autoDelete) ?? false,
      durableFanout: transientQuorum,
      quorumQueues: quorum || transientQuorum,
    },
    heartbeatSeconds: read(SETTINGS.heartbeatSeconds) ?? DEFAULT_HEARTBEAT_SECONDS,
    tls: {
      verify: true,
      ...defined({ caFile, certFile, keyFile }),
    },
    rpcTimeoutSeconds: reader.read(SETTINGS.rpcTimeoutSeconds) ?? DEFAULT_RPC_TIMEOUT_SECONDS,
    reportIntervalSeconds: reader.read(SETTINGS.reportIntervalSeconds) ?? DEFAULT_REPORT_SECONDS,
  };
  return transport === undefined ? undefined : { transport, ...options };
}

function isBusGiven(reader: HostReader, env: Environment): boolean {
  const places = [SETTINGS.transportUrl, SETTINGS.rabbitHosts, SETTINGS.rabbitHost];
  return (env.ZVM_TRANSPORT_URL ?? '') !== '' || places.some((place) => reader.find(place) !== undefined);
}

/** Reads options of the broker as oslo.messaging does: the query of `transport_url` overrides the files. */
function brokerOptions(reader: HostReader, env: Environment): <T>(setting: Setting<T>) => T | undefined {
  const found = reader.find(SETTINGS.transportUrl);
  const options = transportOptions(env.ZVM_TRANSPORT_URL || (found?.text ?? ''));
  return (setting) => {
    const text = options.get(setting.key);
    if (text === undefined) return reader.read(setting);
    const result = setting.schema.safeParse(text);
    if (result.success) return result.data;
    reader.report(
      SETTINGS.transportUrl,
      `has an invalid ${setting.key} in its query: must be ${setting.allowed}`,
      found,
    );
    return undefined;
  };
}

/** The value of `transport_url`, or of the keys that had its role before 2014. */
function readTransport(reader: HostReader, env: Environment): Transport | undefined {
  const tls = reader.read(SETTINGS.brokerTls) ?? reader.read(SETTINGS.brokerTlsOld) ?? false;
  const fromEnvironment = env.ZVM_TRANSPORT_URL ?? '';
  if (fromEnvironment !== '') {
    try {
      return parseTransportUrl(fromEnvironment, tls);
    } catch (error) {
      const problem = error instanceof Error ? error.message : 'is not a transport URL';
      reader.report(SETTINGS.transportUrl, `ZVM_TRANSPORT_URL in the environment, or transport_url_file, ${problem}`);
      return undefined;
    }
  }
  const found = reader.find(SETTINGS.transportUrl);
  if (found !== undefined) {
    const checked = reader.read(SETTINGS.transportUrl);
    return checked === undefined ? undefined : parseTransportUrl(found.text, tls);
  }
  const hosts = reader.read(SETTINGS.rabbitHosts) ?? reader.read(SETTINGS.rabbitHost);
  if (hosts === undefined) return undefined;
  return oldTransport(reader, hosts, tls);
}

function oldTransport(reader: HostReader, hosts: string, tls: boolean): Transport | undefined {
  const port = reader.read(SETTINGS.rabbitPort);
  const user = encodeURIComponent(reader.read(SETTINGS.rabbitUserid) ?? 'guest');
  const password = encodeURIComponent(reader.read(SETTINGS.rabbitPassword) ?? 'guest');
  const brokers = hosts
    .split(',')
    .map((host) => host.trim())
    .map((host) => `${user}:${password}@${host}${port === undefined || /:\d+$/.test(host) ? '' : `:${port}`}`);
  const vhost = reader.read(SETTINGS.rabbitVhost) ?? '/';
  try {
    return parseTransportUrl(`rabbit://${brokers.join(',')}/${encodeURIComponent(vhost)}`, tls);
  } catch (error) {
    const setting = reader.find(SETTINGS.rabbitHosts) === undefined ? SETTINGS.rabbitHost : SETTINGS.rabbitHosts;
    reader.report(setting, error instanceof Error ? error.message : 'is not a host', reader.find(setting));
    return undefined;
  }
}

function readRest(reader: HostReader, env: Environment): RestOptions | undefined {
  if (reader.find(SETTINGS.neutron_url) === undefined && reader.find(SETTINGS.quantum_url) === undefined)
    return undefined;
  const url = reader.read(SETTINGS.neutron_url) ?? reader.read(SETTINGS.quantum_url) ?? '';
  const caFile =
    reader.read(SETTINGS.neutron_ca_certificates_file) ?? reader.read(SETTINGS.quantum_ca_certificates_file);
  const strategy =
    reader.read(SETTINGS.neutron_auth_strategy) ?? reader.read(SETTINGS.quantum_auth_strategy) ?? 'KEYSTONE';
  const common = { url, timeoutMs: REST_TIMEOUT_MS, ...defined({ caFile }) };
  if (strategy === 'NOAUTH') return { ...common, auth: { strategy: 'noauth' } };
  const required = (key: 'admin_username' | 'admin_password' | 'admin_auth_url', override?: string): string => {
    const newer = SETTINGS[`neutron_${key}`];
    return reader.find(newer) === undefined
      ? reader.readRequired(SETTINGS[`quantum_${key}`], '', override)
      : reader.readRequired(newer, '', override);
  };
  return {
    ...common,
    auth: {
      strategy: 'keystone',
      authUrl: required('admin_auth_url'),
      username: required('admin_username'),
      password: required('admin_password', env.ZVM_NEUTRON_PASSWORD),
      project:
        reader.read(SETTINGS.neutron_admin_tenant_name) ?? reader.read(SETTINGS.quantum_admin_tenant_name) ?? 'service',
      userDomain: 'Default',
      projectDomain: 'Default',
    },
  };
}
