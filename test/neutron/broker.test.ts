import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'amqplib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BrokerConnection, type BrokerOptions } from '../../neutron/broker-connection.ts';
import type { NeutronError } from '../../neutron/errors.ts';
import type { ExchangeFlags } from '../../neutron/exchanges.ts';
import { RpcClient } from '../../neutron/rpc-client.ts';
import { Subscription } from '../../neutron/subscription.ts';
import { parseTransportUrl } from '../../neutron/transport-url.ts';
import { makeCertificate } from '../../simulator/certificate.ts';
import { ensurePackages } from '../../workers/demo/openstack/packages.ts';
import { type Rabbit, startRabbit } from '../../workers/demo/openstack/rabbitmq.ts';
import { becomes, neutronIsHere } from './real-neutron.ts';

const MINUTE = 60_000;
const NOT_DURABLE: ExchangeFlags = { durable: false, autoDelete: false, durableFanout: false };

describe.skipIf(!neutronIsHere)('with a RabbitMQ broker', () => {
  let rabbit: Rabbit;
  let folder = '';
  let caFile = '';
  const said: string[] = [];
  const hear = (context: Record<string, unknown>, message: string) =>
    said.push(JSON.stringify({ ...context, message }));
  const log = { info: hear, warn: hear, error: hear };
  const connectionTo = (url: string, tls: BrokerOptions['tls'] = { verify: true }) =>
    new BrokerConnection({ transport: parseTransportUrl(url), heartbeatSeconds: 5, tls, log });
  const failureOf = async (connection: BrokerConnection): Promise<NeutronError> => {
    connection.start();
    return connection.ready().then(
      () => {
        throw new Error('it connected');
      },
      (error: NeutronError) => error,
    );
  };

  beforeAll(async () => {
    await ensurePackages(() => {});
    folder = await mkdtemp(join(tmpdir(), 'networking-zvm-broker-'));
    const { cert, key, ca } = await makeCertificate();
    caFile = join(folder, 'ca.pem');
    await writeFile(caFile, ca);
    rabbit = await startRabbit(folder, { certificate: cert, key });
  }, 5 * MINUTE);
  afterAll(async () => {
    await rabbit?.stop();
    await rm(folder, { recursive: true, force: true });
  }, MINUTE);

  test('a wrong password ends the tries at once, and stands nowhere in what is said', async () => {
    const connection = connectionTo(rabbit.transportUrl.replace('neutron-secret', 'Hush-1'));
    const failure = await failureOf(connection);
    expect(failure).toMatchObject({ code: 'unauthorised', retryable: false });
    await connection.close();
    expect(said.join() + failure.message).not.toContain('Hush-1');
  });

  test('a virtual host that is not there is named as the reason', async () => {
    const connection = connectionTo(rabbit.transportUrl.replace(/\/\/$/, '/nowhere'));
    expect(await failureOf(connection)).toMatchObject({ code: 'unauthorised' });
    await connection.close();
  });

  test('of several brokers the next is tried when one is away', async () => {
    const connection = connectionTo(rabbit.transportUrl.replace('@', '@127.0.0.1:1,neutron:neutron-secret@'));
    connection.start();
    await connection.ready();
    await connection.close();
    expect(said.some((line) => line.includes('127.0.0.1:1"') && line.includes('no connection'))).toBe(true);
  });

  test('over TLS the broker is trusted by the authority that is configured, and by no other', async () => {
    const url = rabbit.transportUrl.replace(String(rabbit.port), String(rabbit.tlsPort)).replace(/$/, '?ssl=1');
    const trusted = connectionTo(url, { verify: true, caFile });
    trusted.start();
    await trusted.ready();
    await trusted.close();
    const untrusted = connectionTo(url);
    expect(await failureOf(untrusted)).toMatchObject({
      code: 'untrusted',
      advice: expect.stringContaining('ssl_ca_file'),
    });
    await untrusted.close();
  });

  test('exchanges of a deployment that are there are used as they are, whatever the flags say', async () => {
    const model = await connect(rabbit.transportUrl.replace(/^rabbit/, 'amqp').replace(/\/\/$/, '/'));
    const channel = await model.createChannel();
    await channel.assertExchange('durable', 'topic', { durable: true });
    await channel.assertExchange('topic-a_fanout', 'fanout', { durable: true, autoDelete: false });
    const connection = connectionTo(rabbit.transportUrl);
    const rpc = new RpcClient(connection, { exchange: 'durable', flags: NOT_DURABLE, timeoutMs: 5_000 });
    const heard: string[] = [];
    new Subscription(connection, {
      queue: 'agent-a',
      topics: ['topic-a'],
      flags: NOT_DURABLE,
      log,
      onConnected: () => {},
      onDisconnected: () => {},
      onTakenOver: () => {},
      onMessages: async (messages) => {
        heard.push(...messages.map(({ method }) => method));
      },
    });
    connection.start();
    await connection.ready();
    channel.publish('topic-a_fanout', '', Buffer.from(JSON.stringify({ method: 'hello', args: {} })));
    expect(await becomes(() => heard.length > 0)).toBe(true);
    await expect(rpc.call({ topic: 'nobody', method: 'x', version: '1.0', args: {} })).rejects.toMatchObject({
      code: 'no-server',
      retryable: true,
    });
    await connection.close();
    await model.close();
  });

  test(
    'messages sent while nobody listens wait, also when the broker is restarted, and come again when they were not taken',
    async () => {
      const listen = (onMessages: (methods: string[]) => Promise<void>) => {
        const connection = connectionTo(rabbit.transportUrl);
        new Subscription(connection, {
          queue: 'agent-b',
          topics: ['topic-b'],
          flags: { ...NOT_DURABLE, durableFanout: true },
          log,
          onConnected: () => {},
          onDisconnected: () => {},
          onTakenOver: () => {},
          onMessages: (messages) => onMessages(messages.map(({ method }) => method)),
        });
        connection.start();
        return connection;
      };
      const first = listen(async () => {});
      await first.ready();
      await first.close();
      const model = await connect(rabbit.transportUrl.replace(/^rabbit/, 'amqp').replace(/\/\/$/, '/'));
      const channel = await model.createConfirmChannel();
      channel.publish('topic-b_fanout', '', Buffer.from(JSON.stringify({ method: 'waiting', args: {} })), {
        deliveryMode: 2,
      });
      await channel.waitForConfirms();
      await model.close();
      await rabbit.restart();
      let refusals = 0;
      const heard: string[] = [];
      const second = listen(async (methods) => {
        refusals += 1;
        if (refusals === 1) throw new Error('not now');
        heard.push(...methods);
      });
      expect(await becomes(() => heard.includes('waiting'))).toBe(true);
      await second.close();
    },
    3 * MINUTE,
  );

  test('what is no message of oslo.messaging is left out, and the next is heard', async () => {
    const connection = connectionTo(rabbit.transportUrl);
    const heard: string[] = [];
    new Subscription(connection, {
      queue: 'agent-c',
      topics: ['topic-c'],
      flags: NOT_DURABLE,
      log,
      onConnected: () => {},
      onDisconnected: () => {},
      onTakenOver: () => {},
      onMessages: async (messages) => {
        heard.push(...messages.map(({ method }) => method));
      },
    });
    connection.start();
    await connection.ready();
    const model = await connect(rabbit.transportUrl.replace(/^rabbit/, 'amqp').replace(/\/\/$/, '/'));
    const channel = await model.createChannel();
    for (const text of ['not json', '{"oslo.version":"2.0","oslo.message":"{"}', '{"method":"good"}'])
      channel.publish('topic-c_fanout', '', Buffer.from(text));
    expect(await becomes(() => heard.length > 0)).toBe(true);
    expect(heard).toEqual(['good']);
    await model.close();
    await connection.close();
  });
});
