import { afterAll, beforeAll, expect, test } from 'vitest';
import { newToken, TokenFile } from '../../gateway/http/tokens.ts';
import { portId, vlan } from '../workflows/environment.ts';
import { type Served, serve } from './environment.ts';

const SOON = { timeout: 90_000, interval: 200 };
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

test('after a restore each open operation is told with what it would do, and goes on or ends by the word of who may change the host', async () => {
  const restore = `/v1/hosts/${served.host}/restore`;
  const ask = (method: string, path: string, body?: unknown) =>
    served.call(method, path, body, { ...REASON, ...as('changer') });
  expect((await served.call('POST', restore, undefined, { ...REASON, ...as('reader') })).status).toBe(403);
  expect(await ask('DELETE', restore)).toMatchObject({ status: 409, body: { errors: [{ field: 'host' }] } });
  expect(await ask('POST', restore)).toMatchObject({
    status: 200,
    body: { restore: { by: 'changer', reason: 'CHG0012345' }, operations: [] },
  });
  const start = async (userid: string, number: number) => {
    const port = `/v1/hosts/${served.host}/guests/${userid}/ports/${portId(number)}`;
    const { body } = await ask('PUT', port, { vswitch: 'VSW1', network: vlan(100) });
    return `/v1/operations/${encodeURIComponent(body.id)}`;
  };
  const [first, second, third] = [await start('LNX10001', 1), await start('LNX10002', 2), await start('LNX10002', 3)];
  const open = () => served.call('GET', restore, undefined, as('reader'));
  await expect
    .poll(async () => (await open()).body.operations, SOON)
    .toMatchObject([{ outcome: 'held' }, { outcome: 'held' }, {}]);
  const { body: plan } = await ask('POST', `${first}/would`);
  expect(plan).toMatchObject({ goesOn: false, would: expect.arrayContaining([expect.stringContaining('VSW1')]) });
  expect(await ask('DELETE', restore)).toMatchObject({
    status: 409,
    body: { errors: [{ field: 'operation' }, { field: 'operation' }, { field: 'operation' }] },
  });
  expect(await ask('POST', `${first}/continue`)).toMatchObject({ status: 200, body: { goesOn: true } });
  expect((await served.call('POST', `${second}/end`, undefined, as('reader'))).status).toBe(403);
  expect((await ask('POST', `${second}/end`)).status).toBe(200);
  const state = async (path: string) => (await ask('GET', path)).body.state;
  await expect.poll(() => state(first), SOON).toBe('completed');
  await expect.poll(() => state(second), SOON).not.toBe('running');
  // Temporal lists them as open for a moment more.
  await expect.poll(async () => (await open()).body.operations, SOON).toHaveLength(1);
  expect(await ask('DELETE', `${restore}?rest=end`)).toMatchObject({ status: 200, body: { restore: null } });
  await expect.poll(() => state(third), SOON).not.toBe('running');
  expect(await ask('POST', `${first}/continue`)).toMatchObject({ status: 404 });
  expect((await served.environment.guest('LNX10001')).rows).toHaveLength(1);
  expect((await served.environment.guest('LNX10002')).rows).toEqual([]);
});
