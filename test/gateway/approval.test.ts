import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Policy } from '../../domain/policy/policy.ts';
import type { Verb } from '../../gateway/http/tokens.ts';
import { zvmnet, zvmnetJson } from '../cli/command.ts';
import { portId, vlan } from '../workflows/environment.ts';
import { type Answer, type Served, serve, WAIT } from './environment.ts';

const TOKENS: Record<string, Verb[]> = {
  alice: ['read', 'change', 'approve'],
  bob: ['read', 'approve'],
  carol: ['read', 'change'],
};
const sha256 = (text: string) => createHash('sha256').update(text).digest();
const POLICY = Policy.parse({
  rules: [{ name: 'live NICs', match: { interrupts: true }, action: 'approval' }],
});

let served: Served;
beforeAll(async () => {
  const tokens = Object.entries(TOKENS).map(([name, verbs]) => ({ name, sha256: sha256(name), hosts: ['*'], verbs }));
  served = await serve({ tokens, configured: { policy: POLICY } });
});
afterAll(() => served.close());

const as = (name: string, method: string, path: string, body?: unknown, headers = {}): Promise<Answer> =>
  served.call(method, path, body, { authorization: `Bearer ${name}`, ...headers });

/** An operation of alice that waits for an approval, with its plan. */
async function waiting(number: number): Promise<{ id: string; plan: string; port: string }> {
  const port = `/v1/hosts/${served.host}/guests/LNX1${String(number).padStart(4, '0')}/ports/${portId(number)}`;
  await as('alice', 'PUT', `${port}?live=true`, { vswitch: 'VSW1', network: vlan(100) }, WAIT);
  const { body } = await as('alice', 'PATCH', port, { network: vlan(200) }, { 'change-reason': 'CHG1' });
  const found = await vi.waitUntil(
    async () => {
      const { body: list } = await as('bob', 'GET', '/v1/operations?outcome=awaiting-approval');
      return list.operations.find(({ id, awaits }: { id: string; awaits?: object }) => id === body.id && awaits);
    },
    { timeout: 90_000, interval: 200 },
  );
  expect(found).toMatchObject({ awaits: { kind: 'approval', effect: 'interrupts', rules: ['live NICs'] } });
  return { id: body.id, plan: found.awaits.plan, port };
}

test('an operation that waits is listed with its plan, and approved by a token with the verb that is not its own', async () => {
  const { id, plan, port } = await waiting(1);
  const approve = `/v1/operations/${encodeURIComponent(id)}/approve`;
  expect((await as('carol', 'POST', approve, { plan })).status).toBe(403);
  expect(await as('alice', 'POST', approve, { plan })).toMatchObject({
    status: 403,
    body: { errors: [{ field: 'by' }] },
  });
  expect(await as('bob', 'POST', approve, { plan: 'f'.repeat(32) })).toMatchObject({ status: 412 });
  expect(await as('bob', 'POST', approve, { plan: 'this one' })).toMatchObject({ status: 422 });
  expect(await as('bob', 'POST', approve, { plan, reason: 'reviewed' })).toMatchObject({
    status: 200,
    body: { decision: { kind: 'approved', by: 'bob', via: 'http', reason: 'reviewed' } },
  });
  const ended = await vi.waitUntil(
    async () => {
      const { body } = await as('bob', 'GET', `/v1/operations/${encodeURIComponent(id)}`);
      return body.state === 'running' ? undefined : body;
    },
    { timeout: 90_000 },
  );
  expect(ended).toMatchObject({ outcome: 'changed', origin: { by: 'alice' }, decision: { by: 'bob' } });
  expect((await as('bob', 'GET', port)).body).toMatchObject({ actual: { authorisation: { vlans: [200] } } });
  expect(await as('bob', 'POST', approve, { plan })).toMatchObject({ status: 409 });
  const audited = async () => {
    const { body: audit } = await as('bob', 'GET', '/v1/audit?approvedBy=bob');
    // Other tests of the run have hosts of their own, and a bob.
    return audit.entries.filter(({ host }: { host: string }) => host === served.host);
  };
  await expect.poll(audited).toMatchObject([{ id, by: 'alice', decision: { by: 'bob', reason: 'reviewed' } }]);
});

test('zvmnet lists it with its plan, rejects it with a reason, and shows the decision', async () => {
  const { id, plan } = await waiting(3);
  const env = { ZVMNET_USER: 'dave', ZVMNET_HOST: served.host };
  const list = await zvmnet(['ops', 'list', '--outcome', 'awaiting-approval'], env);
  expect(list.out).toContain(plan);
  expect(list.out).toContain('VLAN 200');
  // Without a terminal nobody can be asked: the plan has to be named.
  expect((await zvmnet(['ops', 'approve', id], env)).code).toBe(2);
  expect((await zvmnet(['ops', 'approve', id, '--plan', plan], { ...env, ZVMNET_USER: 'alice' })).code).toBe(3);
  const rejected = await zvmnetJson(['ops', 'reject', id, '--plan', plan, '--reason', 'not in the freeze'], env);
  expect(rejected).toMatchObject({
    decision: { kind: 'rejected', by: 'dave', via: 'zvmnet', reason: 'not in the freeze' },
  });
  await vi.waitUntil(async () => (await zvmnetJson(['ops', 'show', id], env)).state !== 'running', { timeout: 60_000 });
  expect((await zvmnet(['ops', 'show', id], env)).out).toContain('rejected by dave');
  await expect.poll(async () => (await zvmnet(['audit', '--limit', '10'], env)).out).toContain('not in the freeze');
});
