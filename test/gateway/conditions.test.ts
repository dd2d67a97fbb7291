import { Client } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newToken, TokenFile } from '../../gateway/http/tokens.ts';
import { serveGateway } from '../../runtime/gateway/server.ts';
import { portId, vlan } from '../workflows/environment.ts';
import { type Served, serve, WAIT } from './environment.ts';

const one = newToken('one', ['*'], ['read', 'change', 'reconcile']);
const { tokens } = TokenFile.parse({ tokens: [one.entry] });

let served: Served;
let base = '';
beforeAll(async () => {
  served = await serve({ tokens, limits: { requestsPerSecond: 10_000 } });
  base = `/v1/hosts/${served.host}`;
});
afterAll(() => served.close());

const portOf = (userid: string, number: number) => `${base}/guests/${userid}/ports/${portId(number)}`;
const onVlan = (segmentationId: number, vswitch = 'VSW1') => ({ vswitch, network: vlan(segmentationId) });
const call = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
  served.call(method, path, body, { authorization: `Bearer ${one.token}`, ...headers });

/** The path of a port that there is now. */
async function newPort(userid: string, number: number): Promise<string> {
  const created = await call('PUT', portOf(userid, number), onVlan(100), WAIT);
  expect(created.status).toBe(200);
  return portOf(userid, number);
}

test('If-None-Match: * creates a port only', async () => {
  const only = { ...WAIT, 'if-none-match': '*' };
  expect((await call('PUT', portOf('LNX10001', 1), onVlan(100), only)).status).toBe(200);
  const again = await call('PUT', portOf('LNX10001', 1), onVlan(101), only);
  expect(again).toMatchObject({ status: 412, body: { detail: 'the resource exists already' } });
  expect((await served.environment.guest('LNX10001')).granted).toEqual({ VSW1: [100] });
});

test('If-Match takes a list of tags, never a weak one, and nothing for what is not there', async () => {
  const tag = (await call('GET', await newPort('LNX10003', 2))).headers.get('etag') ?? '';
  const change = (match: string, number = 2) =>
    call('PATCH', portOf('LNX10003', number), { adminStateUp: true }, { ...WAIT, 'if-match': match });
  expect((await change(`"another", ${tag}`)).status).toBe(200);
  expect((await change('*')).status).toBe(200);
  expect((await change(`W/${tag}`)).status).toBe(412);
  expect((await change('"another"')).status).toBe(412);
  expect((await change('*', 99)).status).toBe(412);
  const gone = await call('DELETE', portOf('LNX10003', 99), undefined, { ...WAIT, 'if-match': tag });
  expect(gone).toMatchObject({ status: 412, body: { detail: 'the resource does not exist' } });
});

test('of two who have read the same and change it at the same moment, one is told that it has changed', async () => {
  const port = portOf('LNX10006', 20);
  const change = (segmentationId: number, headers: Record<string, string>) =>
    call('PATCH', port, { network: vlan(segmentationId) }, { ...WAIT, ...headers });
  const created = await Promise.all(
    [100, 101].map((id) => call('PUT', port, onVlan(id), { ...WAIT, 'if-none-match': '*' })),
  );
  expect(created.map(({ status }) => status).toSorted()).toEqual([200, 412]);
  const tag = (await call('GET', port)).headers.get('etag') ?? '';
  const changed = await Promise.all([201, 202].map((id) => change(id, { 'if-match': tag })));
  expect(changed.map(({ status }) => status).toSorted()).toEqual([200, 412]);
  const late = changed.find(({ status }) => status === 412);
  expect(late?.body).toMatchObject({ type: '/errors/changed' });
  const stands = changed[0]?.status === 200 ? 201 : 202;
  expect((await served.environment.guest('LNX10006')).granted).toEqual({ VSW1: [stands] });
});

test('a request with a condition waits for the guest, and is refused when the one before it has changed the port', async () => {
  const port = portOf('LNX10008', 21);
  await call('PUT', port, onVlan(100), WAIT);
  const tag = (await call('GET', port)).headers.get('etag') ?? '';
  const recording = await served.environment.hold({ method: 'PUT', path: '/tables/switch' });
  const first = await call('PATCH', port, { network: vlan(101) });
  await recording.reached();
  const second = call('PATCH', port, { network: vlan(102) }, { ...WAIT, 'if-match': tag });
  await expect
    .poll(
      async () =>
        (await call('GET', `/v1/operations?host=${served.host}&userid=LNX10008&state=running`)).body.operations.length,
    )
    .toBe(2);
  await recording.release();
  expect(await second).toMatchObject({
    status: 412,
    body: { errors: [{ field: 'onlyIf.state' }], operation: expect.anything() },
  });
  expect((await call('GET', first.headers.get('location') ?? '')).body.state).toBe('completed');
  expect((await served.environment.guest('LNX10008')).granted).toEqual({ VSW1: [101] });
});

test('a tag without its quotes never holds, and that is said', async () => {
  const port = await newPort('LNX10002', 26);
  const tag = (await call('GET', port)).headers.get('etag') ?? '';
  const change = (match: string) => call('PATCH', port, { network: vlan(101) }, { ...WAIT, 'if-match': match });
  const detail = 'If-Match holds no ETag: an ETag includes its double quotes';
  for (const wrong of [tag.slice(1, -1), tag.slice(0, -1), ''])
    expect(await change(wrong)).toMatchObject({ status: 412, body: { detail } });
  expect((await change(`"other", ${tag}`)).status).toBe(200);
});

test('a request that is repeated with its key and its condition is the operation that it was', async () => {
  const port = await newPort('LNX10004', 27);
  const tag = (await call('GET', port)).headers.get('etag') ?? '';
  const again = () =>
    call('PATCH', port, { network: vlan(103) }, { ...WAIT, 'if-match': tag, 'idempotency-key': 'once' });
  const first = await again();
  expect(first.status).toBe(200);
  expect(await again()).toMatchObject({ status: 200, body: { runId: first.body.runId } });
  const vswitch = `${base}/vswitches/VSW2`;
  const seen = (await call('GET', vswitch)).headers.get('etag') ?? '';
  const ensure = () => call('PUT', vswitch, undefined, { ...WAIT, 'if-match': seen, 'idempotency-key': 'seen' });
  const { body } = await ensure();
  await call('PUT', portOf('LNX10004', 22), onVlan(100, 'VSW2'), WAIT);
  expect(await ensure()).toMatchObject({ status: 200, body: { runId: body.runId } });
});

test('of two that are sent at once with one key and one condition, neither finds what the other has changed', async () => {
  const port = await newPort('LNX10005', 28);
  const tag = (await call('GET', port)).headers.get('etag') ?? '';
  const headers = { ...WAIT, authorization: `Bearer ${one.token}`, 'if-match': tag, 'idempotency-key': 'at-once' };
  const change = async (url: string) => {
    const answer = await fetch(`${url}${port}`, {
      method: 'PATCH',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({ network: vlan(105) }),
    });
    return { status: answer.status, runId: (await answer.json()).runId };
  };
  let first: Awaited<ReturnType<typeof change>> | undefined;
  const { client: there } = served.environment;
  // While the one looks at the port, the other is carried out.
  const client = new Client({
    connection: there.connection,
    namespace: there.options.namespace,
    interceptors: {
      workflow: [
        {
          async start(input, next) {
            if (input.workflowType === 'showGuest') first ??= await change(served.gateway.url);
            return next(input);
          },
        },
      ],
    },
  });
  const hosts = [{ host: served.host, physicalNetworks: [] }];
  const gateway = await serveGateway(
    { client, namespace: there.options.namespace, hosts, tokens, log: () => {} },
    { host: '127.0.0.1', port: 0 },
  );
  const second = await change(gateway.url);
  expect(second).toEqual({ status: 200, runId: first?.runId });
  await gateway.close();
});

test('the plan of a dry run is carried out as it was told, or not at all', async () => {
  const [port, other] = [portOf('LNX10010', 23), portOf('LNX10010', 24)];
  const plan = async () => (await call('PUT', `${port}?dryRun=true`, onVlan(104), WAIT)).body.result;
  const { plan: early } = await plan();
  await call('PUT', other, onVlan(104), WAIT);
  const late = await call('PUT', `${port}?plan=${early}`, onVlan(104), WAIT);
  expect(late).toMatchObject({ status: 412, body: { errors: [{ field: 'onlyIf.plan' }] } });
  expect((await call('GET', port)).status).toBe(404);
  const { plan: now, steps } = await plan();
  const done = await call('PUT', `${port}?plan=${now}`, onVlan(104), WAIT);
  expect(done).toMatchObject({ status: 200, body: { result: { steps } } });
});

test('a plan whose MAC is taken while it is carried out is undone, and not carried out with another', async () => {
  const port = portOf('LNX10010', 25);
  const { plan, ports } = (await call('PUT', `${port}?dryRun=true`, onVlan(104), WAIT)).body.result;
  const { control, simulator } = served.environment;
  const match = { method: 'PUT', path: '/xcatws/tables/mac' };
  await control('POST', 'faults', { match, action: { kind: 'hold', when: 'before' }, times: 1 });
  const changing = call('PUT', `${port}?plan=${plan}`, onVlan(104), WAIT);
  await expect.poll(async () => ((await control('GET', 'faults')) as { held: number }[])[0]?.held).toBe(1);
  simulator.mn.tables.put('mac', { node: 'elsewhere', interface: '1000', mac: ports[0].mac });
  await control('DELETE', 'faults');
  expect(await changing).toMatchObject({ status: 412, body: { errors: [{ field: 'onlyIf.plan' }] } });
  expect((await call('GET', port)).status).toBe(404);
});

test('a reading under If-Match is refused when the resource has changed', async () => {
  const tag = (await call('GET', `${base}/vswitches/VSW2`)).headers.get('etag') ?? '';
  const read = (match: string) => call('GET', `${base}/vswitches/VSW2`, undefined, { 'if-match': match });
  expect([(await read(tag)).status, (await read('*')).status, (await read('"old"')).status]).toEqual([200, 200, 412]);
});

test('a resource with the same weak ETag is not sent again', async () => {
  const { headers } = await call('GET', `${base}/guests`);
  const tag = headers.get('etag') ?? '';
  expect((await call('GET', `${base}/guests`, undefined, { 'if-none-match': `"x", W/${tag}` })).status).toBe(304);
  expect((await call('HEAD', `${base}/guests`)).headers.get('etag')).toBe(tag);
});

test('a VSWITCH and a guest are changed only as they were read', async () => {
  const stale = { ...WAIT, 'if-match': '"stale"' };
  expect((await call('DELETE', `${base}/vswitches/VSW2?dryRun=true`, undefined, stale)).status).toBe(412);
  expect((await call('PUT', `${base}/vswitches/VSW2`, undefined, { 'if-none-match': '*' })).status).toBe(412);
  const vswitch = (await call('GET', `${base}/vswitches/VSW2`)).headers.get('etag') ?? '';
  const fresh = await call('PUT', `${base}/vswitches/VSW2?dryRun=true`, undefined, { ...WAIT, 'if-match': vswitch });
  expect(fresh).toMatchObject({ status: 200, body: { result: { dryRun: true } } });
  await newPort('LNX10007', 29);
  const nics = { ports: [{ portId: portId(29) }] };
  expect((await call('POST', `${base}/guests/LNX10007/nics`, nics, stale)).status).toBe(412);
  const guest = (await call('GET', `${base}/guests/LNX10007`)).headers.get('etag') ?? '';
  const attached = await call('POST', `${base}/guests/LNX10007/nics`, nics, { ...WAIT, 'if-match': guest });
  expect(attached).toMatchObject({ status: 200, body: { type: 'attachNic' } });
});
