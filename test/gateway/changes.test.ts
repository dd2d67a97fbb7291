import { afterAll, beforeAll, expect, test } from 'vitest';
import { SimulatorState } from '../../demo/check.ts';
import { newToken, TokenFile } from '../../gateway/http/tokens.ts';
import { reconcileScheduleId } from '../../temporal-config/names.ts';
import { portId, vlan } from '../workflows/environment.ts';
import { type Served, serve, WAIT } from './environment.ts';

const [one, other, bounded] = [
  newToken('one', ['*'], ['read', 'change', 'reconcile']),
  newToken('other', ['*'], ['read', 'change', 'reconcile']),
  newToken('bounded', ['zvm-elsewhere'], ['read', 'change', 'reconcile']),
];
const { tokens } = TokenFile.parse({ tokens: [one.entry, other.entry, bounded.entry] });

let served: Served;
let base = '';
beforeAll(async () => {
  served = await serve({ tokens, limits: { requestsPerSecond: 10_000 } });
  base = `/v1/hosts/${served.host}`;
});
afterAll(() => served.close());

const portOf = (userid: string, number: number) => `${base}/guests/${userid}/ports/${portId(number)}`;
const onVlan = (segmentationId: number, vswitch = 'VSW1') => ({ vswitch, network: vlan(segmentationId) });
const call = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}, token = one.token) =>
  served.call(method, path, body, { authorization: `Bearer ${token}`, ...headers });

test('a query that is misspelt changes nothing, and lists nothing', async () => {
  const change = await call('PUT', `${portOf('LNX10010', 30)}?dryrun=true`, onVlan(104), WAIT);
  expect(change).toMatchObject({ status: 422, body: { errors: [{ reason: expect.stringContaining('dryrun') }] } });
  expect((await call('GET', portOf('LNX10010', 30))).status).toBe(404);
  expect((await call('GET', `${base}/ports?vlans=104`)).status).toBe(422);
  expect((await call('GET', `/v1/operations?hosts=${served.host}`)).status).toBe(422);
});

test('a query parameter that a route does not know is refused on every route, and nothing is changed', async () => {
  const { paths } = (await call('GET', '/openapi.json')).body as { paths: Record<string, Record<string, unknown>> };
  const routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => [method.toUpperCase(), path] as const),
  );
  const asked = routes.filter(([, path]) => path.startsWith('/v1/'));
  expect(asked.length).toBeGreaterThan(25);
  const values: Record<string, string> = {
    ...{ host: served.host, userid: 'LNX10010', portId: portId(30), vswitch: 'VSW2', operationId: 'x' },
  };
  for (const [method, path] of asked) {
    const url = path.replace(/\{(\w+)\}/g, (_whole, name: string) => values[name] ?? name);
    const { status, body } = await call(method, `${url}?dryRun=true&nosuch=1`);
    expect({ path, method, status }).toEqual({ path, method, status: 422 });
    expect(body.detail, path).toContain('nosuch');
  }
});

test.each([
  ['network.segmentationId', { network: { type: 'vlan', segmentationId: 5_000 } }],
  ['network.type', { network: { type: 'vxlan' } }],
  ['vswitch', { network: { type: 'flat' }, vswitch: 'NOT ONE' }],
  ['adminStateUp', { adminStateUp: 'down' }],
])('a change of a port that is not understood names %s', async (field, change) => {
  const { status, body } = await call('PATCH', portOf('LNX10001', 1), change);
  expect({ status, fields: body.errors.map((error: { field: string }) => error.field) }).toEqual({
    ...{ status: 422, fields: [field] },
  });
});

test.each([{}, { name: 'x' }, { network: { type: 'flat' }, adminStateUp: true }])(
  'a change of a port that is none says what is one: %j',
  async (change) => {
    const { status, body } = await call('PATCH', portOf('LNX10001', 1), change);
    expect({ status, detail: body.detail }).toMatchObject({
      status: 422,
      detail: expect.stringContaining('either network'),
    });
  },
);

test.each([
  ['portId', { portId: 'x' }],
  ['portId', { portId: 'x', vswitch: 'VSW1', network: { type: 'flat' } }],
  ['network.segmentationId', { portId: portId(1), vswitch: 'VSW1', network: { type: 'vlan', segmentationId: 0 } }],
  ['address', { portId: portId(1), vswitch: 'VSW1', network: { type: 'flat' }, address: 'here' }],
])('a NIC that is not understood names its %s', async (field, port) => {
  const { body } = await call('POST', `${base}/guests/LNX10001/nics`, { ports: [port] });
  expect(body.errors.map((error: { field: string }) => error.field)).toEqual([`ports.0.${field}`]);
});

test('a key of the query says which of several runs is to be cancelled, and one that has ended is not', async () => {
  const ask = (segmentationId: number) =>
    call('PATCH', portOf('LNX10001', 1), { network: vlan(segmentationId) }, { ...WAIT, 'idempotency-key': 'twice' });
  await call('PUT', portOf('LNX10001', 1), onVlan(100), WAIT);
  const { id, runId } = (await ask(150)).body;
  const again = await call('POST', `/v1/operations/${id}/cancel?runId=${runId}`);
  expect(again).toMatchObject({ status: 409, body: { type: '/errors/ended' } });
});

test('of several preferences the one to wait is found, whatever the others quote', async () => {
  const ask = (prefer: string) =>
    call('PATCH', `${portOf('LNX10001', 1)}?dryRun=true`, { adminStateUp: true }, { prefer });
  expect((await ask('foo="a, wait=5", respond-async')).headers.get('preference-applied')).toBeNull();
  expect((await ask('foo="a, b", wait="20"; x')).headers.get('preference-applied')).toBe('wait=20');
  expect((await ask('wait=99999999999')).headers.get('preference-applied')).toBe('wait=120');
});

test('ports of a guest become as given by one request, and others go; what contradicts itself is refused', async () => {
  const path = `${base}/guests/LNX10008/ports`;
  const set = (body: object) => call('POST', path, body, WAIT);
  const named = (number: number, segmentationId: number) => ({ portId: portId(number), ...onVlan(segmentationId) });
  expect(await set({ ports: [named(40, 140), named(41, 140)] })).toMatchObject({ status: 200 });
  const changed = await set({ ports: [named(41, 141)], remove: [portId(40)] });
  expect(changed).toMatchObject({ status: 200, body: { type: 'setPorts', result: { changed: true } } });
  expect((await served.environment.guest('LNX10008')).granted).toEqual({ VSW1: [141] });
  expect((await set({ ports: [named(41, 141)], remove: [portId(40)] })).body.outcome).toBe('unchanged');
  for (const body of [{ ports: [] }, { ports: [named(41, 141)], remove: [portId(41)] }])
    expect(await set(body)).toMatchObject({
      status: 409,
      body: { type: '/errors/refused', errors: [{ field: 'ports' }] },
    });
});

test('of changes A, B, A none joins another, and each waited for, the last stands', async () => {
  await call('PUT', portOf('LNX10003', 2), onVlan(200), WAIT);
  const change = (segmentationId: number, headers = {}) =>
    call('PATCH', portOf('LNX10003', 2), { network: vlan(segmentationId) }, headers);
  const ids = [];
  for (const segmentationId of [201, 202, 201]) ids.push((await change(segmentationId)).body.id);
  expect(new Set(ids).size).toBe(3);
  for (const segmentationId of [203, 204, 203]) expect((await change(segmentationId, WAIT)).status).toBe(200);
  expect((await served.environment.guest('LNX10003')).granted).toEqual({ VSW1: [203] });
});

test('a key belongs to one request of one caller, whatever it asks for', async () => {
  const key = { ...WAIT, 'idempotency-key': 'a-key' };
  const first = await call('PUT', portOf('LNX10005', 3), onVlan(300), key);
  const deleting = await call('DELETE', portOf('LNX10005', 3), undefined, key);
  expect(deleting).toMatchObject({ status: 409, body: { type: '/errors/key-reused' } });
  const others = await call('PUT', portOf('LNX10005', 3), onVlan(300), key, other.token);
  expect(others.status).toBe(200);
  expect(others.body.id).not.toBe(first.body.id);
  expect((await call('PUT', portOf('lnx10005', 3), onVlan(300), key)).body.runId).toBe(first.body.runId);
});

test('a key holds for a VSWITCH too, and only the same request joins one that runs', async () => {
  const path = `${base}/vswitches/VSW2`;
  const key = { ...WAIT, 'idempotency-key': 'vswitch-1' };
  const first = await call('PUT', path, undefined, key);
  await call('PUT', path, undefined, WAIT);
  expect((await call('PUT', path, undefined, key)).body.runId).toBe(first.body.runId);
  expect((await call('DELETE', path, undefined, key)).body.type).toBe('/errors/key-reused');
  const reading = await served.environment.hold({});
  const running = await call('PUT', path);
  expect((await call('PUT', path)).body.runId).toBe(running.body.runId);
  expect((await call('PUT', `${path}?dryRun=true`)).body.type).toBe('/errors/busy');
  await reading.release();
});

test('an operation that was waited for and has failed is no success: step, way out and run are named', async () => {
  const userid = 'LNX10007';
  const action = { kind: 'smapi', function: 'Virtual_Network_Adapter_Connect_Vswitch', userid, rc: 212, rs: 52 };
  await served.environment.control('POST', 'faults', { match: {}, action, times: 1 });
  const failed = await call('PUT', `${portOf(userid, 4)}?live=true`, onVlan(100), WAIT);
  expect(failed).toMatchObject({
    status: 502,
    body: {
      type: '/errors/failed',
      step: expect.any(String),
      advice: expect.any(String),
      undone: true,
      run: expect.stringContaining('ui.example'),
    },
  });
  expect(failed.headers.get('location')).toContain(encodeURIComponent(failed.body.operation));
  expect(failed.headers.get('preference-applied')).toBe(WAIT.prefer);
  const operation = await call('GET', failed.headers.get('location') ?? '');
  expect(operation).toMatchObject({ status: 200, body: { state: 'failed' } });
});

test('many ports of which one is refused are not all done', async () => {
  const ports = [
    { portId: portId(5), userid: 'LNX10009', ...onVlan(500) },
    { portId: portId(6), userid: 'LNX10009', ...onVlan(500, 'NOSUCH') },
  ];
  const wired = await call('POST', `${base}/ports`, { ports }, WAIT);
  expect(wired).toMatchObject({
    status: 409,
    body: { type: '/errors/incomplete', result: { wired: 1, refused: 1 } },
  });
  const planned = await call('POST', `${base}/ports?dryRun=true`, { ports }, WAIT);
  expect(planned).toMatchObject({ status: 200, body: { result: { dryRun: true, unchanged: 1, refused: 1 } } });
});

test('a wait that runs out, or that is too short to begin with, answers 202', async () => {
  await served.environment.control('POST', 'systems/zhcp1/guests/LNX10002/lock');
  const started = await call('PUT', portOf('LNX10002', 7), onVlan(100), { prefer: 'respond-async, wait=1' });
  expect(started).toMatchObject({ status: 202, body: { state: 'running' } });
  expect(started.headers.get('preference-applied')).toBe('wait=1');
  expect((await call('PUT', portOf('LNX10002', 8), onVlan(100), { prefer: 'wait=0' })).status).toBe(202);
  expect((await call('PUT', portOf('LNX10002', 9), onVlan(100))).headers.get('preference-applied')).toBeNull();
  await served.environment.control('POST', 'systems/zhcp1/guests/LNX10002/unlock');
});

test('the name of a port in the name service goes with it', async () => {
  const port = { ...onVlan(100), address: '192.0.2.10', hostname: 'data-1' };
  expect((await call('PUT', portOf('LNX10004', 10), port, WAIT)).status).toBe(200);
  const { tables } = SimulatorState.parse(await served.environment.control('GET', 'state'));
  expect(tables.hosts).toContainEqual(expect.objectContaining({ ip: '192.0.2.10', hostnames: 'data-1' }));
});

test('new ports come live with those that are recorded, and several NICs go at once', async () => {
  await call('PUT', portOf('LNX10007', 11), onVlan(100), WAIT);
  const ports = [{ portId: portId(11) }, { portId: portId(12), ...onVlan(100) }];
  expect((await call('POST', `${base}/guests/LNX10007/nics`, { ports }, WAIT)).status).toBe(200);
  const coupled = async () =>
    (await served.environment.guest('LNX10007')).nics.filter((nic: { vswitch?: unknown }) => nic.vswitch).length;
  const before = await coupled();
  const query = `port=${portId(11)}&port=${portId(12)}`;
  const detached = await call('DELETE', `${base}/guests/LNX10007/nics?${query}`, undefined, WAIT);
  expect(detached).toMatchObject({ status: 200, body: { type: 'detachNic', portIds: [portId(11), portId(12)] } });
  expect(await coupled()).toBe(before - 2);
});

test('reconciliation is paused with a note, and goes on', async () => {
  const { client, host } = served.environment;
  const paused = { reconciliation: { paused: true, note: 'z/VM service window' } };
  expect((await call('PATCH', base, paused)).status).toBe(404);
  const schedule = await client.schedule.create({
    scheduleId: reconcileScheduleId(host),
    spec: { intervals: [{ every: '1 hour' }] },
    action: { type: 'startWorkflow', workflowType: 'reconcileHost', taskQueue: 'none', args: [] },
  });
  expect((await call('PATCH', base, paused)).body).toMatchObject(paused);
  expect((await call('GET', base)).body).toMatchObject(paused);
  expect((await call('PATCH', base, { reconciliation: { paused: false } })).body).toMatchObject({
    reconciliation: { paused: false, note: expect.stringContaining('every 3600 s') },
  });
  await schedule.delete();
});

test('hosts are reconciled together, each only by who may', async () => {
  const done = await call('POST', '/v1/reconciliations', { hosts: [served.host], dryRun: true }, WAIT);
  expect(done).toMatchObject({ status: 200, body: { type: 'reconcileFleet', result: { unreached: [] } } });
  expect((await call('POST', '/v1/reconciliations', { hosts: [served.host] }, WAIT, bounded.token)).status).toBe(403);
  expect((await call('POST', '/v1/reconciliations', undefined, WAIT, bounded.token)).status).toBe(404);
});

test('an operation that a host is not configured for is refused, by name', async () => {
  for (const path of ['dhcp', 'management-network']) {
    const refused = await call('PUT', `${base}/${path}?dryRun=true`, undefined, WAIT);
    expect(refused).toMatchObject({ status: 409, body: { errors: [{ field: expect.any(String) }] } });
  }
});

test('a list of operations has only those of the hosts that the caller may read', async () => {
  const here = newToken('here', [served.host], ['read']);
  tokens.push(...TokenFile.parse({ tokens: [here.entry] }).tokens);
  for (let number = 0; number < 5; number += 1)
    await call('PUT', `${portOf('LNX10006', 40)}?dryRun=true`, onVlan(100), WAIT);
  // Temporal lists what it runs a moment later.
  await expect.poll(async () => (await call('GET', '/v1/operations?limit=5')).body.operations.length).toBe(5);
  const mine = await call('GET', '/v1/operations?limit=5', undefined, {}, here.token);
  expect(mine.body.operations.map(({ host }: { host: string }) => host)).toEqual(Array(5).fill(served.host));
  const { body } = await call('GET', '/v1/operations?limit=5', undefined, {}, bounded.token);
  expect(body).toEqual({ operations: [] });
});

test('workflows beside the operations cannot be cancelled', async () => {
  await call('GET', `${base}/guests`);
  const { client, host } = served.environment;
  const workflowId = `neutron/${host}`;
  await client.workflow.start('followNeutron', {
    taskQueue: `zvm-${host}`,
    workflowId,
    args: [{ host }],
  });
  await expect
    .poll(async () => (await call('POST', `/v1/operations/neutron~${host}/cancel`)).body.type)
    .toBe('/errors/not-cancellable');
});
