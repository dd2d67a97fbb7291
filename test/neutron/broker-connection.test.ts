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

/** A proxy to a broker that, once told so, forwards nothing and closes nothing. */
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
  const onTlsPort = (url: string) => url.replace(String(broker.rabbit.port), String(broker.rabbit.tlsPort));

  test('a wrong password is told at once, and stands nowhere in what is said', async () => {
    const connection = broker.connectionTo(broker.rabbit.transportUrl.replace('neutron-secret', 'Hush-1'));
    const failure = await failureOf(connection);
    expect(failure).toMatchObject({ code: 'unauthorised', retryable: false });
    await connection.close();
    expect(broker.said.join() + failure.message).not.toContain('Hush-1');
  });

  test.each([false, true])(
    'a virtual host that is not there is named as the reason (over TLS: %s)',
    async (overTls) => {
      const url = broker.rabbit.transportUrl.replace(/\/\/$/, '/nowhere');
      const connection = overTls
        ? broker.connectionTo(`${onTlsPort(url)}?ssl=1`, { verify: true, caFile: broker.caFile })
        : broker.connectionTo(url);
      expect(await failureOf(connection)).toMatchObject({
        code: 'no-vhost',
        retryable: false,
        message: expect.stringContaining('the broker has no virtual host nowhere'),
        advice: expect.stringContaining('transport_url'),
      });
      await connection.close();
    },
  );

  test('a virtual host that the user may not enter is another reason', async () => {
    broker.rabbit.control('add_vhost', 'closed');
    const connection = broker.connectionTo(broker.rabbit.transportUrl.replace(/\/\/$/, '/closed'));
    expect(await failureOf(connection)).toMatchObject({
      code: 'unauthorised',
      message: expect.stringContaining('refuses user neutron access to the virtual host closed'),
    });
    await connection.close();
  });

  test('a virtual host that takes no more connections for now is tried further', async () => {
    broker.rabbit.control('add_vhost', 'full');
    broker.rabbit.control('set_permissions', '-p', 'full', 'neutron', '.*', '.*', '.*');
    broker.rabbit.control('set_vhost_limits', '-p', 'full', '{"max-connections": 0}');
    const connection = broker.connectionTo(broker.rabbit.transportUrl.replace(/\/\/$/, '/full'));
    connection.start();
    expect(await becomes(() => broker.said.some((line) => line.includes('limit')))).toBe(true);
    broker.rabbit.control('clear_vhost_limits', '-p', 'full');
    await connection.ready();
    await connection.close();
  });

  test('names the mismatch when TLS is used on a port without it, and the reverse', async () => {
    const { transportUrl } = broker.rabbit;
    const tlsToPlain = broker.connectionTo(`${transportUrl}?ssl=1`, { verify: true, caFile: broker.caFile });
    const plainToTls = broker.connectionTo(onTlsPort(transportUrl));
    const advice = expect.stringContaining('set ssl');
    expect(await failureOf(tlsToPlain)).toMatchObject({
      ...{ code: 'tls', retryable: false, advice },
      message: expect.stringContaining('does not use TLS'),
    });
    expect(await failureOf(plainToTls)).toMatchObject({
      ...{ code: 'tls', retryable: false, advice },
      message: expect.stringContaining('uses TLS, but the configuration does not'),
    });
    await tlsToPlain.close();
    await plainToTls.close();
  });

  test('a port whose program hangs up at once is no broker, and none with TLS either', async () => {
    const server = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const connection = broker.connectionTo(`rabbit://u:p@127.0.0.1:${port}//`);
    connection.start();
    const line = () => broker.said.find((each) => each.includes(`127.0.0.1:${port}"`));
    expect(await becomes(() => line() !== undefined)).toBe(true);
    expect(line()).toContain('is up and reachable');
    await connection.close();
    server.close();
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
    const url = `${onTlsPort(broker.rabbit.transportUrl)}?ssl=1`;
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
