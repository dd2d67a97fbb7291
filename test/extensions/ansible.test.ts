import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Policy } from '../../domain/policy/policy.ts';
import { newToken, TokenFile } from '../../gateway/http/tokens.ts';
import { type Served, serve } from '../gateway/environment.ts';
import { portId } from '../workflows/environment.ts';
import { ansibleIsHere, type InstalledCollection, installedCollection } from './ansible-environment.ts';

const MINUTE = 60_000;
const tokens = {
  ansible: newToken('ansible', ['*'], ['read', 'change']),
  reader: newToken('reader', ['*'], ['read']),
  second: newToken('second', ['*'], ['read', 'change', 'approve']),
};
const as = (name: keyof typeof tokens) => ({ authorization: `Bearer ${tokens[name].token}` });
const POLICY = Policy.parse({
  rules: [{ name: 'deletions', match: { deletes: true, guests: ['LNX10009'] }, action: 'approval' }],
});
const network = (name: string, vswitch: string, rdevs: string[]) => ({
  ...{ name, vswitch, rdevs, flat: false, vlanRanges: [{ from: 1, to: 4094 }] },
  ...{ portSelection: 'USERBASED' as const, transport: 'ETHERNET' as const },
});

describe.skipIf(!ansibleIsHere)('the Ansible collection', { timeout: 5 * MINUTE }, () => {
  let served: Served;
  let folder: string;
  let collection: InstalledCollection;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ansible-'));
    const known = TokenFile.parse({ tokens: Object.values(tokens).map(({ entry }) => entry) }).tokens;
    const physicalNetworks = [network('physnet1', 'VSW1', ['6266']), network('physnew', 'NEWVSW', ['6280', '6283'])];
    served = await serve({ tokens: known, configured: { physicalNetworks, policy: POLICY } });
    const token_file = join(folder, 'token');
    await writeFile(token_file, `${tokens.ansible.token}\n`);
    collection = await installedCollection(folder, { url: served.gateway.url, token_file });
  }, 15 * MINUTE);
  afterAll(async () => {
    await served?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const port = (userid: string, number: number, more: object, keywords: object = {}) => ({
    'networking_zvm.zvm.port': { host: served.host, userid, port_id: portId(number), ...more },
    ...keywords,
  });
  const onVlan = (vlan: number) => ({ vswitch: 'VSW1', vlan });
  const vswitch = (name: string, more: object = {}, keywords: object = {}) => ({
    'networking_zvm.zvm.vswitch': { host: served.host, name, ...more },
    ...keywords,
  });
  const PLANNED = { check_mode: true, diff: true };
  const pathOf = (userid: string, number: number) =>
    `/v1/hosts/${served.host}/guests/${userid}/ports/${portId(number)}`;
  const call = (method: string, path: string, body?: unknown, headers = as('ansible')) =>
    served.call(method, path, body, headers);

  test('a port comes, moves and goes; what is so already is not changed, and check mode shows the plan and changes nothing', async () => {
    const live = { ...onVlan(1001), live: true };
    const before = await collection.results([port('LNX10001', 1, live, PLANNED)]);
    expect(before).toMatchObject([
      {
        changed: true,
        effect: 'changes',
        plan: expect.stringMatching(/^[0-9a-f]{32}$/),
        operation: { outcome: 'planned' },
      },
    ]);
    expect(before[0].diff.prepared).toBe(`${before[0].steps.join('\n')}\n`);
    expect(before[0].steps.join('\n')).toContain('VLAN 1001');
    expect((await call('GET', pathOf('LNX10001', 1))).status).toBe(404);

    const reason = { reason: 'CHG0012345 – für Müller' };
    const results = await collection.results([
      port('LNX10001', 1, { ...live, ...reason }),
      port('LNX10001', 1, live),
      port('LNX10001', 1, live, PLANNED),
      port('LNX10001', 1, onVlan(1002)),
      port('LNX10001', 1, { ...onVlan(1002), admin_state_up: false }),
    ]);
    expect(results.map(({ changed, operation }) => [changed, operation.outcome])).toEqual([
      [true, 'changed'],
      [false, 'unchanged'],
      [false, 'planned'],
      [true, 'changed'],
      [true, 'changed'],
    ]);
    expect(results[0].ports).toMatchObject([
      { port_id: portId(1), network: { type: 'vlan', segmentation_id: 1001 }, vdev: '1000', live: 'now' },
    ]);
    const made = await call('GET', `/v1/operations/${encodeURIComponent(results[0].operation.id)}`);
    expect(made.body.origin).toMatchObject({ by: 'ansible', reason: reason.reason });
    expect((await served.environment.guest('LNX10001')).granted).toEqual({ VSW1: [1002] });

    const gone = await collection.results([
      port('LNX10001', 1, { state: 'absent' }, PLANNED),
      port('LNX10001', 1, { state: 'absent' }),
      port('LNX10001', 1, { state: 'absent' }),
    ]);
    expect(gone.map(({ changed }) => changed)).toEqual([true, true, false]);
    expect((await served.environment.guest('LNX10001')).granted).toEqual({});
  });

  test('a VSWITCH is made as configured, gets its uplinks back, and goes', async () => {
    const [planned, made, again] = await collection.results([
      vswitch('NEWVSW', {}, PLANNED),
      vswitch('NEWVSW'),
      vswitch('NEWVSW', {}, PLANNED),
    ]);
    expect(planned).toMatchObject({
      changed: true,
      effect: 'changes',
      diff: { prepared: expect.stringContaining('NEWVSW') },
    });
    expect([made.changed, again.changed, again.effect]).toEqual([true, false, 'none']);
    const [system] = served.environment.simulator.mn.systems;
    const onHost = system?.vswitch('NEWVSW');
    if (onHost === undefined) throw new Error('no VSWITCH');
    onHost.rdevs = onHost.rdevs.slice(1);
    const [altered, deleted, deletedAgain, configured] = await collection.results([
      vswitch('NEWVSW'),
      vswitch('VSW2', { state: 'absent' }),
      vswitch('VSW2', { state: 'absent' }),
      vswitch('NEWVSW', { state: 'absent' }),
    ]);
    expect([altered.changed, deleted.changed, deletedAgain.changed]).toEqual([true, true, false]);
    expect(system?.vswitch('VSW2')).toBeUndefined();
    expect(configured).toMatchObject({ failed: true, kind: 'refused', errors: [{ field: 'vswitch' }] });
  });

  test('facts are hosts, VSWITCHes, guests, ports of a VLAN and drift', async () => {
    const [, facts, all] = await collection.results([
      port('LNX10002', 2, onVlan(1003)),
      {
        'networking_zvm.zvm.host_info': {
          ...{ host: served.host, userid: 'LNX10002', vlan: 1003 },
          gather: ['hosts', 'vswitches', 'guests', 'ports', 'drift'],
        },
      },
      { 'networking_zvm.zvm.host_info': {} },
    ]);
    expect(facts).toMatchObject({
      changed: false,
      hosts: [{ host: served.host, workers: 1 }],
      guests: [{ userid: 'LNX10002', ports: [{ port_id: portId(2) }] }],
      ports: [{ port_id: portId(2), network: { segmentation_id: 1003 }, drift: [] }],
      drift: { guests: [] },
    });
    expect(facts.vswitches.map(({ name }: { name: string }) => name)).toContain('VSW1');
    expect(all.hosts).toHaveLength(1);
  });

  test('a request that is refused says why, with the page about it', async () => {
    const [nonsense, conflict, forbidden, unknown, neither] = await collection.results([
      port('LNX10003', 3, onVlan(5_000)),
      port('LNX10003', 3, { vswitch: 'VSW1', vlan: 7, mac: '01:00:00:00:00:01' }),
      port('LNX10003', 3, { ...onVlan(7), token: tokens.reader.token, token_file: '{{ omit }}' }),
      port('NOSUCH', 3, onVlan(7)),
      port('LNX10003', 3, { vswitch: 'VSW1' }),
    ]);
    expect(nonsense).toMatchObject({
      ...{ failed: true, kind: 'invalid-request', status: 422 },
      errors: [{ field: 'ports.0.network.segmentationId' }],
    });
    expect(conflict).toMatchObject({ kind: 'invalid-request', errors: [{ field: 'ports.0.mac' }] });
    expect(forbidden).toMatchObject({
      failed: true,
      kind: 'forbidden',
      page: `${served.gateway.url}/errors/forbidden`,
    });
    expect(JSON.stringify(forbidden)).not.toContain(tokens.reader.token);
    expect(unknown).toMatchObject({ kind: 'refused', errors: [{ field: 'userid', advice: expect.any(String) }] });
    expect(unknown.msg).toContain(unknown.errors[0].reason);
    const page = await fetch(unknown.page);
    expect(page.status).toBe(200);
    expect(neither.msg).toMatch(/vlan.*trunk.*flat/);
  });

  test('a change whose answer was lost is made once', async () => {
    const proxy = await losingAnswers(served.gateway.url, 1);
    const [made] = await collection.results([port('LNX10004', 4, { ...onVlan(1004), url: proxy.url })]);
    expect({ changed: made.changed, lost: proxy.lost() }).toEqual({ changed: true, lost: 1 });
    proxy.server.close();
    const { body } = await call('GET', `/v1/operations?host=${served.host}&port=${portId(4)}`);
    expect(body.operations).toHaveLength(1);
  });

  test('a change that needs an approval is told, and waited for by whoever wants to', async () => {
    const [made, deferred] = await collection.results([
      port('LNX10009', 9, onVlan(1009)),
      port('LNX10009', 9, { state: 'absent' }),
    ]);
    expect(made.changed).toBe(true);
    const { id } = deferred.operation;
    expect(deferred).toMatchObject({
      ...{ changed: false, operation: { outcome: 'awaiting-approval' } },
      deferred: { kind: 'approval', rules: ['deletions'], plan: expect.any(String) },
    });
    expect(deferred.warnings.join()).toContain('Nothing is changed yet');
    const approved = await call(
      'POST',
      `/v1/operations/${encodeURIComponent(id)}/approve`,
      { plan: deferred.deferred.plan },
      as('second'),
    );
    expect(approved.status).toBe(200);
    const [ended, unknown] = await collection.results([
      { 'networking_zvm.zvm.operation_info': { id, wait: true } },
      { 'networking_zvm.zvm.operation_info': { id: 'delete-port~nowhere' } },
    ]);
    expect(ended.operation).toMatchObject({ state: 'completed', outcome: 'changed', decision: { by: 'second' } });
    expect(unknown).toMatchObject({ failed: true, kind: 'not-found' });
    expect((await call('GET', pathOf('LNX10009', 9))).status).toBe(404);
  });

  test('the tests that Ansible has for collections find nothing', async () => {
    await collection.sanity('compile', 'import', 'pep8', 'validate-modules');
  });
});

/** A way to a server that loses the first answers after the server has given them. */
async function losingAnswers(target: string, count: number): Promise<{ url: string; server: Server; lost(): number }> {
  let lost = 0;
  const server = createServer((incoming, outgoing) => {
    const { method, headers } = incoming;
    const onward = request(new URL(incoming.url ?? '/', target), { method, headers }, (answer) => {
      if (lost < count) {
        lost += 1;
        answer.resume().once('end', () => incoming.socket.destroy());
        return;
      }
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, server, lost: () => lost };
}
