import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRenewableTransport } from '../../../backend/http/renewable-transport.ts';
import { createTransport, type TransportOptions } from '../../../backend/xcat/rest/transport.ts';
import { type Simulator, startSimulator } from '../../../simulator/simulator.ts';

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator({ hosts: 1, guests: 1, release: '6.3' });
});
afterAll(() => simulator.close());

const options = (password: string): TransportOptions => ({
  url: simulator.url,
  username: 'admin',
  password,
  timeoutMs: 30_000,
  verifyTls: true,
  credentialsInQuery: false,
});
const VERSION = { method: 'GET', path: '/version' } as const;

async function control(method: string, path: string, body?: unknown): Promise<unknown> {
  const init = { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
  const answer = await fetch(new URL(`/simulator/${path}`, simulator.url), init);
  const text = await answer.text();
  return text === '' ? undefined : JSON.parse(text);
}

test('calls go by the newest credentials; one that is under way ends as it began', async () => {
  const transport = createRenewableTransport(createTransport, options('admin'));
  await control('POST', 'faults', { match: {}, action: { kind: 'hold', when: 'before' }, times: 1 });
  const underWay = transport.request(VERSION);
  const isHeld = async () => JSON.stringify(await control('GET', 'faults')).includes('"held":1');
  await expect.poll(isHeld).toBe(true);
  transport.renew(options('wrong'));
  await expect(transport.request(VERSION)).rejects.toMatchObject({ code: 'unauthorised' });
  await control('DELETE', 'faults');
  expect(await underWay).not.toEqual([]);
  transport.renew(options('admin'));
  expect(await transport.request(VERSION)).not.toEqual([]);
  await transport.close();
});

test('options that cannot be used change nothing', async () => {
  const transport = createRenewableTransport(createTransport, options('admin'));
  expect(() => transport.renew({ ...options('admin'), caFile: '/no/such/file' })).toThrow('cannot be read');
  expect(await transport.request(VERSION)).not.toEqual([]);
  await transport.close();
});
