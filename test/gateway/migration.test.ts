import { createHash } from 'node:crypto';
import { expect, test, vi } from 'vitest';
import type { HostConfiguration } from '../../configuration/load.ts';
import { startFeilong } from '../../demo/feilong/server.ts';
import { Policy } from '../../domain/policy/policy.ts';
import type { Verb } from '../../gateway/http/tokens.ts';
import { startSimulator } from '../../simulator/simulator.ts';
import { feilongIsHere } from '../backend/feilong/feilong-world.ts';
import { disturbancesSince, exchanged, lastEvent, withShadow } from '../backend/feilong/shadow.ts';
import { portId, vlan } from '../workflows/environment.ts';
import { type Answer, type Served, serve, WAIT } from './environment.ts';

const TOKENS: Record<string, Verb[]> = {
  alice: ['read', 'change'],
  bob: ['read', 'approve'],
  carol: ['read', 'change'],
};
const sha256 = (text: string) => createHash('sha256').update(text).digest();
const tokens = Object.entries(TOKENS).map(([name, verbs]) => ({ name, sha256: sha256(name), hosts: ['*'], verbs }));
const POLICY = Policy.parse({
  rules: [
    { name: 'records', match: { migrates: true, exceptCallers: ['carol'] }, action: 'approval' },
    { name: 'storage', match: { migrates: true, guests: ['LNX10003'] }, action: 'refuse', because: 'CHG freeze' },
  ],
});
const USERIDS = ['LNX10001', 'LNX10002', 'LNX10003'];

const by =
  (served: Served) =>
  (name: string, path: string, body?: unknown, headers = {}): Promise<Answer> =>
    served.call(body === undefined ? 'GET' : 'POST', path, body, { authorization: `Bearer ${name}`, ...headers });
const outcomesOf = ({ guests }: { guests: { userid: string; outcome: string }[] }) =>
  Object.fromEntries(guests.map(({ userid, outcome }) => [userid, outcome]));

test.skipIf(!feilongIsHere)(
  'a record is brought to Feilong as its dry run has planned it, once somebody else approves the plan, and back',
  { timeout: 600_000 },
  async (context) => {
    const simulator = await startSimulator({ hosts: 1, guests: 4, release: '6.3' });
    const feilong = await startFeilong({ simulatorUrl: simulator.url, zhcpNode: 'zhcp1', say: () => {} });
    const open = (configured: Partial<HostConfiguration>) =>
      serve({ tokens, simulator, configured: { ...configured, policy: POLICY } });
    let served = await open(withShadow(feilong));
    context.onTestFinished(async () => {
      await served.close();
      await feilong.stop();
      await simulator.close();
    });
    const { environment } = served;
    const migrate = `/v1/hosts/${served.host}/migrate`;
    for (const [index, userid] of USERIDS.entries()) {
      await environment.control('POST', `systems/zhcp1/guests/${userid}/logon`).catch(() => undefined);
      await environment.run('attachNic', {
        ...{ host: served.host, userid },
        ports: [{ portId: portId(index), vswitch: 'VSW1', network: vlan(100) }],
      });
    }
    const begun = await lastEvent(environment);
    const to = { to: 'feilong' };

    const planned = await by(served)('alice', `${migrate}?dryRun=true`, to, WAIT);
    expect(planned).toMatchObject({ status: 200, body: { outcome: 'refused', result: { needs: 'approval' } } });
    expect(outcomesOf(planned.body.result)).toEqual({
      LNX10001: 'planned',
      LNX10002: 'planned',
      LNX10003: 'incomplete',
    });
    const { plan } = planned.body.result;
    const other = await by(served)('alice', `${migrate}?plan=${'f'.repeat(32)}`, to, WAIT);
    expect(other).toMatchObject({ status: 412, body: { errors: [{ field: 'onlyIf.plan' }] } });

    const once = { 'idempotency-key': 'move', 'change-reason': 'CHG1' };
    const started = await by(served)('alice', `${migrate}?plan=${plan}`, to, once);
    expect(started.status).toBe(202);
    const operation = `/v1/operations/${encodeURIComponent(started.body.id)}`;
    const awaits = await vi.waitUntil(async () => (await by(served)('bob', operation)).body.awaits, {
      timeout: 90_000,
    });
    expect(awaits).toMatchObject({ kind: 'approval', plan, rules: ['records'], effect: 'changes' });
    // In the order in which the guests were planned, side by side.
    expect(awaits.steps.toSorted()).toEqual(
      USERIDS.slice(0, 2).map((userid) => expect.stringContaining(`register ${userid}`)),
    );
    expect((await by(served)('alice', `${migrate}?plan=${plan}`, to, once)).body.id).toBe(started.body.id);
    expect((await by(served)('carol', migrate, to)).body).toMatchObject({ type: expect.stringMatching(/\/busy$/) });
    expect(await by(served)('bob', `${operation}/approve`, { plan })).toMatchObject({ status: 200 });
    const ended = await vi.waitUntil(
      async () => {
        const { body } = await by(served)('bob', operation);
        return body.state === 'running' ? undefined : body;
      },
      { timeout: 180_000 },
    );
    expect(ended).toMatchObject({
      outcome: 'refused',
      origin: { by: 'alice', reason: 'CHG1' },
      decision: { by: 'bob' },
    });
    expect(outcomesOf(ended.result)).toEqual({ LNX10001: 'migrated', LNX10002: 'migrated', LNX10003: 'incomplete' });
    expect(JSON.stringify(ended.result)).toContain('CHG freeze');
    expect((await by(served)('alice', `${operation}/undo`, {})).body).toMatchObject({
      type: expect.stringMatching(/\/not-undoable$/),
    });
    const userids = USERIDS.slice(0, 2);
    expect(await by(served)('carol', migrate, { ...to, userids }, WAIT)).toMatchObject({
      status: 200,
      body: { outcome: 'unchanged' },
    });

    const byFeilong = exchanged(environment);
    await served.close();
    served = await open(byFeilong);
    const back = await by(served)('carol', migrate, { to: 'xcat', userids }, WAIT);
    expect(back).toMatchObject({ status: 200, body: { outcome: 'unchanged' } });
    expect(outcomesOf(back.body.result)).toEqual({ LNX10001: 'unchanged', LNX10002: 'unchanged' });
    expect(await disturbancesSince(environment, begun)).toEqual([]);
  },
);

test('a migration needs the right to change the host, a request that the document allows, and a shadow backend', async (context) => {
  const served = await serve({ tokens, guests: 1 });
  context.onTestFinished(() => served.close());
  const migrate = `/v1/hosts/${served.host}/migrate`;
  const ask = (name: string, path: string, body: unknown) => by(served)(name, path, body, WAIT);
  expect(await ask('bob', migrate, { to: 'feilong' })).toMatchObject({ status: 403 });
  expect(await ask('alice', '/v1/hosts/elsewhere/migrate', { to: 'feilong' })).toMatchObject({ status: 404 });
  expect(await ask('alice', migrate, { to: 'smapi' })).toMatchObject({
    status: 422,
    body: { errors: [{ field: 'to' }] },
  });
  expect(await ask('alice', migrate, { to: 'feilong', userids: [] })).toMatchObject({ status: 422 });
  expect(await ask('alice', `${migrate}?dryrun=true`, { to: 'feilong' })).toMatchObject({ status: 422 });
  expect(await ask('alice', migrate, { to: 'feilong' })).toMatchObject({
    status: 409,
    body: { errors: [{ field: 'to', page: 'field-to' }] },
  });
});
