import { afterAll, beforeAll, expect, test } from 'vitest';
import { portId, vlan } from '../workflows/environment.ts';
import { type Served, serve, WAIT } from './environment.ts';

let served: Served;
let base = '';
beforeAll(async () => {
  served = await serve();
  base = `/v1/hosts/${served.host}`;
});
afterAll(() => served.close());

const portOf = (userid: string, number: number) => `${base}/guests/${userid}/ports/${portId(number)}`;
const onVlan = (segmentationId: number, vswitch = 'VSW1') => ({ vswitch, network: vlan(segmentationId) });

test('a port is created, read beside what z/VM has, changed and deleted', async () => {
  const created = await served.call('PUT', `${portOf('LNX10001', 1)}?live=true`, onVlan(100), WAIT);
  expect(created.status).toBe(200);
  expect(created.body).toMatchObject({ type: 'attachNic', state: 'completed', outcome: 'changed', userid: 'LNX10001' });
  expect(created.headers.get('location')).toBe(created.body.url);
  expect(created.body.run).toContain('http://ui.example/namespaces/');

  const read = await served.call('GET', portOf('lnx10001', 1));
  expect(read.body).toMatchObject({
    record: { vswitch: 'VSW1', network: vlan(100) },
    actual: { loggedOn: true, live: { vswitch: 'VSW1' }, authorisation: { vlans: [100] } },
    inOrder: true,
  });
  const tag = read.headers.get('etag') ?? '';
  expect((await served.call('GET', portOf('LNX10001', 1), undefined, { 'if-none-match': tag })).status).toBe(304);

  const changed = await served.call(
    'PATCH',
    portOf('LNX10001', 1),
    { network: vlan(101) },
    { ...WAIT, 'if-match': tag },
  );
  expect(changed.body).toMatchObject({ type: 'changeVlan', outcome: 'changed' });
  expect((await served.environment.guest('LNX10001')).granted).toEqual({ VSW1: [101] });
  const late = await served.call('PATCH', portOf('LNX10001', 1), { adminStateUp: false }, { ...WAIT, 'if-match': tag });
  expect(late).toMatchObject({ status: 412, body: { type: '/errors/changed' } });

  await served.call('DELETE', portOf('LNX10001', 1), undefined, WAIT);
  expect((await served.call('GET', portOf('LNX10001', 1))).status).toBe(404);
  expect((await served.environment.guest('LNX10001')).rows).toEqual([]);
});

test('a change answers 202 with its operation, which ends', async () => {
  const started = await served.call('PUT', portOf('LNX10003', 2), onVlan(100));
  expect(started.status).toBe(202);
  const location = started.headers.get('location') ?? '';
  expect(location).toBe(started.body.url);
  await expect.poll(async () => (await served.call('GET', location)).body.state).toBe('completed');
});

test('repeats with one Idempotency-Key are one operation, and another request with that key is refused', async () => {
  const key = { ...WAIT, 'idempotency-key': 'order-1' };
  const [first, second] = await Promise.all(
    [1, 2].map(() => served.call('PUT', portOf('LNX10005', 3), onVlan(100), key)),
  );
  expect(second?.body.runId).toBe(first?.body.runId);
  const third = await served.call('PUT', portOf('LNX10005', 3), onVlan(100), key);
  expect(third.body.runId).toBe(first?.body.runId);
  expect((await served.call('PUT', portOf('LNX10005', 3), onVlan(200), key)).status).toBe(409);
});

test('operations on one guest queue, they do not fail', async () => {
  const ports = [11, 12, 13, 14].map((number) => served.call('PUT', portOf('LNX10007', number), onVlan(100), WAIT));
  expect((await Promise.all(ports)).map(({ body }) => body.state)).toEqual(Array(4).fill('completed'));
});

test('a request that cannot be granted is a problem that names field, reason, way out, and the run', async () => {
  const refused = await served.call('PUT', portOf('LNX10001', 4), onVlan(100, 'NOSUCH'), WAIT);
  expect(refused.status).toBe(409);
  expect(refused.headers.get('content-type')).toContain('application/problem+json');
  expect(refused.body).toMatchObject({
    type: '/errors/refused',
    run: expect.stringContaining('ui.example'),
  });
  expect(refused.body.errors).toContainEqual({
    field: 'vswitch',
    page: 'field-vswitch',
    reason: expect.stringContaining('NOSUCH'),
    advice: expect.any(String),
  });
});

test.each([
  ['a body that is no JSON', 'PUT', '/guests/LNX10001/ports/00000000-0000-4000-8000-000000000001', '{', 400],
  [
    'a VLAN that is none',
    'PUT',
    '/guests/LNX10001/ports/00000000-0000-4000-8000-000000000001',
    { vswitch: 'VSW1', network: { type: 'vlan', segmentationId: 4095 } },
    422,
  ],
  [
    'a field that is not known',
    'PATCH',
    '/guests/LNX10001/ports/00000000-0000-4000-8000-000000000001',
    { vlna: 1 },
    422,
  ],
  ['a guest that is not known', 'GET', '/guests/NOBODY', undefined, 404],
  ['a port that is not known', 'GET', '/guests/LNX10001/ports/00000000-0000-4000-8000-000000000099', undefined, 404],
  ['a port id that is none', 'GET', '/guests/LNX10001/ports/x', undefined, 422],
  ['a method that is not meant', 'POST', '/guests/LNX10001', {}, 405],
  ['a path that is not there', 'GET', '/nothing', undefined, 404],
])('%s is a problem', async (_case, method, path, body, status) => {
  const answer = await served.call(method, `${base}${path}`, body);
  expect(answer.status).toBe(status);
  expect(answer.body).toMatchObject({ type: expect.stringMatching(/^\/errors\//), status });
});

test('a host that is not served is not there', async () => {
  expect((await served.call('GET', '/v1/hosts/other/guests')).status).toBe(404);
});

test('lists are filtered and come in pages', async () => {
  await served.call(
    'POST',
    `${base}/ports`,
    {
      live: true,
      ports: [21, 22, 23].map((number) => ({ portId: portId(number), userid: 'LNX10009', ...onVlan(300, 'VSW2') })),
    },
    WAIT,
  );
  const first = await served.call('GET', `${base}/ports?vlan=300&limit=2`);
  expect(first.body.ports).toHaveLength(2);
  const second = await served.call('GET', `${base}/ports?vlan=300&limit=2&after=${first.body.next}`);
  expect(second.body).toMatchObject({ ports: [{ userid: 'LNX10009', actual: { vlans: [300], coupledTo: 'VSW2' } }] });
  expect(second.body.next).toBeUndefined();
  expect((await served.call('GET', `${base}/guests?userid=LNX10009`)).body.guests).toMatchObject([
    { ports: [{}, {}, {}] },
  ]);
});

test('pages of operations leave none out, whenever they began and ended', async () => {
  const lock = (how: string) => served.environment.control('POST', `systems/zhcp1/guests/LNX10008/${how}`);
  const list = async (query: string) => (await served.call('GET', `/v1/operations?host=${served.host}&${query}`)).body;
  const runIdsOf = (page: { operations: { runId: string }[] }) => page.operations.map(({ runId }) => runId);
  await lock('lock');
  const long = await served.call('PUT', portOf('LNX10008', 51), onVlan(100));
  for (const number of [52, 53]) await served.call('PUT', portOf('LNX10007', number), onVlan(100), WAIT);
  await expect.poll(async () => runIdsOf(await list('limit=100&state=running'))).toEqual([long.body.runId]);
  // It runs, and so stands on the first page; it ends before the next one is read.
  const pages = [await list('limit=1')];
  await lock('unlock');
  await expect.poll(async () => runIdsOf(await list('limit=100&state=completed'))).toContain(long.body.runId);
  const whole = runIdsOf(await list('limit=1000'));
  for (let page = pages[0]; page.next !== undefined; pages.push(page))
    page = await list(`limit=1&after=${encodeURIComponent(page.next)}`);
  const read = pages.flatMap(runIdsOf);
  expect(new Set(read)).toEqual(new Set(whole));
  expect(read.filter((runId) => runId !== long.body.runId)).toEqual(whole.filter((runId) => runId !== long.body.runId));
});

test('drift is shown, a dry run says what would be done, and reconciliation repairs it', async () => {
  await served.call('PUT', `${portOf('LNX10001', 31)}?live=true`, onVlan(400), WAIT);
  const system = served.environment.simulator.mn.systems[0];
  const vswitch = system?.vswitch('VSW1');
  if (system === undefined || vswitch === undefined) throw new Error('no VSW1');
  system.revoke(vswitch, 'LNX10001');
  expect((await served.call('GET', `${base}/drift`)).body.guests).toMatchObject([{ userid: 'LNX10001' }]);
  const dry = await served.call('POST', `${base}/reconciliations`, { dryRun: true }, WAIT);
  expect(dry.body.result).toMatchObject({ dryRun: true, drifted: 1 });
  await served.call('POST', `${base}/reconciliations`, {}, WAIT);
  expect((await served.call('GET', `${base}/drift`)).body.guests).toEqual([]);
  // The newest take a moment to be found.
  await expect
    .poll(async () => (await served.call('GET', `${base}/reconciliations?limit=5`)).body.operations[0])
    .toMatchObject({ type: 'reconcileHost', result: { repaired: 1 } });
});

test('a running operation is cancelled, and what it has done is undone', async () => {
  await served.environment.control('POST', 'systems/zhcp1/guests/LNX10002/lock');
  const started = await served.call('PUT', portOf('LNX10002', 41), onVlan(100));
  const id = encodeURIComponent(started.body.id);
  await expect.poll(async () => (await served.environment.guest('LNX10002')).granted).toEqual({ VSW1: [100] });
  expect((await served.call('POST', `/v1/operations/${id}/cancel`)).status).toBe(202);
  await expect.poll(async () => (await served.call('GET', `/v1/operations/${id}`)).body.state).toBe('cancelled');
  expect(await served.environment.guest('LNX10002')).toMatchObject({ rows: [], granted: {} });
  await served.environment.control('POST', 'systems/zhcp1/guests/LNX10002/unlock');
  expect((await served.call('POST', `/v1/operations/${id}/cancel`)).status).toBe(409);
});

test('VSWITCHes are listed and read', async () => {
  const { body } = await served.call('GET', `${base}/vswitches`);
  expect(body.vswitches.map((each: { name: string }) => each.name)).toEqual(
    expect.arrayContaining(['VSW1', 'VSW2', 'VSWFLAT']),
  );
  expect((await served.call('GET', `${base}/vswitches/vsw1`)).body).toMatchObject({
    name: 'VSW1',
    physicalNetwork: 'physnet1',
  });
  expect((await served.call('DELETE', `${base}/vswitches/NOSUCH?dryRun=true`, undefined, WAIT)).status).toBeLessThan(
    500,
  );
});

test('health, readiness and metrics are there for those who look after it', async () => {
  expect((await served.call('GET', '/healthz')).body).toEqual({ status: 'ok' });
  expect((await served.call('GET', '/readyz')).body).toEqual({ status: 'ready' });
  const metrics = await served.call('GET', '/metrics');
  expect(metrics.body).toContain(`zvm_ports{host="${served.host}"}`);
  expect(metrics.body).toContain('route="/v1/hosts/:host/guests/:userid/ports/:portId"');
});

test('events bring the state of a host and its operations, and then what changes', async () => {
  const answer = await fetch(`${served.gateway.url}${base}/events`);
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  while (!text.includes('event: operations')) text += (await reader?.read())?.value ?? '';
  expect(text).toContain('event: state');
  await reader?.cancel();
});
