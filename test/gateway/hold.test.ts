import { afterAll, beforeAll, expect, test } from 'vitest';
import { newToken, TokenFile } from '../../gateway/http/tokens.ts';
import { type Served, serve } from './environment.ts';

const REASON = { 'change-reason': 'CHG0012345' };
const tokens = {
  changer: newToken('changer', ['*'], ['read', 'change']),
  reader: newToken('reader', ['*'], ['read']),
};
const as = (name: keyof typeof tokens) => ({ authorization: `Bearer ${tokens[name].token}` });

let served: Served;
beforeAll(async () => {
  const known = TokenFile.parse({ tokens: Object.values(tokens).map(({ entry }) => entry) }).tokens;
  served = await serve({ guests: 2, tokens: known });
});
afterAll(() => served.close());

test('a host is held and released by who may change it, and shows by whom and why', async () => {
  const hold = `/v1/hosts/${served.host}/hold`;
  expect((await served.call('POST', hold, {}, { ...REASON, ...as('reader') })).status).toBe(403);
  expect((await served.call('POST', hold, {}, as('changer'))).status).toBe(422);
  const past = { until: '2000-01-01T00:00:00Z' };
  expect((await served.call('POST', hold, past, { ...REASON, ...as('changer') })).status).toBe(409);
  const held = await served.call('POST', hold, {}, { ...REASON, ...as('changer') });
  expect([200, 202]).toContain(held.status);
  expect(held.body.hold).toMatchObject({ by: 'changer', reason: 'CHG0012345' });
  const shown = await served.call('GET', '/v1/hosts', undefined, as('reader'));
  expect(shown.body.hosts).toMatchObject([{ hold: { by: 'changer' } }]);
  const metrics = await served.call('GET', '/metrics', undefined, as('reader'));
  expect(metrics.body).toContain(`zvm_host_held{host="${served.host}"} 1`);
  expect((await served.call('DELETE', hold, undefined, as('reader'))).status).toBe(403);
  const released = await served.call('DELETE', hold, undefined, as('changer'));
  expect(released).toMatchObject({ status: 200, body: { hold: null } });
});

test('a host is confirmed by who may reconcile it', async () => {
  const confirm = `/v1/hosts/${served.host}/confirm`;
  expect((await served.call('POST', confirm, undefined, as('changer'))).status).toBe(403);
});
