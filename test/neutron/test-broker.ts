import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BrokerConnection, type BrokerOptions } from '../../neutron/broker-connection.ts';
import type { ExchangeFlags } from '../../neutron/exchanges.ts';
import { Subscription } from '../../neutron/subscription.ts';
import { parseTransportUrl } from '../../neutron/transport-url.ts';
import { makeCertificate } from '../../simulator/certificate.ts';
import { ensurePackages } from '../../workers/demo/openstack/packages.ts';
import { type Rabbit, startRabbit } from '../../workers/demo/openstack/rabbitmq.ts';

export const NOT_DURABLE: ExchangeFlags = {
  durable: false,
  autoDelete: false,
  durableFanout: false,
  quorumQueues: false,
};

/** A RabbitMQ broker of a test's own, with and without TLS, and the agent's side of connections to it. */
export type TestBroker = {
  rabbit: Rabbit;
  folder: string;
  /** Of the authority that vouches for its certificate. */
  caFile: string;
  /** The log of all connections, line by line. */
  said: readonly string[];
  connectionTo(url: string, tls?: BrokerOptions['tls']): BrokerConnection;
  /** Take the messages of a topic, by the names of their methods. */
  listen(
    connection: BrokerConnection,
    queue: string,
    topic: string,
    take: (methods: string[]) => Promise<void>,
    flags?: ExchangeFlags,
    onTakenOver?: () => void,
  ): void;
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
    listen(connection, queue, topic, take, flags = NOT_DURABLE, onTakenOver = () => {}) {
      new Subscription(connection, {
        queue,
        topics: [topic],
        flags,
        log,
        onConnected: () => {},
        onDisconnected: () => {},
        onTakenOver,
        onMessages: (messages) => take(messages.map(({ method }) => method)),
      });
    },
    async close() {
      await rabbit.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
