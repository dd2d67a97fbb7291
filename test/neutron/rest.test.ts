import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { NeutronRest } from '../../neutron/rest-client.ts';

let server: Server | undefined;
afterEach(() => {
  server?.close();
  server = undefined;
});

type Asked = { method: string; path: string; token: string | undefined; body: string };

/** Keystone and Neutron, reduced to the requests that reading ports needs. */
async function serve(answer: (asked: Asked) => { status?: number; headers?: Record<string, string>; body: unknown }) {
  const asked: Asked[] = [];
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += String(chunk);
    });
    request.on('end', () => {
      const token = request.headers['x-auth-token'];
      const one = {
        method: request.method ?? '',
        path: request.url ?? '',
        token: token === undefined ? undefined : String(token),
        body,
      };
      asked.push(one);
      const { status = 200, headers = {}, body: sent } = answer(one);
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(sent));
    });
  });
  const listening = server;
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(listening.address() as AddressInfo).port}`, asked };
}

const port = (id: string) => ({
  id,
  network_id: 'n',
  mac_address: '02:00:00:00:00:01',
  admin_state_up: true,
  status: 'ACTIVE',
  device_id: 'd',
  device_owner: 'compute:nova',
  'binding:host_id': 'zvm1',
  'binding:vif_type': 'ovs',
});
const ID = '00000000-0000-4000-8000-000000000001';
const user = {
  username: 'quantum',
  password: 'Hush-1',
  project: 'service',
  userDomain: 'Default',
  projectDomain: 'Default',
};

test('a token of Keystone v3 is fetched once, sent with each request, and fetched anew when Neutron refuses it', async () => {
  let tokens = 0;
  let refused = false;
  const { url, asked } = await serve(({ path, token }) => {
    if (path === '/identity/v3/auth/tokens') {
      tokens += 1;
      const body = { token: { expires_at: new Date(Date.now() + 3_600_000).toISOString() } };
      return { status: 201, headers: { 'x-subject-token': `token-${tokens}` }, body };
    }
    if (tokens === 1 && asked.length > 3 && !refused) {
      refused = true;
      return { status: 401, body: {} };
    }
    return token === undefined ? { status: 401, body: {} } : { body: { ports: [port(ID)] } };
  });
  const rest = new NeutronRest({
    url,
    auth: { strategy: 'keystone', authUrl: `${url}/identity`, ...user },
    timeoutMs: 5_000,
  });
  for (let time = 0; time < 4; time += 1) expect(await rest.portsOfHost('zvm1')).toHaveLength(1);
  expect(tokens).toBe(2);
  expect(asked.filter(({ path }) => path.includes('/ports')).every(({ token }) => token?.startsWith('token-'))).toBe(
    true,
  );
  await rest.close();
});

test('a token of Keystone v2.0 is taken too', async () => {
  const { url } = await serve(({ path, token, body }) => {
    if (path === '/v2.0/tokens') {
      expect(JSON.parse(body).auth.tenantName).toBe('service');
      return { body: { access: { token: { id: 'old', expires: new Date(Date.now() + 3_600_000).toISOString() } } } };
    }
    return { body: { ports: token === 'old' ? [port(ID)] : [] } };
  });
  const rest = new NeutronRest({
    url,
    auth: { strategy: 'keystone', authUrl: `${url}/v2.0`, ...user },
    timeoutMs: 5_000,
  });
  expect(await rest.portsOfHost('zvm1')).toHaveLength(1);
  await rest.close();
});

test('a wrong password is a failure for good that does not name it', async () => {
  const { url } = await serve(() => ({ status: 401, body: { error: { message: 'Hush-1' } } }));
  const rest = new NeutronRest({
    url,
    auth: { strategy: 'keystone', authUrl: `${url}/v3`, ...user },
    timeoutMs: 5_000,
  });
  const failure = await rest.portsOfHost('zvm1').catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'unauthorised', retryable: false });
  expect(String(failure)).not.toContain('Hush-1');
  await rest.close();
});

test('all pages of a long list are read', async () => {
  const second = '00000000-0000-4000-8000-000000000002';
  const { url } = await serve(({ path }) =>
    path.includes(`marker=${ID}`)
      ? { body: { ports: [port(second)], ports_links: [{ rel: 'previous', href: '' }] } }
      : { body: { ports: [port(ID)], ports_links: [{ rel: 'next', href: '' }] } },
  );
  const rest = new NeutronRest({ url: `${url}/v2.0`, auth: { strategy: 'noauth' }, timeoutMs: 5_000 });
  expect((await rest.portsOfHost('zvm1')).map(({ portId }) => portId)).toEqual([ID, second]);
  await rest.close();
});

test('a server that is away or fails is a failure for now', async () => {
  const { url } = await serve(() => ({ status: 503, body: {} }));
  const rest = new NeutronRest({ url, auth: { strategy: 'noauth' }, timeoutMs: 5_000 });
  await expect(rest.portsOfHost('zvm1')).rejects.toMatchObject({ code: 'unreachable', retryable: true });
  server?.close();
  server?.closeAllConnections();
  await expect(rest.portsOfHost('zvm1')).rejects.toMatchObject({ code: 'unreachable', retryable: true });
  await rest.close();
});
