import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { Agent, fetch as tlsFetch } from 'undici';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { newToken, TokenFile } from '../../gateway/http/tokens.ts';
import { serveGateway } from '../../runtime/gateway/server.ts';
import { makeCertificate } from '../../simulator/http/certificate.ts';
import { portId, vlan } from '../workflows/environment.ts';
import { type Served, serve, WAIT } from './environment.ts';

let served: Served;
let folder = '';
const reader = newToken('reader', ['*'], ['read']);
const changer = newToken('changer', ['*'], ['read', 'change']);
const hasty = newToken('hasty', ['*'], ['read']);
const elsewhere = newToken('elsewhere', ['zvm-elsewhere'], ['read', 'change', 'reconcile']);
const known = TokenFile.parse({ tokens: [reader, changer, hasty, elsewhere].map(({ entry }) => entry) }).tokens;
const bearing = ({ token }: { token: string }) => ({ authorization: `Bearer ${token}` });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gateway-'));
  served = await serve({ tokens: known, limits: { requestsPerSecond: 40, bodyBytes: 10_000 } });
});
afterAll(async () => {
  await served.close();
  await rm(folder, { recursive: true });
});

const paths = () => ({
  guests: `/v1/hosts/${served.host}/guests`,
  port: `/v1/hosts/${served.host}/guests/LNX10001/ports/${portId(1)}`,
});
const PORT = { vswitch: 'VSW1', network: vlan(100) };

test.each([
  ['without a token', {}],
  ['with an unknown token', { authorization: 'Bearer zvm_nobody' }],
  ['with another scheme', { authorization: 'Basic dTpw' }],
])('%s nothing is answered but 401', async (_how, headers) => {
  const answer = await served.call('GET', paths().guests, undefined, headers);
  expect(answer.status).toBe(401);
  expect(answer.headers.get('www-authenticate')).toContain('Bearer');
  expect((await served.call('GET', '/metrics', undefined, headers)).status).toBe(401);
});

test('a token is for its verbs and its hosts alone', async () => {
  expect((await served.call('GET', paths().guests, undefined, bearing(reader))).status).toBe(200);
  expect((await served.call('PUT', paths().port, PORT, bearing(reader))).status).toBe(403);
  const reconcile = `/v1/hosts/${served.host}/reconciliations`;
  expect((await served.call('POST', reconcile, {}, bearing(changer))).status).toBe(403);
  expect((await served.call('GET', paths().guests, undefined, bearing(elsewhere))).status).toBe(403);
  expect((await served.call('GET', '/v1/hosts', undefined, bearing(elsewhere))).body).toEqual({ hosts: [] });
  expect((await served.call('GET', '/metrics', undefined, bearing(elsewhere))).status).toBe(403);
  expect((await served.call('GET', '/metrics', undefined, bearing(reader))).status).toBe(200);
  const changed = await served.call('PUT', paths().port, PORT, { ...bearing(changer), ...WAIT });
  expect(changed.status).toBe(200);
  const one = `/v1/operations/${encodeURIComponent(changed.body.id)}`;
  const elsewheres = await served.call('GET', one, undefined, bearing(elsewhere));
  expect(elsewheres).toMatchObject({ status: 404, body: { detail: `there is no operation ${changed.body.id}` } });
  expect((await served.call('POST', `${one}/cancel`, undefined, bearing(reader))).status).toBe(403);
});

test('a reconciliation of several hosts needs a token that may do so on each of them', async () => {
  const hosts = [served.host, 'zvm-elsewhere'];
  const { client } = served.environment;
  const here = newToken('here', [served.host], ['read', 'reconcile']);
  const everywhere = newToken('everywhere', ['*'], ['read', 'reconcile']);
  const { tokens } = TokenFile.parse({ tokens: [here.entry, everywhere.entry] });
  const options = { client, namespace: client.options.namespace, tokens, log: () => {} };
  const gateway = await serveGateway(
    { ...options, hosts: hosts.map((host) => ({ host, physicalNetworks: [] })) },
    { host: '127.0.0.1', port: 0 },
  );
  const call = async (method: string, path: string, token: { token: string }) => {
    const answer = await fetch(`${gateway.url}${path}`, { method, headers: bearing(token) });
    return { status: answer.status, body: await answer.json() };
  };
  const { body } = await call('POST', '/v1/reconciliations', everywhere);
  expect(body.hosts).toEqual(hosts);
  const one = `/v1/operations/${encodeURIComponent(body.id)}`;
  expect((await call('GET', one, everywhere)).status).toBe(200);
  expect(await call('GET', one, here)).toMatchObject({
    status: 403,
    body: { detail: 'the token here does not allow read on all hosts of the operation' },
  });
  expect((await call('POST', `${one}/cancel`, here)).status).toBe(403);
  expect((await call('POST', `${one}/cancel`, everywhere)).status).toBe(202);
  await gateway.close();
});

test('HEAD of events says what GET would', async () => {
  const head = async (host: string) =>
    (await served.call('HEAD', `/v1/hosts/${host}/events`, undefined, bearing(changer))).status;
  expect([await head(served.host), await head('nowhere')]).toEqual([200, 404]);
});

test('one caller has so many streams of events open, and another one when it closes one', async () => {
  const { client } = served.environment;
  const hosts = [{ host: served.host, physicalNetworks: [] }];
  const gateway = await serveGateway(
    { client, namespace: 'zvm', hosts, tokens: known, log: () => {}, limits: { streamsPerCaller: 3 } },
    { host: '127.0.0.1', port: 0 },
  );
  const open = async (token: { token: string }) => {
    const left = new AbortController();
    const { status, headers } = await fetch(`${gateway.url}/v1/hosts/${served.host}/events`, {
      headers: bearing(token),
      signal: left.signal,
    });
    return { status, type: headers.get('content-type'), leave: () => left.abort() };
  };
  const [first] = await Promise.all([open(reader), open(reader), open(reader)]);
  expect(await open(reader)).toMatchObject({ status: 429, type: 'application/problem+json' });
  expect((await open(changer)).status).toBe(200);
  first.leave();
  await expect.poll(async () => (await open(reader)).status).toBe(200);
  await gateway.close();
});

test('a body that is too large, and requests that are too many, are turned away', async () => {
  const large = await served.call('PUT', paths().port, { ...PORT, mac: 'x'.repeat(20_000) }, bearing(changer));
  expect(large.status).toBe(413);
  // As often as it takes until so many have come within a second.
  const turnedAway = await vi.waitUntil(
    async () => {
      const many = Array.from({ length: 80 }, () => served.call('GET', '/v1/hosts', undefined, bearing(hasty)));
      return (await Promise.all(many)).find(({ status }) => status === 429);
    },
    { timeout: 90_000 },
  );
  expect(turnedAway.headers.get('retry-after')).toBe('1');
});

test('without tokens the gateway opens itself to this machine alone', async () => {
  const options = { client: served.environment.client, namespace: 'zvm', hosts: [], tokens: undefined, log: () => {} };
  await expect(serveGateway(options, { host: '0.0.0.0', port: 0 })).rejects.toThrow('loopback');
});

test('it is served over TLS, and a renewed certificate is taken without a restart', async () => {
  const { cert, key, ca } = await makeCertificate();
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  await Promise.all([writeFile(certFile, cert), writeFile(keyFile, key)]);
  const options = { client: served.environment.client, namespace: 'zvm', hosts: [], tokens: known, log: () => {} };
  const gateway = await serveGateway(options, { host: '127.0.0.1', port: 0, tls: { certFile, keyFile } });
  const dispatcher = new Agent({ connect: { ca } });
  const answer = await tlsFetch(`${gateway.url}/v1/hosts`, { headers: bearing(reader), dispatcher });
  expect(answer.status).toBe(200);
  await dispatcher.close();
  const old = connectTls({ port: Number(new URL(gateway.url).port), ca, maxVersion: 'TLSv1.1', minVersion: 'TLSv1' });
  expect(
    await new Promise((resolve) =>
      old.once('secureConnect', () => resolve('old')).once('error', () => resolve('none')),
    ),
  ).toBe('none');
  old.destroy();
  const renewed = await makeCertificate();
  await Promise.all([writeFile(certFile, renewed.cert), writeFile(keyFile, renewed.key)]);
  const renewedFor = new Agent({ connect: { ca: renewed.ca } });
  await expect
    .poll(() =>
      tlsFetch(`${gateway.url}/healthz`, { dispatcher: renewedFor }).then(
        ({ status }) => status,
        () => 0,
      ),
    )
    .toBe(200);
  await renewedFor.close();
  await gateway.close();
});

test('files that are not a certificate and its key are named', async () => {
  const [one, other] = await Promise.all([makeCertificate(), makeCertificate()]);
  const [certFile, keyFile, noPem] = [join(folder, 'one.pem'), join(folder, 'other.key'), join(folder, 'no.pem')];
  await Promise.all([writeFile(certFile, one.cert), writeFile(keyFile, other.key), writeFile(noPem, 'no PEM')]);
  const options = { client: served.environment.client, namespace: 'zvm', hosts: [], tokens: known, log: () => {} };
  for (const tls of [
    { certFile, keyFile },
    { certFile: noPem, keyFile },
    { certFile: join(folder, 'absent'), keyFile },
  ])
    await expect(serveGateway(options, { host: '127.0.0.1', port: 0, tls })).rejects.toThrow(
      `${tls.certFile} and ${keyFile} are not a certificate and its key`,
    );
});
