import { afterAll, beforeAll, expect, test } from 'vitest';
import { newToken, TokenFile } from '../../gateway/http/tokens.ts';
import { portId, vlan } from '../workflows/environment.ts';
import { type Served, serve, WAIT } from './environment.ts';

const portal = newToken('portal', ['*'], ['read', 'change']);
const reader = newToken('reader', ['*'], ['read']);
const as = ({ token }: { token: string }) => ({ authorization: `Bearer ${token}` });

let served: Served;
beforeAll(async () => {
  const { tokens } = TokenFile.parse({ tokens: [portal.entry, reader.entry] });
  served = await serve({ tokens });
});
afterAll(() => served.close());

const desired = (query = '', body?: unknown, token = portal) =>
  served.call(body === undefined ? 'GET' : 'POST', `/v1/hosts/${served.host}/desired${query}`, body, as(token));
const port = (number: number, id: number) => ({ portId: portId(number), vswitch: 'VSW1', network: vlan(id) });
const hostWith = (...guests: object[]) => ({ host: served.host, guests });
const vlanOf = async (userid: string, number: number) => {
  const path = `/v1/hosts/${served.host}/guests/${userid}/ports/${portId(number)}`;
  const { status, body } = await served.call('GET', path, undefined, as(portal));
  return status === 200 ? body.record.network.segmentationId : undefined;
};
const done = async (operations: { url: string }[]) => {
  for (const { url } of operations)
    await expect.poll(async () => (await served.call('GET', url, undefined, as(portal))).body.outcome).toBe('changed');
};

test('a host is made as the body says, one operation a guest, and an undo takes one of them back', async () => {
  const first = hostWith(
    { userid: 'LNX10001', ports: [port(1, 100), port(2, 100)] },
    { userid: 'LNX10002', ports: [port(3, 101)] },
  );
  const started = await desired('', first);
  expect(started).toMatchObject({ status: 202, body: { changes: [{ subject: 'LNX10001' }, { subject: 'LNX10002' }] } });
  await done(started.body.operations);
  const exported = await desired();
  expect(exported.body.desired.guests).toMatchObject(first.guests);
  expect(await desired('?prune=true', exported.body.desired)).toMatchObject({ status: 200, body: { changes: [] } });

  // One port goes and another one changes, together.
  const next = hostWith({ userid: 'LNX10001', ports: [port(2, 200)] }, { userid: 'LNX10002', ports: [port(3, 101)] });
  const planned = await desired('?prune=true&dryRun=true', next);
  expect(planned).toMatchObject({
    status: 200,
    body: { dryRun: true, changes: [{ type: 'setPorts', subject: 'LNX10001', remove: [portId(1)] }] },
  });
  expect(await vlanOf('LNX10001', 2)).toBe(100);
  expect((await desired(`?prune=true&plan=${'0'.repeat(32)}`, next)).status).toBe(412);
  const applied = await desired(`?prune=true&plan=${planned.body.plan}`, next);
  expect(applied.status).toBe(202);
  await done(applied.body.operations);
  expect([await vlanOf('LNX10001', 1), await vlanOf('LNX10001', 2)]).toEqual([undefined, 200]);

  const [operation] = applied.body.operations;
  const undo = (query: string, token = portal) =>
    served.call('POST', `/v1/operations/${operation.id}/undo${query}`, undefined, { ...WAIT, ...as(token) });
  expect((await undo('', reader)).status).toBe(403);
  const look = await undo('?dryRun=true');
  expect(look).toMatchObject({ status: 200, body: { undoes: operation.id, result: { changedSince: [] } } });
  expect(await undo(`?plan=${look.body.result.plan}`)).toMatchObject({ status: 200, body: { outcome: 'changed' } });
  expect([await vlanOf('LNX10001', 1), await vlanOf('LNX10001', 2)]).toEqual([100, 100]);
  const audit = `/v1/audit?host=${served.host}&type=restorePorts`;
  await expect
    .poll(async () => (await served.call('GET', audit, undefined, as(portal))).body.entries)
    .toMatchObject([
      { undoes: operation.id, summary: expect.stringContaining(`undo of ${operation.id}`), by: 'portal' },
      { undoes: operation.id },
    ]);
});

test('what cannot be undone is a problem with the reason', async () => {
  const path = `/v1/hosts/${served.host}/vswitches/VSW1`;
  const { body } = await served.call('PUT', path, undefined, { ...WAIT, ...as(portal) });
  expect(await served.call('POST', `/v1/operations/${body.id}/undo`, undefined, as(portal))).toMatchObject({
    status: 409,
    body: {
      type: '/errors/not-undoable',
      detail: expect.stringContaining('it has changed nothing'),
    },
  });
});

test.each([
  ['another host', { host: 'other', guests: [] }, 'host'],
  ['a guest twice', hostWithTwice(), 'guests.1'],
  [
    'a port of two guests',
    {
      guests: [
        { userid: 'LNX1', ports: [port(9, 1)] },
        { userid: 'LNX2', ports: [port(9, 1)] },
      ],
    },
    'guests.1.ports.0',
  ],
])('a body that says %s is refused by field', async (_what, body, field) => {
  const answer = await desired('', { host: served.host, ...body });
  // Of the right form, and contradicting itself or the path, it is a conflict.
  expect([409, 422]).toContain(answer.status);
  expect(answer).toMatchObject({
    body: { errors: expect.arrayContaining([expect.objectContaining({ field })]) },
  });
});

function hostWithTwice() {
  return {
    guests: [
      { userid: 'LNX1', ports: [] },
      { userid: 'LNX1', ports: [] },
    ],
  };
}

test('a token that may read exports, and changes nothing', async () => {
  expect((await desired('', undefined, reader)).status).toBe(200);
  expect((await desired('?dryRun=true', hostWith(), reader)).status).toBe(403);
});

test('one refusal, and nothing is started', async () => {
  const answer = await desired(
    '',
    hostWith(
      { userid: 'LNX10005', ports: [port(50, 100)] },
      { userid: 'LNX10006', ports: [{ ...port(51, 100), vswitch: 'XCATVSW1' }] },
    ),
  );
  expect(answer).toMatchObject({ status: 409, body: { errors: [{ field: 'LNX10006.ports.0.vswitch' }] } });
  expect(await vlanOf('LNX10005', 50)).toBeUndefined();
});
