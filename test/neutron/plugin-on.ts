import { BrokerConnection } from '../../neutron/broker-connection.ts';
import { PluginApi } from '../../neutron/plugin-api.ts';
import { RpcClient } from '../../neutron/rpc-client.ts';
import { parseTransportUrl } from '../../neutron/transport-url.ts';

const quiet = { info: () => {}, warn: () => {}, error: () => {} };

/** A client of a server behind a broker. */
export async function pluginOn(
  transportUrl: string,
): Promise<{ api: PluginApi; rpc: RpcClient; connection: BrokerConnection; close(): Promise<void> }> {
  const connection = new BrokerConnection({
    transport: parseTransportUrl(transportUrl),
    heartbeatSeconds: 60,
    tls: { verify: true },
    log: quiet,
  });
  const flags = { durable: false, autoDelete: false, durableFanout: false, quorumQueues: false };
  const rpc = new RpcClient(connection, { exchange: 'neutron', flags, timeoutMs: 30_000 });
  connection.start();
  await connection.ready();
  return { api: new PluginApi(rpc), rpc, connection, close: () => connection.close() };
}
