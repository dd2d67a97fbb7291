import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'amqplib';
import { expect, onTestFinished, test } from 'vitest';
import { ensurePackages } from '../../demo/openstack/packages.ts';
import { startRabbit } from '../../demo/openstack/rabbitmq.ts';
import { BrokerConnection } from '../../neutron/broker-connection.ts';
import { RpcClient } from '../../neutron/rpc-client.ts';
import { Subscription } from '../../neutron/subscription.ts';
import { parseTransportUrl } from '../../neutron/transport-url.ts';
import { freePort } from '../../temporal-config/dev-server/free-ports.ts';
import { amqpUrl, becomes, neutronIsHere } from './real-neutron.ts';
import { NOT_DURABLE } from './test-broker.ts';

const MINUTE = 60_000;
const quiet = { info: () => {}, warn: () => {}, error: () => {} };

/** Two brokers of one cluster. */
async function startCluster() {
  const folder = await mkdtemp(join(tmpdir(), 'networking-zvm-cluster-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const cluster = { epmdPort: await freePort(), cookie: 'NETWORKINGZVM' };
  const first = await startRabbit(join(folder, 'first'), undefined, cluster);
  onTestFinished(() => first.stop());
  const second = await startRabbit(join(folder, 'second'), undefined, cluster);
  onTestFinished(() => second.stop());
  second.control('stop_app');
  second.control('join_cluster', first.node);
  second.control('start_app');
  return { first, second };
}

test.skipIf(!neutronIsHere)(
  'when the broker of a cluster that has the agent’s queues ends, the agent goes on with the next',
  async () => {
    await ensurePackages(() => {});
    const { first, second } = await startCluster();
    const transport = parseTransportUrl(first.transportUrl);
    transport.brokers.push(...parseTransportUrl(second.transportUrl).brokers);
    const connection = new BrokerConnection({ transport, heartbeatSeconds: 5, tls: { verify: true }, log: quiet });
    const rpc = new RpcClient(connection, { exchange: 'neutron', flags: NOT_DURABLE, timeoutMs: 2_000 });
    const heard: string[] = [];
    new Subscription(connection, {
      queue: 'agent',
      topics: ['topic'],
      flags: NOT_DURABLE,
      log: quiet,
      onConnected: () => {},
      onDisconnected: () => {},
      onTakenOver: () => {},
      onRebound: () => {},
      onMessages: async (messages) => void heard.push(...messages.map(({ method }) => method)),
    });
    onTestFinished(() => connection.close());
    connection.start();
    await connection.ready();
    await first.restart(async () => {
      const noServer = () => rpc.call({ topic: 'nobody', method: 'x', version: '1.0', args: {} });
      const codeOf = async () => noServer().catch((error: { code?: string }) => error.code);
      expect(await becomes(async () => (await codeOf()) === 'no-server')).toBe(true);
      const model = await connect(amqpUrl(second));
      const channel = await model.createChannel();
      channel.publish('topic_fanout', '', Buffer.from('{"method":"hello"}'));
      expect(await becomes(() => heard.includes('hello'))).toBe(true);
      await model.close();
    });
  },
  5 * MINUTE,
);
