import { type AddressInfo, connect as connectTo, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BrokerConnection } from '../../neutron/broker-connection.ts';
import type { NeutronError } from '../../neutron/errors.ts';
import { becomes, neutronIsHere } from './real-neutron.ts';
import { startTestBroker, type TestBroker } from './test-broker.ts';

const MINUTE = 60_000;

const isSo = () => true;
const isNotSo = () => false;

async function failureOf(connection: BrokerConnection): Promise<NeutronError> {
  connection.start();
  return connection.ready().then(
    () => {
      throw new Error('it connected');
    },
    (error: NeutronError) => error,
  );
}

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

describe.skipIf(!neutronIsHere)('connecting to a RabbitMQ broker', () => {
  let broker: TestBroker;
  beforeAll(async () => {
    broker = await startTestBroker();
  }, 5 * MINUTE);
  afterAll(() => broker?.close(), MINUTE);

  test('a wrong password is told at once, and stands nowhere in what is said', async () => {
    const connection = broker.connectionTo(broker.rabbit.transportUrl.replace('neutron-secret', 'Hush-1'));
    const failure = await failureOf(connection);
    expect(failure).toMatchObject({ code: 'unauthorised', retryable: false });
    await connection.close();
    expect(broker.said.join() + failure.message).not.toContain('Hush-1');
  });

  test('a virtual host that is not there is named as the reason', async () => {
    const connection = broker.connectionTo(broker.rabbit.transportUrl.replace(/\/\/$/, '/nowhere'));
    expect(await failureOf(connection)).toMatchObject({ code: 'unauthorised' });
    await connection.close();
  });

  test(
    'who is refused is let in once the cause is mended, without a new start',
    async () => {
      const connection = broker.connectionTo(broker.rabbit.transportUrl.replace(/\/\/$/, '/later'));
      const { message } = await failureOf(connection);
      expect(message).toContain('virtual host');
      await expect(connection.ready()).rejects.toThrow(message);
      broker.rabbit.control('add_vhost', 'later');
      broker.rabbit.control('set_permissions', '-p', 'later', 'neutron', '.*', '.*', '.*');
      expect(await becomes(() => connection.ready().then(isSo, isNotSo))).toBe(true);
      await connection.close();
    },
    5 * MINUTE,
  );

  test('a user who may not declare what is needed is told what', async () => {
    broker.rabbit.control('add_user', 'modest', 'neutron-secret');
    broker.rabbit.control('set_permissions', 'modest', '^reply_', '.*', '.*');
    const connection = broker.connectionTo(broker.rabbit.transportUrl.replace('neutron:', 'modest:'));
    broker.listen(connection, 'agent-modest', 'topic-modest', async () => {});
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
      const dumb = await startProxy(broker.rabbit.port);
      const url = broker.rabbit.transportUrl.replace('@', `@127.0.0.1:${dumb.port},neutron:neutron-secret@`);
      const connection = broker.connectionTo(url);
      connection.start();
      await connection.ready();
      const from = broker.said.length;
      dumb.fallSilent();
      const connectedAnew = () => broker.said.slice(from).some((line) => line.includes('connected to the broker'));
      expect(await becomes(connectedAnew)).toBe(true);
      expect(broker.said.slice(from).find((line) => line.includes('connected to'))).toContain(
        `:${broker.rabbit.port}"`,
      );
      await connection.close();
      dumb.close();
    },
    5 * MINUTE,
  );

  test('a connection that is closed while it is being made ends', async () => {
    const connection = broker.connectionTo(broker.rabbit.transportUrl);
    const from = broker.said.length;
    connection.start();
    await connection.close();
    expect(broker.said.slice(from)).toEqual([]);
  });

  test('a broker that is away is not taken for one that refuses, whatever digits its address has', async () => {
    const connection = broker.connectionTo('rabbit://u:p@127.0.0.1:14031//');
    connection.start();
    const noConnection = () => broker.said.find((line) => line.includes('127.0.0.1:14031"'));
    expect(await becomes(() => noConnection() !== undefined)).toBe(true);
    expect(noConnection()).toContain('ECONNREFUSED');
    await connection.close();
  });

  test('of several brokers the next is tried when one is away', async () => {
    const url = broker.rabbit.transportUrl.replace('@', '@127.0.0.1:1,neutron:neutron-secret@');
    const connection = broker.connectionTo(url);
    connection.start();
    await connection.ready();
    await connection.close();
    expect(broker.said.some((line) => line.includes('127.0.0.1:1"') && line.includes('no connection'))).toBe(true);
  });

  test('over TLS the broker is trusted by the authority that is configured, and by no other', async () => {
    const url = broker.rabbit.transportUrl
      .replace(String(broker.rabbit.port), String(broker.rabbit.tlsPort))
      .replace(/$/, '?ssl=1');
    const trusted = broker.connectionTo(url, { verify: true, caFile: broker.caFile });
    trusted.start();
    await trusted.ready();
    await trusted.close();
    const untrusted = broker.connectionTo(url);
    expect(await failureOf(untrusted)).toMatchObject({
      code: 'untrusted',
      advice: expect.stringContaining('ssl_ca_file'),
    });
    await untrusted.close();
  });
});
