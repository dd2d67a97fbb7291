import type { Logger } from 'pino';
import type { NeutronSource } from '../../activities/host-runtime.ts';
import type { HostConfiguration } from '../../configuration/load.ts';
import type { NeutronConfiguration } from '../../configuration/neutron.ts';
import { BrokerConnection } from '../../neutron/broker-connection.ts';
import { PluginApi } from '../../neutron/plugin-api.ts';
import { NeutronRest } from '../../neutron/rest-client.ts';
import { RpcClient } from '../../neutron/rpc-client.ts';
import { portSource } from '../../neutron/source.ts';

/** A connection to the broker, with Neutron's calls on it. */
export type NeutronBus = { connection: BrokerConnection; api: PluginApi };

/** The access of a process to Neutron; `start` connects. */
export type NeutronConnection = {
  /** Undefined where only Neutron's REST API is configured. */
  bus: NeutronBus | undefined;
  sourceFor(host: HostConfiguration): NeutronSource;
  start(): void;
  close(): Promise<void>;
};

/** The access to Neutron from its configuration. */
export function neutronConnection({ bus, rest }: NeutronConfiguration, logger: Logger): NeutronConnection {
  const restClient = rest === undefined ? undefined : new NeutronRest(rest);
  const connected = bus === undefined ? undefined : connectBus(bus, logger);
  return {
    bus: connected,
    sourceFor: ({ physicalNetworks }) =>
      portSource(
        { rpc: connected?.api, rest: restClient },
        physicalNetworks.map(({ name }) => name),
      ),
    start: () => connected?.connection.start(),
    close: async () => {
      await connected?.connection.close();
      await restClient?.close();
    },
  };
}

function connectBus(bus: NonNullable<NeutronConfiguration['bus']>, logger: Logger) {
  const { transport, heartbeatSeconds, tls, exchange, flags, rpcTimeoutSeconds } = bus;
  const log = {
    info: logger.info.bind(logger),
    warn: logger.warn.bind(logger),
    error: logger.error.bind(logger),
  };
  if (!transport.tls && !transport.brokers.every(({ host }) => isLoopback(host)))
    logger.warn("connection to RabbitMQ without TLS: the network carries Neutron's data unencrypted");
  const connection = new BrokerConnection({ transport, heartbeatSeconds, tls, log });
  const rpc = new RpcClient(connection, { exchange, flags, timeoutMs: rpcTimeoutSeconds * 1_000 });
  return { connection, api: new PluginApi(rpc) };
}

function isLoopback(host: string): boolean {
  return /^(127(\.\d+){3}|localhost|::1)$/.test(host);
}
