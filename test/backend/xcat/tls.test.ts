import { afterAll, beforeAll, expect, test } from 'vitest';
import { createXcatClient, type XcatClientOptions } from '../../../backend/xcat/rest/client.ts';
import { type Simulator, startSimulator } from '../../../simulator/simulator.ts';

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator({ https: true, hosts: 1, guests: 1, release: '6.3' });
});
afterAll(() => simulator.close());

async function version(options: Partial<XcatClientOptions>): Promise<string> {
  const base = { username: 'admin', password: 'admin', timeoutMs: 10_000, verifyTls: true, credentialsInQuery: false };
  const client = createXcatClient({ url: simulator.url, ...base, ...options });
  return client.version().finally(() => client.close());
}

const ca = () => ({ ca: simulator.ca ?? '' });

test('the management node is trusted by the authority that is configured', async () => {
  expect(await version(ca())).toBe('2.8.3.16');
  expect(await version({ ...ca(), url: simulator.url.replace('127.0.0.1', 'localhost') })).toBe('2.8.3.16');
});

test('without its authority it is not trusted until that is configured, and the reader is told so', async () => {
  await expect(version({})).rejects.toMatchObject({ code: 'unreachable', retryable: true, advice: /CA file/ });
});

test('an authority of another management node does not help', async () => {
  const other = await startSimulator({ https: true, hosts: 1, guests: 1, release: '6.3' });
  await other.close();
  await expect(version({ ca: other.ca ?? '' })).rejects.toMatchObject({ code: 'unreachable', retryable: true });
});

test('a certificate of another name is refused', async () => {
  const url = simulator.url.replace('127.0.0.1', '127.0.0.2');
  // Nothing listens there on most machines; where loopback is one, the name decides.
  await expect(version({ ...ca(), url })).rejects.toMatchObject({ code: 'unreachable' });
});

test('verification is off only when it is asked for, with a warning', async () => {
  const warnings: string[] = [];
  const onWarning = (warning: string) => void warnings.push(warning);
  expect(await version({ verifyTls: false, onWarning })).toBe('2.8.3.16');
  expect(warnings.join()).toContain('not verified');
});

test('plain HTTP to a TLS port is a failure to connect, not an answer', async () => {
  await expect(version({ url: simulator.url.replace('https', 'http') })).rejects.toMatchObject({ code: 'unreachable' });
});
