import { afterAll, beforeAll, expect, test } from 'vitest';
import { newToken, TokenFile } from '../../gateway/http/tokens.ts';
import { zvmnet } from '../cli/command.ts';
import { portId, vlan } from '../workflows/environment.ts';
import { type Answer, type Served, serve, WAIT } from './environment.ts';

const portal = newToken('portal', ['*'], ['read', 'change']);
const elsewhere = newToken('elsewhere', ['zvm-of-others'], ['read']);

let served: Served;
beforeAll(async () => {
  const { tokens } = TokenFile.parse({ tokens: [portal.entry, elsewhere.entry] });
  served = await serve({ tokens });
});
afterAll(() => served.close());

const REASON = 'CHG0012345: Zürich moves';
const as = ({ token }: { token: string }) => ({ authorization: `Bearer ${token}` });
const portOf = (userid: string, number: number) => `/v1/hosts/${served.host}/guests/${userid}/ports/${portId(number)}`;
const create = (userid: string, number: number, reason?: string): Promise<Answer> =>
  served.call(
    'PUT',
    portOf(userid, number),
    { vswitch: 'VSW1', network: vlan(100) },
    {
      ...WAIT,
      ...as(portal),
      ...(reason === undefined ? {} : { 'change-reason': encodeURIComponent(reason) }),
    },
  );
const audit = (query: string, headers: Record<string, string> = as(portal)) =>
  served.call('GET', `/v1/audit?host=${served.host}&${query}`, undefined, headers);

test('an operation shows the token that asked for it, the way in, and the reason', async () => {
  const { body } = await create('LNX10001', 1, REASON);
  const requestId = expect.any(String);
  expect(body.origin).toEqual({ by: 'portal', via: 'http', reason: REASON, requestId });
  const list = `/v1/operations?by=portal&userid=LNX10001&host=${served.host}`;
  await expect
    .poll(async () => (await served.call('GET', list, undefined, as(portal))).body.operations)
    .toMatchObject([{ id: body.id, origin: { by: 'portal', reason: REASON } }]);
  expect((await served.call('GET', '/v1/operations?by=nobody', undefined, as(portal))).body.operations).toEqual([]);
});

test('Temporal has the token, not a process, as the identity of the request', async () => {
  const { body } = await create('LNX10002', 2);
  const { client } = served.environment;
  const run = client.workflow.getHandle(body.id.replaceAll('~', '/'));
  const { events } = await run.fetchHistory();
  expect(events?.[0]?.workflowExecutionStartedEventAttributes?.identity).toBe('portal');
});

test("the gateway's log has the operation that a request has started", async () => {
  const { body } = await create('LNX10003', 3);
  const lines = served.log.map((line) => JSON.parse(line));
  expect(lines.find(({ operation }) => operation === body.id)).toMatchObject({ method: 'PUT', caller: 'portal' });
});

test('a reason is kept up to 500 characters, as one line', async () => {
  const { body } = await create('LNX10004', 4, `first\nsecond ${'x'.repeat(600)}`);
  expect(body.origin.reason).toMatch(/^first second x+$/);
  expect(body.origin.reason).toHaveLength(500);
});

test('the audit has time, person, reason, object, outcome and steps of an operation, by page and by filter', async () => {
  const before = new Date();
  const { body } = await create('LNX10005', 5, REASON);
  const entry = { by: 'portal', via: 'http', reason: REASON, operation: 'createPort', userid: 'LNX10005', id: body.id };
  await expect
    .poll(async () => (await audit('userid=LNX10005')).body.entries)
    .toMatchObject([{ ...entry, portIds: [portId(5)], outcome: 'changed', steps: body.result.steps }]);
  expect((await audit(`userid=LNX10005&until=${before.toISOString()}`)).body.entries).toEqual([]);
  await create('LNX10005', 6);
  await expect.poll(async () => (await audit('userid=LNX10005')).body.entries).toHaveLength(2);
  const first = (await audit('userid=LNX10005&limit=1')).body;
  const second = (await audit(`userid=LNX10005&limit=1&after=${encodeURIComponent(first.next)}`)).body;
  expect([...first.entries, ...second.entries].map(({ portIds }) => portIds[0])).toEqual([portId(6), portId(5)]);
});

test('the audit as lines of JSON has all entries', async () => {
  await create('LNX10006', 7);
  await create('LNX10006', 8);
  const lines = async (): Promise<string[]> => {
    const { body } = await audit('userid=LNX10006&limit=1', { ...as(portal), accept: 'application/x-ndjson' });
    return body.trim().split('\n');
  };
  await expect.poll(lines).toHaveLength(2);
  expect((await lines()).map((line) => JSON.parse(line).portIds[0])).toEqual([portId(8), portId(7)]);
});

test('a token sees the audit of its own hosts alone', async () => {
  await create('LNX10007', 9);
  expect((await served.call('GET', '/v1/audit', undefined, as(elsewhere))).body.entries).toEqual([]);
  expect(await audit('', as(elsewhere))).toMatchObject({ status: 403 });
});

test('zvmnet leaves the name of its user and the reason, and shows them', async () => {
  const env = { ZVMNET_HOST: served.host, ZVMNET_USER: 'eva' };
  const words = ['port', 'create', '--guest', 'LNX10008', '--vswitch', 'VSW1', '--vlan', '100', '--id', portId(10)];
  expect(await zvmnet([...words, '--reason', REASON], env)).toMatchObject({ code: 0 });
  const audited = async () => (await zvmnet(['audit', '--guest', 'LNX10008'], env)).out;
  await expect.poll(audited).toContain('eva (zvmnet)  changed');
  const out = await audited();
  expect(out).toContain(`reason: ${REASON}`);
  expect(out).toContain('define NIC 1000 in the directory of LNX10008');
  expect((await zvmnet(['ops', 'list', '--by', 'eva'], env)).out).toMatch(/changed +eva/);
});
