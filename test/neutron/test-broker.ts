import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'amqplib';
import { ensurePackages } from '../../demo/openstack/packages.ts';
import { type Rabbit, startRabbit } from '../../demo/openstack/rabbitmq.ts';
import { BrokerConnection, type BrokerOptions } from '../../neutron/broker-connection.ts';
import type { ExchangeFlags } from '../../neutron/exchanges.ts';
import { Subscription } from '../../neutron/subscription.ts';
import { parseTransportUrl } from '../../neutron/transport-url.ts';
import { makeCertificate } from '../../simulator/http/certificate.ts';
import { amqpUrl } from './real-neutron.ts';

export const NOT_DURABLE: ExchangeFlags = {
  durable: false,
  autoDelete: false,
  durableFanout: false,
  quorumQueues: false,
};

/** A RabbitMQ broker of one test, with and without TLS, and the agent's side of connections to it. */
export type TestBroker = {
  rabbit: Rabbit;
  folder: string;
  /** The file of the CA that signed its certificate. */
  caFile: string;
  /** The log of all connections, line by line. */
  said: readonly string[];
  connectionTo(url: string, tls?: BrokerOptions['tls']): BrokerConnection;
  /** Receive the messages of a topic, by the names of their methods. */
  listen(
    connection: BrokerConnection,
    queue: string,
    topic: string,
    take: (methods: string[]) => Promise<void>,
    flags?: ExchangeFlags,
    onTakenOver?: () => void,
    onRebound?: () => void,
  ): void;
  /** Remove all bindings of a queue, as an operator's clean-up does; answers their number. */
  unbind(queue: string): Promise<number>;
  close(): Promise<void>;
};

export async function startTestBroker(): Promise<TestBroker> {
  await ensurePackages(() => {});
  const folder = await mkdtemp(join(tmpdir(), 'networking-zvm-broker-'));
  const { cert, key, ca } = await makeCertificate();
  const caFile = join(folder, 'ca.pem');
  await writeFile(caFile, ca);
  const rabbit = await startRabbit(folder, { certificate: cert, key });
  const said: string[] = [];
  const hear = (context: Record<string, unknown>, message: string) =>
    said.push(JSON.stringify({ ...context, message }));
  const log = { info: hear, warn: hear, error: hear };
  return {
    rabbit,
    folder,
    caFile,
    said,
    connectionTo: (url, tls = { verify: true }) =>
      new BrokerConnection({ transport: parseTransportUrl(url), heartbeatSeconds: 5, tls, log }),
    listen(connection, queue, topic, take, flags = NOT_DURABLE, onTakenOver = () => {}, onRebound = () => {}) {
      new Subscription(connection, {
        queue,
        topics: [topic],
        flags,
        log,
        onConnected: () => {},
        onDisconnected: () => {},
        onTakenOver,
        onRebound,
        onMessages: (messages) => take(messages.map(({ method }) => method)),
      });
    },
    unbind: (queue) => unbindAll(rabbit, queue),
    async close() {
      await rabbit.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Remove all bindings of a queue at a broker; answers their number. */
export async function unbindAll(rabbit: Rabbit, queue: string): Promise<number> {
  const columns = ['source_name', 'destination_name', 'destination_kind', 'routing_key'];
  const lines = rabbit.control('list_bindings', '--silent', '--no-table-headers', ...columns).split('\n');
  const bindings = lines
    .map((line) => line.split('\t'))
    .filter(([source, name, kind]) => source !== '' && name === queue && kind === 'queue');
  const model = await connect(amqpUrl(rabbit));
  const channel = await model.createChannel();
  for (const [source = '', , , key = ''] of bindings) await channel.unbindQueue(queue, source, key);
  await model.close();
  return bindings.length;
}
