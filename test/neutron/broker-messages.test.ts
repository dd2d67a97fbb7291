import { brotliCompressSync, deflateSync, zstdCompressSync } from 'node:zlib';
import { connect } from 'amqplib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { L2Agent, type News } from '../../neutron/agent.ts';
import { PluginApi } from '../../neutron/plugin-api.ts';
import { RpcClient } from '../../neutron/rpc-client.ts';
import { amqpUrl, becomes, neutronIsHere } from './real-neutron.ts';
import { NOT_DURABLE, startTestBroker, type TestBroker } from './test-broker.ts';

const MINUTE = 60_000;

describe.skipIf(!neutronIsHere)('over a RabbitMQ broker', { timeout: 5 * MINUTE }, () => {
  let broker: TestBroker;
  beforeAll(async () => {
    broker = await startTestBroker();
  }, 5 * MINUTE);
  afterAll(() => broker?.close(), MINUTE);

  /** A server that answers each call, compressed. */
  const answering = async (compression: string, compress: (content: Buffer) => Buffer) => {
    const replyQueues = new Set<string>();
    const topic = `server-${compression}`;
    const model = await connect(amqpUrl(broker.rabbit));
    const channel = await model.createChannel();
    await channel.assertExchange('neutron', 'topic', { durable: false });
    await channel.assertQueue(topic, { exclusive: true });
    await channel.bindQueue(topic, 'neutron', topic);
    await channel.consume(topic, (message) => {
      const { _msg_id, _reply_q } = JSON.parse(JSON.parse(String(message?.content))['oslo.message']);
      replyQueues.add(_reply_q);
      const reply = { _msg_id, result: 'answered', failure: null, ending: true };
      channel.sendToQueue(_reply_q, compress(Buffer.from(JSON.stringify(reply))), { headers: { compression } });
    });
    return { topic, channel, replyQueues, close: () => model.close() };
  };

  test.each([true, false])(
    'an exchange that the agent has to make is as oslo.messaging makes it, which then finds it without complaint (durable: %s)',
    async (durable) => {
      const connection = broker.connectionTo(broker.rabbit.transportUrl);
      const topic = `made-${durable}`;
      const flags = { durable, autoDelete: false, durableFanout: durable, quorumQueues: durable };
      broker.listen(connection, `agent-${topic}`, topic, async () => {}, flags);
      new RpcClient(connection, { exchange: `neutron-${durable}`, flags, timeoutMs: 5_000 });
      connection.start();
      await connection.ready();
      const model = await connect(amqpUrl(broker.rabbit));
      const channel = await model.createChannel();
      // The same as `fanout_send` and `topic_send` of oslo's RabbitMQ driver before they publish.
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
      const connection = broker.connectionTo(broker.rabbit.transportUrl);
      const heard: string[] = [];
      broker.listen(connection, `agent-${compression}`, `topic-${compression}`, async (methods) => {
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
    const connection = broker.connectionTo(broker.rabbit.transportUrl);
    const heard: string[] = [];
    broker.listen(connection, 'agent-lzma', 'topic-lzma', async (methods) => {
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
    expect(broker.said.join('\n')).toContain('it is compressed as application/x-lzma');
    await expect(rpc.call({ topic: server.topic, method: 'x', version: '1.0', args: {} })).rejects.toMatchObject({
      code: 'compressed',
      retryable: false,
      advice: expect.stringContaining('kombu_compression'),
    });
    await server.close();
    await connection.close();
  });

  test('answers are heard again after the queue of answers has been deleted at the broker', async () => {
    const connection = broker.connectionTo(broker.rabbit.transportUrl);
    const rpc = new RpcClient(connection, { exchange: 'neutron', flags: NOT_DURABLE, timeoutMs: 5_000 });
    connection.start();
    await connection.ready();
    const server = await answering('', (content) => content);
    const call = () => rpc.call({ topic: server.topic, method: 'x', version: '1.0', args: {} });
    expect(await call()).toBe('answered');
    for (const queue of server.replyQueues) await server.channel.deleteQueue(queue);
    expect(await becomes(async () => (await call().catch(() => undefined)) === 'answered')).toBe(true);
    await server.close();
    await connection.close();
  });

  test('a message that comes twice is heard once', async () => {
    const connection = broker.connectionTo(broker.rabbit.transportUrl);
    const heard: string[] = [];
    broker.listen(connection, 'agent-twice', 'topic-twice', async (methods) => {
      heard.push(...methods);
    });
    connection.start();
    await connection.ready();
    const model = await connect(amqpUrl(broker.rabbit));
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
    const [first, second] = [
      broker.connectionTo(broker.rabbit.transportUrl),
      broker.connectionTo(broker.rabbit.transportUrl),
    ];
    const heard: string[] = [];
    const say = (who: string) => async (methods: string[]) => {
      heard.push(...methods.map((method) => `${who} ${method}`));
    };
    broker.listen(first, 'agent-two', 'topic-two', say('first'), NOT_DURABLE, () => heard.push('first has taken over'));
    broker.listen(second, 'agent-two', 'topic-two', say('second'), NOT_DURABLE, () =>
      heard.push('second has taken over'),
    );
    for (const connection of [first, second]) {
      connection.start();
      await connection.ready();
    }
    const model = await connect(amqpUrl(broker.rabbit));
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

  test('a queue whose bindings are removed at the broker is bound again, and this is said', async () => {
    const connection = broker.connectionTo(broker.rabbit.transportUrl);
    const heard: string[] = [];
    const take = async (methods: string[]) => void heard.push(...methods);
    let boundAgain = 0;
    broker.listen(
      connection,
      'agent-unbound',
      'topic-unbound',
      take,
      NOT_DURABLE,
      () => {},
      () => {
        boundAgain += 1;
      },
    );
    connection.start();
    await connection.ready();
    const model = await connect(amqpUrl(broker.rabbit));
    const channel = await model.createChannel();
    // Another agent listens to the same topic, as in any cloud, so the exchange stays.
    const { queue: other } = await channel.assertQueue('', { exclusive: true });
    await channel.bindQueue(other, 'topic-unbound_fanout', '');
    const publish = (method: string) =>
      channel.publish('topic-unbound_fanout', '', Buffer.from(JSON.stringify({ method, _unique_id: method })));
    publish('before');
    expect(await becomes(() => heard.includes('before'))).toBe(true);
    expect(await broker.unbind('agent-unbound')).toBeGreaterThan(0);
    publish('missed');
    expect(await becomes(() => boundAgain === 1)).toBe(true);
    publish('after');
    expect(await becomes(() => heard.includes('after'))).toBe(true);
    expect(heard).toEqual(['before', 'after']);
    expect(broker.said.join()).toContain('were removed at the broker');
    await model.close();
    await connection.close();
  });

  test('bindings that an agent of before has made are replaced: each message comes once', async () => {
    const model = await connect(amqpUrl(broker.rabbit));
    const channel = await model.createChannel();
    await channel.assertExchange('topic-before_fanout', 'fanout', { durable: false, autoDelete: true });
    const arguments_ = { 'x-single-active-consumer': true };
    await channel.assertQueue('agent-before', { durable: true, expires: 1_800_000, arguments: arguments_ });
    await channel.bindQueue('agent-before', 'topic-before_fanout', '');
    channel.publish('topic-before_fanout', '', Buffer.from(JSON.stringify({ method: 'waiting' })));
    const connection = broker.connectionTo(broker.rabbit.transportUrl);
    const heard: string[] = [];
    broker.listen(connection, 'agent-before', 'topic-before', async (methods) => void heard.push(...methods));
    connection.start();
    await connection.ready();
    for (const method of ['one', 'last'])
      channel.publish('topic-before_fanout', '', Buffer.from(JSON.stringify({ method })));
    expect(await becomes(() => heard.includes('last'))).toBe(true);
    expect(heard).toEqual(['waiting', 'one', 'last']);
    await model.close();
    await connection.close();
  });

  test('exchanges of a deployment that are there are used as they are, whatever the flags say', async () => {
    const model = await connect(amqpUrl(broker.rabbit));
    const channel = await model.createChannel();
    await channel.assertExchange('durable', 'topic', { durable: true });
    await channel.assertExchange('topic-a_fanout', 'fanout', { durable: true, autoDelete: false });
    const connection = broker.connectionTo(broker.rabbit.transportUrl);
    const rpc = new RpcClient(connection, { exchange: 'durable', flags: NOT_DURABLE, timeoutMs: 5_000 });
    const heard: string[] = [];
    broker.listen(connection, 'agent-a', 'topic-a', async (methods) => {
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

  test('messages sent without a listener wait, also when the broker is restarted, and come again when they were not taken', async () => {
    const start = (take: (methods: string[]) => Promise<void>) => {
      const connection = broker.connectionTo(broker.rabbit.transportUrl);
      broker.listen(connection, 'agent-b', 'topic-b', take, { ...NOT_DURABLE, durableFanout: true });
      connection.start();
      return connection;
    };
    const first = start(async () => {});
    await first.ready();
    await first.close();
    const model = await connect(amqpUrl(broker.rabbit));
    const channel = await model.createConfirmChannel();
    channel.publish('topic-b_fanout', '', Buffer.from(JSON.stringify({ method: 'waiting', args: {} })), {
      deliveryMode: 2,
    });
    await channel.waitForConfirms();
    await model.close();
    await broker.rabbit.restart();
    let refusals = 0;
    const heard: string[] = [];
    const second = start(async (methods) => {
      refusals += 1;
      if (refusals === 1) throw new Error('not now');
      heard.push(...methods);
    });
    expect(await becomes(() => heard.includes('waiting'))).toBe(true);
    await second.close();
  });

  test('a message that is not taken for long is not lost, of a queue either that drops what is given back twice', async () => {
    broker.rabbit.control('add_vhost', 'quorum', '--default-queue-type', 'quorum');
    broker.rabbit.control('set_permissions', '-p', 'quorum', 'neutron', '.*', '.*', '.*');
    broker.rabbit.control('set_policy', '-p', 'quorum', 'limit', '.*', '{"delivery-limit": 2}');
    const url = broker.rabbit.transportUrl.replace(/\/\/$/, '/quorum');
    const connection = broker.connectionTo(url);
    const heard: string[] = [];
    let refusals = 0;
    broker.listen(connection, 'agent-q', 'topic-q', async (methods) => {
      refusals += 1;
      if (refusals < 6) throw new Error('not now');
      heard.push(...methods);
    });
    connection.start();
    await connection.ready();
    const model = await connect(amqpUrl(broker.rabbit).replace(/\/$/, '/quorum'));
    const channel = await model.createChannel();
    channel.publish('topic-q_fanout', '', Buffer.from(JSON.stringify({ method: 'waiting' })));
    expect(await becomes(() => heard.includes('waiting'))).toBe(true);
    await model.close();
    await connection.close();
  });

  test('where the deployment has quorum queues, the agent’s are some too, and what was another before is replaced', async () => {
    const model = await connect(amqpUrl(broker.rabbit));
    const channel = await model.createChannel();
    const options = { durable: true, expires: 1_800_000 };
    const alone = { 'x-single-active-consumer': true };
    await channel.assertQueue('agent-r', { ...options, arguments: alone });
    const connection = broker.connectionTo(broker.rabbit.transportUrl);
    broker.listen(connection, 'agent-r', 'topic-r', async () => {}, { ...NOT_DURABLE, quorumQueues: true });
    connection.start();
    await connection.ready();
    const { consumerCount } = await channel.assertQueue('agent-r', {
      ...options,
      arguments: { ...alone, 'x-queue-type': 'quorum' },
    });
    expect(consumerCount).toBe(1);
    await connection.close();
    await model.close();
  });

  test('networks that have no port on the host are of no concern, wherever in the cloud they are', async () => {
    const connection = broker.connectionTo(broker.rabbit.transportUrl);
    const port = {
      id: '4e79ec7e-23b1-4e68-905c-f2b9404d24fa',
      network_id: 'here',
      mac_address: '02:00:00:00:00:01',
      admin_state_up: true,
      'binding:host_id': 'zvm9',
      'binding:vif_type': 'ovs',
    };
    const answers: Record<string, unknown> = {
      has_alive_neutron_server: true,
      report_state: 'new',
      get_ports_by_vnic_type_and_host: [port],
    };
    const heard: News[] = [];
    const agent = new L2Agent(connection, new PluginApi({ call: async ({ method }) => answers[method] }), {
      host: 'zvm9',
      bridgeMappings: { physnet1: 'VSW1' },
      reportIntervalMs: 60_000,
      isReachable: () => true,
      flags: NOT_DURABLE,
      log: { info: () => {}, warn: () => {}, error: () => {} },
      onNews: async (news) => void heard.push(news),
      onResync: async () => {},
    });
    connection.start();
    await connection.ready();
    await agent.start();
    await agent.idle();
    const model = await connect(amqpUrl(broker.rabbit));
    const channel = await model.createChannel();
    for (const [event_type, id] of [
      ['updated', 'elsewhere'],
      ['deleted', 'gone'],
      ['updated', 'here'],
    ]) {
      const segment = { network_type: 'vlan', physical_network: 'physnet1', segmentation_id: 7 };
      const segments = [{ 'versioned_object.name': 'NetworkSegment', 'versioned_object.data': segment }];
      const resource = { 'versioned_object.name': 'Network', 'versioned_object.data': { id, segments } };
      const push = { method: 'push', version: '1.1', args: { event_type, resource_list: [resource] } };
      channel.publish('neutron-vo-Network-1.1_fanout', '', Buffer.from(JSON.stringify(push)));
    }
    expect(await becomes(() => heard.some(({ networkIds }) => networkIds.includes('here')))).toBe(true);
    expect(heard).toEqual([{ portIds: [], networkIds: ['here'] }]);
    agent.stop();
    await model.close();
    await connection.close();
  });

  test('text that is no message of oslo.messaging is left out, and the next is heard', async () => {
    const connection = broker.connectionTo(broker.rabbit.transportUrl);
    const heard: string[] = [];
    broker.listen(connection, 'agent-c', 'topic-c', async (methods) => {
      heard.push(...methods);
    });
    connection.start();
    await connection.ready();
    const model = await connect(amqpUrl(broker.rabbit));
    const channel = await model.createChannel();
    for (const text of ['not json', '{"oslo.version":"2.0","oslo.message":"{"}', '{"method":"good"}'])
      channel.publish('topic-c_fanout', '', Buffer.from(text));
    expect(await becomes(() => heard.length > 0)).toBe(true);
    expect(heard).toEqual(['good']);
    await model.close();
    await connection.close();
  });
});
