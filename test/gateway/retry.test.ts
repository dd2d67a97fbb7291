import { afterAll, beforeAll, expect, test } from 'vitest';
import { newToken, TokenFile } from '../../gateway/http/tokens.ts';
import { portId, vlan } from '../workflows/environment.ts';
import { type Served, serve, WAIT } from './environment.ts';

const changer = newToken('changer', ['*'], ['read', 'change']);
const reader = newToken('reader', ['*'], ['read']);
const { tokens } = TokenFile.parse({ tokens: [changer.entry, reader.entry] });
const as = ({ token }: { token: string }) => ({ authorization: `Bearer ${token}` });

let served: Served;
beforeAll(async () => {
  served = await serve({ tokens });
});
afterAll(() => served.close());

const call = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}, who = changer) =>
  served.call(method, path, body, { ...as(who), ...headers });

test('a failed operation is asked for once more, by the plan that was shown, by whom may change the host', async () => {
  const port = `/v1/hosts/${served.host}/guests/LNX10001/ports/${portId(1)}`;
  const fault = { kind: 'smapi', function: 'Virtual_Network_Adapter_Connect_Vswitch', rc: 212, rs: 52 };
  await served.environment.control('POST', 'faults', { match: {}, action: fault, times: 1 });
  const failed = await call('PUT', `${port}?live=true`, { vswitch: 'VSW1', network: vlan(100) }, WAIT);
  expect(failed.status).toBe(502);
  const again = `/v1/operations/${encodeURIComponent(failed.body.operation)}/retry`;

  expect((await call('POST', again, undefined, {}, reader)).status).toBe(403);
  const planned = await call('POST', `${again}?dryRun=true`, undefined, WAIT);
  expect(planned).toMatchObject({ status: 200, body: { type: 'attachNic', outcome: 'planned' } });
  const overtaken = await call('POST', `${again}?plan=${'0'.repeat(32)}`, undefined, WAIT);
  expect(overtaken.status).toBe(412);
  const done = await call('POST', `${again}?plan=${planned.body.result.plan}`, undefined, WAIT);
  expect(done).toMatchObject({ status: 200, body: { outcome: 'changed', origin: { by: 'changer' } } });
  expect(done.body.id).not.toBe(failed.body.operation);
  expect((await served.environment.guest('LNX10001')).granted).toEqual({ VSW1: [100] });
});

test('an operation that runs is not asked for again', async () => {
  const hold = await served.environment.hold({});
  const port = `/v1/hosts/${served.host}/guests/LNX10002/ports/${portId(2)}`;
  const started = await call('PUT', port, { vswitch: 'VSW1', network: vlan(100) });
  const again = await call('POST', `/v1/operations/${encodeURIComponent(started.body.id)}/retry`);
  expect(again).toMatchObject({ status: 409, body: { detail: expect.stringContaining('has not ended') } });
  await hold.release();
});

test('a VSWITCH has no named plan, so none is taken for one', async () => {
  const path = `/v1/hosts/${served.host}/vswitches/VSW1`;
  const { body } = await call('PUT', `${path}?dryRun=true`, undefined, WAIT);
  const again = `/v1/operations/${encodeURIComponent(body.id)}/retry`;
  expect((await call('POST', `${again}?plan=${'0'.repeat(32)}`, undefined, WAIT)).status).toBe(409);
  expect((await call('POST', `${again}?dryRun=true`, undefined, WAIT)).status).toBe(200);
});

test('a token is told what it may do on each host', async () => {
  const verbs = async (who: typeof reader) => (await call('GET', '/v1/hosts', undefined, {}, who)).body.hosts[0].verbs;
  expect([await verbs(changer), await verbs(reader)]).toEqual([['read', 'change'], ['read']]);
});
