import { request } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ServiceError } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { connectClient, localTarget } from '../../client/temporal-connection.ts';
import { newToken, TokenFile } from '../../gateway/http/tokens.ts';
import { LIMITS } from '../../gateway/options.ts';
import { serveGateway } from '../../runtime/gateway/server.ts';
import { wayToTemporal } from '../way-to-temporal.ts';
import { portId, vlan } from '../workflows/environment.ts';
import { type Served, serve, WAIT } from './environment.ts';

const PORT = { vswitch: 'VSW1', network: vlan(100) };
const problem = (kind: string) => ({ type: expect.stringMatching(`(^|/zvm)/errors/${kind}$`) });

/** How many operations of a guest run. Other tests have guests of that name, on hosts of their own. */
async function running({ call, host }: Served, userid: string): Promise<number> {
  return (await call('GET', `/v1/operations?state=running&host=${host}&userid=${userid}`)).body.operations.length;
}

describe('at the edge of HTTP', () => {
  let served: Served;
  let base = '';
  beforeAll(async () => {
    served = await serve({ limits: { bodyBytes: 10_000 }, publicUrl: 'https://api.example/zvm/' });
    base = `/v1/hosts/${served.host}`;
  });
  afterAll(() => served.close());

  /** The answer to raw bytes, up to the end of the connection. */
  const raw = (...chunks: string[]): Promise<string> =>
    new Promise((resolve) => {
      const { hostname, port } = new URL(served.gateway.url);
      const socket = connect(Number(port), hostname);
      let answer = '';
      socket.on('data', (data) => (answer += String(data)));
      socket.on('close', () => resolve(answer));
      socket.on('error', () => resolve(answer));
      for (const chunk of chunks) socket.write(chunk);
    });

  test('HEAD answers as GET without a body, OPTIONS and what is not allowed name what is', async () => {
    const head = await served.call('HEAD', `${base}/guests`);
    expect(head).toMatchObject({ status: 200, body: '' });
    const options = await served.call('OPTIONS', base);
    expect(options.status).toBe(204);
    expect(options.headers.get('allow')?.split(', ').sort()).toEqual(['GET', 'HEAD', 'OPTIONS', 'PATCH']);
    const post = await served.call('POST', base, {});
    expect(post).toMatchObject({ status: 405, body: problem('method-not-allowed') });
    expect(post.headers.get('allow')).toBe(options.headers.get('allow'));
    expect((await served.call('DELETE', '/healthz')).status).toBe(405);
  });

  test('a request with two Host headers is refused, whatever they are', async () => {
    const hosts = (...names: string[]) => names.map((name) => `Host: ${name}\r\n`).join('');
    const ask = (...names: string[]) => raw(`GET /healthz HTTP/1.1\r\n${hosts(...names)}Connection: close\r\n\r\n`);
    expect(await ask('api.example')).toMatch(/^HTTP\/1.1 200 /);
    expect(await ask('api.example', 'elsewhere.example')).toMatch(/^HTTP\/1.1 400 /);
    expect(await ask('api.example', 'api.example')).toMatch(/^HTTP\/1.1 400 /);
  });

  test('a body that is compressed is refused for that', async () => {
    const coded = { 'content-encoding': 'gzip', 'content-type': 'application/json' };
    const answer = await served.call('PUT', `${base}/guests/LNX10001/ports/${portId(1)}`, PORT, coded);
    expect(answer).toMatchObject({
      status: 415,
      body: { ...problem('not-json'), detail: expect.stringContaining('compressed') },
    });
  });

  test.each([
    ['a slash at the end', () => `${base}/`],
    ['two slashes', () => base.replace('/hosts/', '/hosts//')],
    ['slashes at the beginning', () => `//elsewhere.example${base}`],
    ['a step up', () => `${base}/%2e%2e/%2e%2e/nothing`],
  ])('with %s there is nothing', async (_case, path) => {
    expect(await served.call('GET', path())).toMatchObject({ status: 404, body: problem('not-found') });
  });

  test.each(['%24%40%23LNX', 'A%2BB', 'a%3Ab', 'A+B', 'LNX%231'])(
    'the userid %s is read as it is meant',
    async (name) => {
      const { status, body } = await served.call('GET', `${base}/guests/${name}`);
      expect(status).toBe(404);
      expect(JSON.stringify(body)).toContain(decodeURIComponent(name).toUpperCase());
    },
  );

  test('a userid that is badly encoded, or too long, is not valid', async () => {
    for (const name of ['%E0%A4%A', 'x'.repeat(5_000), '%00'])
      expect((await served.call('GET', `${base}/guests/${name}`)).status).toBe(422);
  });

  test('a body has to say that it is JSON, in any charset that is UTF-8', async () => {
    const path = `${base}/guests/LNX10001/ports/${portId(1)}?dryRun=true`;
    const put = (type: string) => served.call('PUT', path, PORT, { 'content-type': type });
    expect(await put('text/plain')).toMatchObject({ status: 415, body: problem('not-json') });
    expect((await put('application/jsonp')).status).toBe(415);
    for (const type of ['application/json; charset=utf-8', 'Application/JSON ;charset="UTF-8"', 'application/a_2+json'])
      expect((await put(type)).status, type).toBe(202);
    const nothing = await served.call('POST', `${base}/reconciliations`, '', { 'content-type': 'text/plain' });
    expect(nothing).toMatchObject({ status: 415, body: problem('not-json') });
  });

  test('a body that does not say its length is cut off at the limit, and the next request is answered', async () => {
    const path = `${base}/guests/LNX10001/ports/${portId(1)}`;
    const { hostname, port } = new URL(served.gateway.url);
    const status = await new Promise((resolve, reject) => {
      const sending = request(
        { hostname, port, path, method: 'PUT', headers: { 'content-type': 'application/json' } },
        (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        },
      );
      sending.on('error', reject);
      for (let piece = 0; piece < 8; piece += 1) sending.write(`${' '.repeat(5_000)}`);
      sending.end('{}');
    });
    expect(status).toBe(413);
    const said = await served.call('PUT', path, { ...PORT, mac: 'x'.repeat(20_000) });
    expect(said).toMatchObject({ status: 413, body: problem('too-large') });
    expect((await served.call('GET', '/healthz')).status).toBe(200);
  });

  test.each(['Content-Length: 30000000', 'Transfer-Encoding: chunked'])(
    'who sends all of a body that is too large before reading is answered, however slow: %s',
    async (length) => {
      const { hostname, port } = new URL(served.gateway.url);
      const socket = connect(Number(port), hostname).pause();
      const cut = new Promise((_resolve, reject) => socket.once('error', reject));
      const part = Buffer.alloc(10_000_000, ' ');
      const isChunked = length.endsWith('chunked');
      const send = (bytes: string | Buffer) => new Promise((resolve) => socket.write(bytes, resolve));
      const sendAll = async () => {
        await send(`PUT ${base}/guests/LNX10001/ports/${portId(1)} HTTP/1.1\r\nHost: localhost\r\n`);
        await send(`Content-Type: application/json\r\n${length}\r\n\r\n`);
        for (let number = 0; number < 3; number += 1) {
          if (isChunked) await send(`${part.length.toString(16)}\r\n`);
          await send(part);
          if (isChunked) await send('\r\n');
          await sleep(500);
        }
        if (isChunked) await send('0\r\n\r\n');
        // The connection holds: what is asked for next is answered too.
        await send('GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
        let answers = '';
        for await (const data of socket) answers += String(data);
        return answers;
      };
      const answers = String(await Promise.race([sendAll(), cut]));
      expect([...answers.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => status)).toEqual(['413', '200']);
    },
  );

  test('a request that is no HTTP, or has an unknown method, harms no other caller', async () => {
    expect(await raw('nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
    expect(await raw('TRACE / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(await raw(`GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431 /);
    expect(await raw('GET /healthz HTTP/1.1\r\nHost: bad host\r\nConnection: close\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 400 /,
    );
    expect((await served.call('GET', '/healthz')).status).toBe(200);
  });

  test('without tokens a browser sends nothing for the pages of other sites', async () => {
    const ask = (method: string, host: string, origin = '') =>
      raw(
        `${method} ${base}/reconciliations HTTP/1.1\r\nHost: ${host}\r\n${origin}Connection: close\r\nContent-Length: 0\r\n\r\n`,
      );
    const { host } = new URL(served.gateway.url);
    expect(await ask('POST', host, 'Origin: http://other.example\r\n')).toMatch(/^HTTP\/1\.1 403 /);
    expect(await ask('POST', host, 'Origin: null\r\n')).toMatch(/^HTTP\/1\.1 403 /);
    expect(await ask('GET', 'other.example', 'Origin: http://other.example\r\n')).toMatch(/^HTTP\/1\.1 403 /);
    expect(await ask('GET', host, `Origin: http://${host}\r\n`)).toMatch(/^HTTP\/1\.1 200 /);
    for (const own of ['localhost:8088', '[::1]:8088', 'api.example'])
      expect(await ask('GET', own), own).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('links are those that callers reach it by', async () => {
    const started = await served.call('PUT', `${base}/guests/LNX10001/ports/${portId(2)}?dryRun=true`, PORT);
    expect(started.headers.get('location')).toMatch(/^https:\/\/api\.example\/zvm\/v1\/operations\/create-port~/);
    expect((await served.call('GET', '/openapi.json')).body.servers[0].url).toBe('https://api.example/zvm');
  });

  test('a caller that goes away while waiting does not keep the gateway waiting', async () => {
    await served.environment.control('POST', 'systems/zhcp1/guests/LNX10002/lock');
    const leaving = new AbortController();
    const gone = fetch(`${served.gateway.url}${base}/guests/LNX10002/ports/${portId(3)}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json', prefer: 'wait=100' },
      body: JSON.stringify(PORT),
      signal: leaving.signal,
    }).catch(() => 'gone');
    await expect.poll(() => running(served, 'LNX10002')).toBe(1);
    leaving.abort();
    expect(await gone).toBe('gone');
    await expect.poll(() => served.log.some((line) => line.includes(portId(3)))).toBe(true);
    await served.environment.control('POST', 'systems/zhcp1/guests/LNX10002/unlock');
  });

  test('more pages than ten follow a host without a warning', async () => {
    const warnings: string[] = [];
    const warned = ({ message }: Error) => warnings.push(message);
    process.on('warning', warned);
    const pages = await Promise.all(Array.from({ length: 12 }, () => fetch(`${served.gateway.url}${base}/events`)));
    const readers = pages.map(({ body }) => body?.getReader());
    await Promise.all(readers.map((reader) => reader?.read()));
    process.off('warning', warned);
    expect(warnings).toEqual([]);
    await Promise.all(readers.map((reader) => reader?.cancel()));
  });

  test('when it ends, those who wait are answered, and streams of events end', async () => {
    const { client, host, control } = served.environment;
    const hosts = [{ host, physicalNetworks: [] }];
    const options = { client, namespace: 'zvm', hosts, tokens: undefined, log: () => {} };
    const gateway = await serveGateway(options, { host: '127.0.0.1', port: 0 });
    await control('POST', 'systems/zhcp1/guests/LNX10004/lock');
    const events = await fetch(`${gateway.url}${base}/events`);
    const ended = events.body?.pipeTo(new WritableStream());
    const waiting = fetch(`${gateway.url}${base}/guests/LNX10004/ports/${portId(4)}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json', prefer: 'wait=100' },
      body: JSON.stringify(PORT),
    });
    await expect.poll(() => running(served, 'LNX10004')).toBe(1);
    await gateway.close();
    expect((await waiting).status).toBe(202);
    await ended;
    await control('POST', 'systems/zhcp1/guests/LNX10004/unlock');
  });
});

describe('while no worker runs', () => {
  let served: Served;
  let base = '';
  beforeAll(async () => {
    served = await serve({ limits: { metricsSeconds: 0 } }, false);
    base = `/v1/hosts/${served.host}`;
  });
  afterAll(() => served.close());

  test('the state of z/VM cannot be read, and the reason is given; changes are taken', async () => {
    for (const path of ['/guests', '/guests/LNX10001', '/vswitches/VSW1', '/drift', '/picture']) {
      const answer = await served.call('GET', `${base}${path}`);
      expect(answer).toMatchObject({ status: 503, body: problem('no-worker') });
      expect(answer.body.detail).toContain(`zvm-${served.host}`);
    }
    const started = await served.call('PUT', `${base}/guests/LNX10001/ports/${portId(1)}`, PORT, { prefer: 'wait=1' });
    expect(started).toMatchObject({ status: 202, body: { state: 'running' } });
    expect((await served.call('GET', started.body.url)).body.state).toBe('running');
    // The newest take a moment to be found.
    await expect
      .poll(async () => (await served.call('GET', '/metrics')).body)
      .toContain(`zvm_operations{host="${served.host}",state="running"} 1`);
  });
});

/** A client on a way to Temporal. */
async function connectThrough() {
  const way = await wayToTemporal();
  // Never closed: Temporal's client goes on trying for half a minute, and a connection that is closed meanwhile throws in nobody's hands.
  const { client } = await connectClient(localTarget(way.address, inject('temporalNamespace')));
  return { ...way, client };
}

test('a Temporal that hangs makes no caller hang', async () => {
  const temporal = await connectThrough();
  const served = await serve({ client: temporal.client, limits: { waitSeconds: 2 } }, false);
  const base = `/v1/hosts/${served.host}`;
  expect((await served.call('GET', base)).status).toBe(200);
  temporal.hangs();
  const calls = ['/v1/operations', base, `${base}/guests`].map((path) => served.call('GET', path));
  calls.push(served.call('PUT', `${base}/guests/LNX10001/ports/${portId(1)}`, PORT, { prefer: 'wait=60' }));
  for (const { status, body } of await Promise.all(calls)) {
    expect(status).toBe(503);
    expect(body).toMatchObject(problem('unavailable'));
  }
  expect((await served.call('GET', '/metrics')).status).toBe(200);
  temporal.goes();
  await served.close();
});

describe('when Temporal goes while a caller waits', () => {
  const waitingOn = async (served: Served, userid: string, headers: Record<string, string>) => {
    await served.environment.control('POST', `systems/zhcp1/guests/${userid}/lock`);
    const path = `/v1/hosts/${served.host}/guests/${userid}/ports/${portId(1)}`;
    const waiting = served.call('PUT', path, PORT, headers);
    await expect.poll(() => running(served, userid)).toBe(1);
    return { waiting };
  };

  test('the answer is the operation, if Temporal is back in time', async () => {
    const served = await serve();
    const { workflow } = served.environment.client;
    // Temporal's client tries for half a minute before it says so.
    const away = { result: () => Promise.reject(new ServiceError('away')) };
    const handles = vi.spyOn(workflow, 'getHandle').mockReturnValueOnce(away as never);
    const { waiting } = await waitingOn(served, 'LNX10002', WAIT);
    await served.environment.control('POST', 'systems/zhcp1/guests/LNX10002/unlock');
    expect(await waiting).toMatchObject({ status: 200, body: { type: 'createPort', outcome: 'changed' } });
    handles.mockRestore();
    await served.close();
  });

  test('and stays away, the answer names the operation that goes on', async () => {
    const temporal = await connectThrough();
    const served = await serve({ client: temporal.client, limits: { temporalSeconds: 2 } });
    // Long enough that it is seen to run before the time is over.
    const { waiting } = await waitingOn(served, 'LNX10004', { prefer: 'wait=15' });
    temporal.goes();
    const { status, body, headers } = await waiting;
    expect(status).toBe(503);
    expect(body).toMatchObject({ ...problem('unavailable'), operation: expect.stringMatching(/^create-port~/) });
    expect(headers.get('location')).toContain(body.operation);
    await served.environment.control('POST', 'systems/zhcp1/guests/LNX10004/unlock');
    await served.close();
  });
});

test('the time that reading takes before an operation begins is part of the time that its caller waits', async () => {
  const served = await serve();
  await served.environment.control('POST', 'systems/zhcp1/guests/LNX10002/lock');
  const reading = await served.environment.hold({});
  const path = `/v1/hosts/${served.host}/guests/LNX10002/ports/${portId(1)}`;
  const [readingMs, waitMs] = [4_000, 5_000];
  const asked = performance.now();
  const waiting = served.call('PUT', path, PORT, { prefer: `wait=${waitMs / 1_000}`, 'if-none-match': '*' });
  await sleep(readingMs);
  await reading.release();
  expect((await waiting).status).toBe(202);
  expect(performance.now() - asked).toBeLessThan(readingMs + waitMs);
  await served.environment.control('POST', 'systems/zhcp1/guests/LNX10002/unlock');
  await served.close();
});

test('waiting for an operation takes as long as it may, however short calls to Temporal are', async () => {
  const served = await serve();
  await served.environment.control('POST', 'systems/zhcp1/guests/LNX10002/lock');
  const path = `/v1/hosts/${served.host}/guests/LNX10002/ports/${portId(1)}`;
  const waiting = served.call('PUT', path, PORT, WAIT);
  expect((await served.call('HEAD', `/v1/hosts/${served.host}/events`)).status).toBe(200);
  await sleep((LIMITS.temporalSeconds + 1) * 1_000);
  const { count } = await served.environment.client.workflow.count(
    `WorkflowType = "showHost" AND ZvmHost = "${served.host}"`,
  );
  expect(count, 'z/VM is not read for a stream without a listener').toBe(0);
  await served.environment.control('POST', 'systems/zhcp1/guests/LNX10002/unlock');
  expect((await waiting).status).toBe(200);
  await served.close();
});

test('a reading that takes too long is given up, and said so', async () => {
  const served = await serve({ limits: { readSeconds: 1 } });
  const reading = await served.environment.hold({});
  const slow = await served.call('GET', `/v1/hosts/${served.host}/guests`);
  expect(slow).toMatchObject({ status: 504, body: problem('slow') });
  await reading.release();
  await expect.poll(async () => (await served.call('GET', `/v1/hosts/${served.host}/guests`)).status).toBe(200);
  await served.close();
});

test('an address that tries many tokens is turned away, but not those who share it with a token', async () => {
  const { token, entry } = newToken('one', ['*'], ['read']);
  const { tokens } = TokenFile.parse({ tokens: [entry] });
  const served = await serve({ tokens, hosts: [], limits: { strangersPerMinute: 5 } }, false);
  const options = { client: served.environment.client, namespace: 'zvm', hosts: [], tokens, log: () => {} };
  const gateway = await serveGateway(
    { ...options, limits: { strangersPerMinute: 5 } },
    { host: '127.0.0.1', port: 0, behindProxy: true },
  );
  const from = async (address: string, bearer: string) =>
    (
      await fetch(`${gateway.url}/v1/hosts`, {
        headers: { authorization: `Bearer ${bearer}`, 'x-forwarded-for': `198.51.100.1, ${address}` },
      })
    ).status;
  for (let attempt = 0; attempt < 5; attempt += 1) expect(await from('192.0.2.1', 'guess')).toBe(401);
  expect(await from('192.0.2.1', 'guess')).toBe(429);
  expect(await from('192.0.2.1', token)).toBe(200);
  expect(await from('192.0.2.2', token)).toBe(200);
  const direct = { authorization: 'Bearer guess', 'x-forwarded-for': '192.0.2.9' };
  const statuses = [];
  for (let attempt = 0; attempt < 6; attempt += 1)
    statuses.push((await served.call('GET', '/v1/hosts', undefined, direct)).status);
  expect(statuses).toEqual([401, 401, 401, 401, 401, 429]);
  await gateway.close();
  await served.close();
});
