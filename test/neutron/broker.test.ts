import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect as connectTo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, deflateSync, zstdCompressSync } from 'node:zlib';
import { connect } from 'amqplib';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
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

const isSo = () => true;
const isNotSo = () => false;

/** A way to a broker on which, from a moment on, nothing comes through and nothing is closed. */
async function startProxy(port: number) {
  const sockets: Socket[] = [];
  let isSilent = false;
  const server = createServer((socket) => {
    const broker = connectTo(port, '127.0.0.1');
    sockets.push(socket, broker);
    for (const [from, to] of [
      [socket, broker],
      [broker, socket],
    ] as const) {
      from.on('error', () => {});
      from.on('data', (data) => (isSilent ? undefined : to.write(data)));
      from.on('close', () => (isSilent ? undefined : to.destroy()));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    fallSilent: () => {
      isSilent = true;
    },
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

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

  const amqpUrl = () => rabbit.transportUrl.replace(/^rabbit/, 'amqp').replace(/\/\/$/, '/');
  const listen = (
    connection: BrokerConnection,
    queue: string,
    topic: string,
    take: (methods: string[]) => Promise<void>,
    flags = NOT_DURABLE,
    onTakenOver = () => {},
  ) =>
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

  /** A server that answers each call, compressed. */
  const answering = async (compression: string, compress: (content: Buffer) => Buffer) => {
    const topic = `server-${compression}`;
    const model = await connect(amqpUrl());
    const channel = await model.createChannel();
    await channel.assertExchange('neutron', 'topic', { durable: false });
    await channel.assertQueue(topic, { exclusive: true });
    await channel.bindQueue(topic, 'neutron', topic);
    await channel.consume(topic, (message) => {
      const { _msg_id, _reply_q } = JSON.parse(JSON.parse(String(message?.content))['oslo.message']);
      const reply = { _msg_id, result: 'answered', failure: null, ending: true };
      channel.sendToQueue(_reply_q, compress(Buffer.from(JSON.stringify(reply))), { headers: { compression } });
    });
    return { topic, channel, close: () => model.close() };
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

  test('a wrong password is told at once, and stands nowhere in what is said', async () => {
    const connection = connectionTo(rabbit.transportUrl.replace('neutron-secret', 'Hush-1'));
    const failure = await failureOf(connection);
    expect(failure).toMatchObject({ code: 'unauthorised', retryable: false });
    await connection.close();
    expect(said.join() + failure.message).not.toContain('Hush-1');
  });

  test('a process of the agent that is refused ends, and says beside its log why and what to do', async () => {
    const ini = join(folder, 'refused.ini');
    const url = rabbit.transportUrl.replace('neutron-secret', 'Hush-1');
    await writeFile(
      ini,
      `[DEFAULT]
transport_url = ${url}
[AGENT]
zvm_host = zvm1
xcat_zhcp_nodename = zhcp1
zvm_xcat_server = http://127.0.0.1:1
zvm_xcat_username = admin
zvm_xcat_password = admin
[ovs]
bridge_mappings = physnet1:VSW1
`,
    );
    const environment = {
      ...process.env,
      TEMPORAL_ADDRESS: inject('temporalAddress'),
      TEMPORAL_NAMESPACE: inject('temporalNamespace'),
    };
    const agent = spawnSync(process.execPath, ['workers/neutron-agent.ts', '--config-file', ini], {
      env: environment,
      encoding: 'utf8',
      timeout: MINUTE,
    });
    expect(agent.status).toBe(1);
    const [line] = agent.stderr.split('\n').filter((each) => !each.startsWith('{'));
    expect(line).toMatch(/refuses user name or password: check/);
    expect(agent.stdout + agent.stderr).not.toContain('Hush-1');
  });

  test('a virtual host that is not there is named as the reason', async () => {
    const connection = connectionTo(rabbit.transportUrl.replace(/\/\/$/, '/nowhere'));
    expect(await failureOf(connection)).toMatchObject({ code: 'unauthorised' });
    await connection.close();
  });

  test(
    'who is refused is let in once the cause is mended, without a new start',
    async () => {
      const connection = connectionTo(rabbit.transportUrl.replace(/\/\/$/, '/later'));
      const { message } = await failureOf(connection);
      expect(message).toContain('virtual host');
      await expect(connection.ready()).rejects.toThrow(message);
      rabbit.control('add_vhost', 'later');
      rabbit.control('set_permissions', '-p', 'later', 'neutron', '.*', '.*', '.*');
      expect(await becomes(() => connection.ready().then(isSo, isNotSo))).toBe(true);
      await connection.close();
    },
    5 * MINUTE,
  );

  test('a user who may not declare what is needed is told what', async () => {
    rabbit.control('add_user', 'modest', 'neutron-secret');
    rabbit.control('set_permissions', 'modest', '^reply_', '.*', '.*');
    const connection = connectionTo(rabbit.transportUrl.replace('neutron:', 'modest:'));
    listen(connection, 'agent-modest', 'topic-modest', async () => {});
    const { code, message } = await failureOf(connection);
    expect({ code, message }).toEqual({
      code: 'unauthorised',
      message: expect.stringContaining('declare exchange topic-modest_fanout'),
    });
    await connection.close();
  });

  test(
    'a broker that is connected and says nothing any more is left for the next',
    async () => {
      const dumb = await startProxy(rabbit.port);
      const url = rabbit.transportUrl.replace('@', `@127.0.0.1:${dumb.port},neutron:neutron-secret@`);
      const transport = parseTransportUrl(url);
      const connection = new BrokerConnection({ transport, heartbeatSeconds: 5, tls: { verify: true }, log });
      connection.start();
      await connection.ready();
      const from = said.length;
      dumb.fallSilent();
      const connectedAnew = () => said.slice(from).some((line) => line.includes('connected to the broker'));
      expect(await becomes(connectedAnew)).toBe(true);
      expect(said.slice(from).find((line) => line.includes('connected to'))).toContain(`:${rabbit.port}"`);
      await connection.close();
      dumb.close();
    },
    5 * MINUTE,
  );

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

  test.each([true, false])(
    'an exchange that the agent has to make is as oslo.messaging makes it, which then finds it without complaint (durable: %s)',
    async (durable) => {
      const connection = connectionTo(rabbit.transportUrl);
      const topic = `made-${durable}`;
      const flags = { durable, autoDelete: false, durableFanout: durable };
      listen(connection, `agent-${topic}`, topic, async () => {}, flags);
      new RpcClient(connection, { exchange: `neutron-${durable}`, flags, timeoutMs: 5_000 });
      connection.start();
      await connection.ready();
      const model = await connect(amqpUrl());
      const channel = await model.createChannel();
      // As `fanout_send` and `topic_send` of its RabbitMQ driver do before they publish.
      await channel.assertExchange(`${topic}_fanout`, 'fanout', { durable, autoDelete: true });
      await channel.assertExchange(`neutron-${durable}`, 'topic', { durable, autoDelete: false });
      await model.close();
      await connection.close();
    },
  );

  describe.each([
    ['application/x-gzip', deflateSync],
    ['application/x-brotli', brotliCompressSync],
    ['application/zstd', zstdCompressSync],
  ])('of a server that compresses as %s', (compression, compress) => {
    test('messages and answers are read', async () => {
      const connection = connectionTo(rabbit.transportUrl);
      const heard: string[] = [];
      listen(connection, `agent-${compression}`, `topic-${compression}`, async (methods) => {
        heard.push(...methods);
      });
      const rpc = new RpcClient(connection, { exchange: 'neutron', flags: NOT_DURABLE, timeoutMs: 30_000 });
      connection.start();
      await connection.ready();
      const server = await answering(compression, compress);
      server.channel.publish(`topic-${compression}_fanout`, '', compress(Buffer.from('{"method":"small"}')), {
        headers: { compression },
      });
      expect(await becomes(() => heard.includes('small'))).toBe(true);
      expect(await rpc.call({ topic: server.topic, method: 'x', version: '1.0', args: {} })).toBe('answered');
      await server.close();
      await connection.close();
    });
  });

  test('of a server that compresses otherwise, messages are left out and calls fail with what to set', async () => {
    const connection = connectionTo(rabbit.transportUrl);
    const heard: string[] = [];
    listen(connection, 'agent-lzma', 'topic-lzma', async (methods) => {
      heard.push(...methods);
    });
    const rpc = new RpcClient(connection, { exchange: 'neutron', flags: NOT_DURABLE, timeoutMs: 30_000 });
    connection.start();
    await connection.ready();
    const server = await answering('application/x-lzma', (content) => content);
    const publish = (content: string, compression?: string) =>
      server.channel.publish('topic-lzma_fanout', '', Buffer.from(content), { headers: { compression } });
    publish('{"method":"unknown"}', 'application/x-lzma');
    publish('{"method":"torn"}', 'application/zstd');
    publish('{"method":"plain"}');
    expect(await becomes(() => heard.length > 0)).toBe(true);
    expect(heard).toEqual(['plain']);
    expect(said.join('\n')).toContain('it is compressed as application/x-lzma');
    await expect(rpc.call({ topic: server.topic, method: 'x', version: '1.0', args: {} })).rejects.toMatchObject({
      code: 'compressed',
      retryable: false,
      advice: expect.stringContaining('kombu_compression'),
    });
    await server.close();
    await connection.close();
  });

  test('a message that comes twice is heard once', async () => {
    const connection = connectionTo(rabbit.transportUrl);
    const heard: string[] = [];
    listen(connection, 'agent-twice', 'topic-twice', async (methods) => {
      heard.push(...methods);
    });
    connection.start();
    await connection.ready();
    const model = await connect(amqpUrl());
    const channel = await model.createChannel();
    for (const [method, _unique_id] of [
      ['one', 'a'],
      ['one', 'a'],
      ['two', 'b'],
      ['one', 'a'],
      ['last', 'c'],
    ])
      channel.publish('topic-twice_fanout', '', Buffer.from(JSON.stringify({ method, _unique_id })));
    expect(await becomes(() => heard.includes('last'))).toBe(true);
    expect(heard).toEqual(['one', 'two', 'last']);
    await model.close();
    await connection.close();
  });

  test('a second listener gets nothing until the first is gone, and is then told that it has taken over', async () => {
    const [first, second] = [connectionTo(rabbit.transportUrl), connectionTo(rabbit.transportUrl)];
    const heard: string[] = [];
    const say = (who: string) => async (methods: string[]) => {
      heard.push(...methods.map((method) => `${who} ${method}`));
    };
    listen(first, 'agent-two', 'topic-two', say('first'), NOT_DURABLE, () => heard.push('first has taken over'));
    listen(second, 'agent-two', 'topic-two', say('second'), NOT_DURABLE, () => heard.push('second has taken over'));
    for (const connection of [first, second]) {
      connection.start();
      await connection.ready();
    }
    const model = await connect(amqpUrl());
    const channel = await model.createChannel();
    const publish = (method: string) =>
      channel.publish('topic-two_fanout', '', Buffer.from(JSON.stringify({ method, _unique_id: method })));
    publish('one');
    expect(await becomes(() => heard.length > 0)).toBe(true);
    await first.close();
    publish('two');
    expect(await becomes(() => heard.includes('second two'))).toBe(true);
    expect(heard).toEqual(['first one', 'second has taken over', 'second two']);
    await model.close();
    await second.close();
  });

  test('exchanges of a deployment that are there are used as they are, whatever the flags say', async () => {
    const model = await connect(amqpUrl());
    const channel = await model.createChannel();
    await channel.assertExchange('durable', 'topic', { durable: true });
    await channel.assertExchange('topic-a_fanout', 'fanout', { durable: true, autoDelete: false });
    const connection = connectionTo(rabbit.transportUrl);
    const rpc = new RpcClient(connection, { exchange: 'durable', flags: NOT_DURABLE, timeoutMs: 5_000 });
    const heard: string[] = [];
    listen(connection, 'agent-a', 'topic-a', async (methods) => {
      heard.push(...methods);
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
      const start = (take: (methods: string[]) => Promise<void>) => {
        const connection = connectionTo(rabbit.transportUrl);
        listen(connection, 'agent-b', 'topic-b', take, { ...NOT_DURABLE, durableFanout: true });
        connection.start();
        return connection;
      };
      const first = start(async () => {});
      await first.ready();
      await first.close();
      const model = await connect(amqpUrl());
      const channel = await model.createConfirmChannel();
      channel.publish('topic-b_fanout', '', Buffer.from(JSON.stringify({ method: 'waiting', args: {} })), {
        deliveryMode: 2,
      });
      await channel.waitForConfirms();
      await model.close();
      await rabbit.restart();
      let refusals = 0;
      const heard: string[] = [];
      const second = start(async (methods) => {
        refusals += 1;
        if (refusals === 1) throw new Error('not now');
        heard.push(...methods);
      });
      expect(await becomes(() => heard.includes('waiting'))).toBe(true);
      await second.close();
    },
    5 * MINUTE,
  );

  test('what is no message of oslo.messaging is left out, and the next is heard', async () => {
    const connection = connectionTo(rabbit.transportUrl);
    const heard: string[] = [];
    listen(connection, 'agent-c', 'topic-c', async (methods) => {
      heard.push(...methods);
    });
    connection.start();
    await connection.ready();
    const model = await connect(amqpUrl());
    const channel = await model.createChannel();
    for (const text of ['not json', '{"oslo.version":"2.0","oslo.message":"{"}', '{"method":"good"}'])
      channel.publish('topic-c_fanout', '', Buffer.from(text));
    expect(await becomes(() => heard.length > 0)).toBe(true);
    expect(heard).toEqual(['good']);
    await model.close();
    await connection.close();
  });
});
