import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { afterEach, expect, test } from 'vitest';
import { createFeilongTransport, type FeilongOptions } from '../../../backend/feilong/rest/transport.ts';
import { makeCertificate } from '../../../simulator/http/certificate.ts';

type Seen = { method: string; path: string; headers: IncomingHttpHeaders };
type Reply = { status?: number; headers?: Record<string, string>; body: object | string };

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

const ok = (output: unknown) => ({ overallRC: 0, modID: null, rc: 0, rs: 0, errmsg: '', output });
const failed = (overallRC: number, rc: number, rs: number, more: object = {}) => ({
  ...{ overallRC, modID: 20, rc, rs, errmsg: 'Failed to resize memory of guest', output: '' },
  ...more,
});
const TOO_OLD: Reply = { status: 401, body: failed(400, 400, 401, { modID: 120 }) };

async function server(reply: (seen: Seen) => Reply, options: Partial<FeilongOptions> = {}, tls = false) {
  const seen: Seen[] = [];
  const listener: RequestListener = (request, response) => {
    const call = { method: request.method ?? '', path: request.url ?? '', headers: request.headers };
    seen.push(call);
    const { status = 200, headers = {}, body } = reply(call);
    response.writeHead(status, headers);
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
  const certificate = tls ? await makeCertificate() : undefined;
  const http = certificate === undefined ? createServer(listener) : createTlsServer(certificate, listener);
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const address = http.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const url = `${tls ? 'https' : 'http'}://127.0.0.1:${address.port}`;
  const trusted = certificate === undefined ? {} : { ca: certificate.ca };
  const transport = createFeilongTransport({ url, timeoutMs: 10_000, verifyTls: true, ...trusted, ...options });
  open.push(async () => {
    await transport.close();
    http.closeAllConnections();
    http.close();
  });
  return { transport, seen };
}

const NICS = { method: 'GET', path: '/guests/nics?userid=LNX1' } as const;

test('a token is asked for once, and again when it has become old', async () => {
  let given = 0;
  const { transport, seen } = await server(
    ({ path, headers }) => {
      if (path === '/token') {
        given += 1;
        return { headers: { 'X-Auth-Token': `token-${given}` }, body: '' };
      }
      return headers['x-auth-token'] === 'token-1' && given === 1 && seen.length > 3 ? TOO_OLD : { body: ok([]) };
    },
    { token: 'admin-s3cret' },
  );
  for (const _ of [1, 2, 3]) expect(await transport.request(NICS)).toEqual([]);
  expect(seen.map(({ path }) => path)).toEqual(['/token', NICS.path, NICS.path, NICS.path, '/token', NICS.path]);
  expect(seen[0]?.headers['x-admin-token']).toBe('admin-s3cret');
  expect(seen.at(-1)?.headers['x-auth-token']).toBe('token-2');
});

test('a wrong token of the administrator is permanent, and no error holds it', async () => {
  const { transport } = await server(
    () => ({ ...TOO_OLD, body: failed(400, 400, 401, { errmsg: 'no: admin-s3cret' }) }),
    {
      token: 'admin-s3cret',
    },
  );
  const error: unknown = await transport.request(NICS).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'unauthorised', retryable: false });
  expect(JSON.stringify([error, String(error)])).not.toContain('s3cret');
});

test('a server that asks for no token gets none; a proxy gets user and password', async () => {
  const { transport, seen } = await server(() => ({ body: ok([]) }), { basic: { username: 'me', password: 'p:w' } });
  await transport.request(NICS);
  expect(seen.map(({ path }) => path)).toEqual([NICS.path]);
  expect(seen[0]?.headers).toMatchObject({ authorization: `Basic ${Buffer.from('me:p:w').toString('base64')}` });
  expect(seen[0]?.headers).not.toHaveProperty('x-auth-token');
});

test('over TLS the certificate counts by the CA that is given', async () => {
  const trusted = await server(() => ({ body: ok('yes') }), {}, true);
  expect(await trusted.transport.request(NICS)).toBe('yes');
  const other = await makeCertificate();
  const untrusted = await server(() => ({ body: ok('yes') }), { ca: other.ca }, true);
  await expect(untrusted.transport.request(NICS)).rejects.toMatchObject({
    code: 'unreachable',
    message: /certificate/,
  });
  const options = { url: 'https://127.0.0.1:1', timeoutMs: 1_000, verifyTls: true, caFile: '/no/such/file' };
  expect(() => createFeilongTransport(options)).toThrow('cannot be read');
});

const NOT_MADE = "error: SMT: Results: '{'overallRC': 8, 'rc': 400, 'rs': 12, 'errno': 0, 'strError': ''}'";
test.each<[string, object, object]>([
  ['SMAPI’s own codes', failed(8, 400, 12), { code: 'smapi', rc: 400, rs: 12, retryable: true }],
  ['a code that stands for a locked entry', failed(409, 409, 7), { code: 'smapi', rc: 400, rs: 12, retryable: true }],
  ['a guest that is logged off', failed(409, 409, 1), { code: 'smapi', rc: 200, rs: 12, retryable: true }],
  ['a code that stands for several', failed(300, 300, 10, { errmsg: NOT_MADE }), { code: 'smapi', rc: 400, rs: 12 }],
  ['the same without SMAPI’s', failed(300, 300, 10), { code: 'busy', retryable: true }],
  ['a guest that is not registered', failed(404, 404, 1, { modID: 10 }), { code: 'conflict', retryable: true }],
  ['a port-based VSWITCH', failed(409, 409, 5), { code: 'refused', retryable: false }],
  ['a call that smcli does not know', failed(24, 0, 0), { code: 'refused', retryable: false }],
  ['no SMAPI', failed(25, 99, 61), { code: 'busy', retryable: true }],
  ['no sdkserver', failed(101, 101, 2), { code: 'unreachable', retryable: true }],
  ['a body that it does not take', failed(400, 400, 400), { code: 'refused', retryable: false }],
])('a failure is judged by its codes: %s', async (_what, body, expected) => {
  const { transport } = await server(() => ({ status: 500, body }));
  await expect(transport.request(NICS)).rejects.toMatchObject(expected);
});

test.each<[number, object]>([
  [401, { code: 'unauthorised', retryable: false }],
  [503, { code: 'busy', retryable: true, retryAfterMs: 0 }],
  [404, { code: 'bad-answer', retryable: true }],
])('a page of HTTP %i is a proxy’s', async (status, expected) => {
  const { transport } = await server(() => ({ status, headers: { 'retry-after': '0' }, body: '<html>no</html>' }));
  await expect(transport.request(NICS)).rejects.toMatchObject(expected);
});
