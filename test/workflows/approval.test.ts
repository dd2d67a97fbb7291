import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { DecisionRefused, decideOn } from '../../client/approval.ts';
import { describeOperation, listOperations } from '../../client/operations.ts';
import { requestOf, runOf, startOperation, workflowIdFor } from '../../client/start-operation.ts';
import { type OperationType, parseRequest } from '../../domain/operations/operations.ts';
import { Policy } from '../../domain/policy/policy.ts';
import { isOpen } from '../../domain/policy/window.ts';
import { emptyQueue, GuestQueue } from '../../workflows/guest-queue.ts';
import type { GuestRequest } from '../../workflows/guest-request.ts';
import { createEnvironment, type Environment, failureOf, portId, vlan } from './environment.ts';
import { startWorker } from './worker-of-its-own.ts';

/** A window that is open for every other minute. */
const EVEN_MINUTES = { opens: '*/2 * * * *', zone: 'UTC', minutes: 1 };

const POLICY = Policy.parse({
  windows: { even: EVEN_MINUTES },
  rules: [
    {
      name: 'live NICs',
      match: { interrupts: true, callers: ['alice*'], exceptCallers: ['*@night'] },
      action: 'approval',
    },
    { name: 'soon over', match: { callers: ['hasty'] }, action: 'approval', withinHours: 0.001 },
    { name: 'by two', match: { callers: ['dave'] }, action: 'approval', approvers: ['net-*'] },
    { name: 'in the window', match: { callers: ['*@night'] }, action: 'window', window: 'even' },
    { name: 'many', match: { moreGuestsThan: 2 }, action: 'approval' },
    { name: 'never', match: { deletes: true, callers: ['mallory'] }, action: 'refuse', because: 'CHG freeze' },
    { name: 'switches', match: { vswitch: true }, action: 'approval' },
    { name: 'repairs', match: { via: ['schedule'] }, action: 'approval' },
  ],
});

let zvm: Environment;
beforeAll(async () => {
  const physicalNetworks = ['VSW1', 'NEWVSW'].map((vswitch) => ({
    ...{ name: vswitch.toLowerCase(), vswitch, flat: false, vlanRanges: [{ from: 1, to: 4094 }], rdevs: [] },
    ...{ portSelection: 'USERBASED' as const, transport: 'ETHERNET' as const },
  }));
  zvm = await createEnvironment({ guests: 30 }, true, { policy: POLICY, physicalNetworks });
});
afterAll(() => zvm.close());

/** Start an operation as a caller of the API. */
async function start<Type extends OperationType>({ client, host }: Environment, type: Type, input: object, by: string) {
  const parsed = parseRequest(type, { host, ...input });
  if (!parsed.accepted) throw new Error(JSON.stringify(parsed.refusals));
  const request = requestOf(type, parsed.request);
  const via = by === 'schedule' ? ('schedule' as const) : ('http' as const);
  const started = await startOperation(client, request, {
    workflowId: workflowIdFor(request),
    origin: { by, via, reason: 'CHG1' },
  });
  const ended = runOf(client, type, started).result();
  ended.catch(() => undefined);
  return { ...started, ended };
}

type Started = Awaited<ReturnType<typeof start>>;

/** The plan that an operation waits with. */
async function awaited({ client }: Environment, { id }: Pick<Started, 'id'>, other = '') {
  return vi.waitUntil(
    async () => {
      const { awaits } = (await describeOperation(client, id, undefined, { ask: false })) ?? {};
      return awaits !== undefined && awaits.plan !== other ? awaits : undefined;
    },
    { timeout: 90_000, interval: 200 },
  );
}

const decide = ({ client }: Environment, started: Started, kind: 'approve' | 'reject', plan: string, by: string) =>
  decideOn(client, started, kind, plan, { by, via: 'http', reason: 'looks right' });

/** A running guest with a live port on VLAN 100. */
async function wired(environment: Environment, number: number): Promise<{ userid: string; port: string }> {
  const userid = `LNX1${String(number).padStart(4, '0')}`;
  const ports = [{ portId: portId(number), vswitch: 'VSW1', network: vlan(100) }];
  await (await start(environment, 'attachNic', { userid, ports }, 'setup')).ended;
  return { userid, port: portId(number) };
}

describe('a change that needs an approval', { concurrent: true }, () => {
  test('shows its plan, touches nothing, and goes on when somebody else approves that plan', async () => {
    const { userid, port } = await wired(zvm, 1);
    const before = await zvm.guest(userid);
    const started = await start(zvm, 'changeVlan', { userid, portId: port, network: vlan(200) }, 'alice');
    const awaits = await awaited(zvm, started);
    expect(awaits).toMatchObject({ kind: 'approval', effect: 'interrupts', rules: ['live NICs'] });
    expect(awaits.steps.join('\n')).toContain('VLAN 200');
    expect(await zvm.guest(userid)).toEqual(before);
    await expect(decide(zvm, started, 'approve', awaits.plan, 'Alice')).rejects.toMatchObject({ field: 'by' });
    await expect(decide(zvm, started, 'approve', '0'.repeat(32), 'bob')).rejects.toMatchObject({ field: 'plan' });
    const listed = await vi.waitUntil(async () => {
      const found = await listOperations(zvm.client, { host: zvm.host, outcome: 'awaiting-approval' }, 50);
      return found.find(({ id }) => id === started.id);
    });
    expect(listed?.awaits?.plan).toBe(awaits.plan);
    await decide(zvm, started, 'approve', awaits.plan, 'bob');
    await expect(started.ended).resolves.toMatchObject({ changed: true });
    expect((await zvm.guest(userid)).granted).toEqual({ VSW1: [200] });
    const after = await describeOperation(zvm.client, started.id);
    expect(after).toMatchObject({
      outcome: 'changed',
      decision: { kind: 'approved', by: 'bob', reason: 'looks right' },
    });
    expect(after?.awaits).toBeUndefined();
    await expect(decide(zvm, started, 'approve', awaits.plan, 'carol')).rejects.toBeInstanceOf(DecisionRefused);
  });

  test('is approved only by those that the rule names', async () => {
    const { userid, port } = await wired(zvm, 3);
    const started = await start(zvm, 'setAdminState', { userid, portId: port, adminStateUp: false }, 'dave');
    const { plan, approvers } = await awaited(zvm, started);
    expect(approvers).toEqual([['net-*']]);
    await expect(decide(zvm, started, 'approve', plan, 'bob')).rejects.toMatchObject({ field: 'by' });
    await decide(zvm, started, 'approve', plan, 'net-ops');
    await expect(started.ended).resolves.toMatchObject({ changed: true });
  });

  test('ends when it is rejected, with the reason, and touches nothing', async () => {
    const { userid, port } = await wired(zvm, 5);
    const before = await zvm.guest(userid);
    const started = await start(zvm, 'changeVlan', { userid, portId: port, network: vlan(200) }, 'alice');
    await decide(zvm, started, 'reject', (await awaited(zvm, started)).plan, 'bob');
    expect(await failureOf(started.ended)).toMatchObject({ type: 'Refused', details: [[{ field: 'approval' }]] });
    expect(await zvm.guest(userid)).toEqual(before);
    expect(await describeOperation(zvm.client, started.id)).toMatchObject({
      outcome: 'refused',
      decision: { kind: 'rejected', by: 'bob', reason: 'looks right' },
    });
  });

  test('ends when nobody decides in time', async () => {
    const { userid, port } = await wired(zvm, 7);
    const started = await start(zvm, 'changeVlan', { userid, portId: port, network: vlan(200) }, 'hasty');
    const { message } = await failureOf(started.ended);
    expect(message).toContain('nobody has approved');
  });

  test('lets later operations of the guest pass; its plan is overtaken then, and it asks again', async () => {
    const { userid, port } = await wired(zvm, 9);
    const started = await start(zvm, 'changeVlan', { userid, portId: port, network: vlan(300) }, 'alice');
    const first = await awaited(zvm, started);
    const later = await start(zvm, 'changeVlan', { userid, portId: port, network: vlan(200) }, 'carol');
    await expect(later.ended).resolves.toMatchObject({ changed: true });
    await decide(zvm, started, 'approve', first.plan, 'bob');
    const second = await awaited(zvm, started, first.plan);
    expect((await zvm.guest(userid)).granted).toEqual({ VSW1: [200] });
    await decide(zvm, started, 'approve', second.plan, 'bob');
    // Its word is the last: it was accepted when it was approved.
    await expect(started.ended).resolves.toMatchObject({ changed: true });
    expect((await zvm.guest(userid)).granted).toEqual({ VSW1: [300] });
  });

  test('is not an operation of a caller that the rule exempts', async () => {
    const { userid, port } = await wired(zvm, 11);
    const started = await start(zvm, 'changeVlan', { userid, portId: port, network: vlan(200) }, 'carol');
    await expect(started.ended).resolves.toMatchObject({ changed: true });
  });

  test('is refused where nobody has said who asks', async () => {
    const { userid, port } = await wired(zvm, 13);
    const failure = await failureOf(zvm.run('changeVlan', { userid, portId: port, network: vlan(200) }));
    expect(failure).toMatchObject({ type: 'Refused', details: [[{ field: 'policy' }]] });
  });

  test('of a dry run is told, and not waited for', async () => {
    const { userid, port } = await wired(zvm, 15);
    const input = { userid, portId: port, network: vlan(200), dryRun: true };
    const started = await start(zvm, 'changeVlan', input, 'alice');
    await expect(started.ended).resolves.toMatchObject({ dryRun: true, needs: 'approval' });
  });

  test('of a bulk operation is asked for once, for all its guests, before the first is changed', async () => {
    const ports = [17, 19, 21].map((number) => ({
      userid: `LNX1${String(number).padStart(4, '0')}`,
      ...{ portId: portId(number), vswitch: 'VSW1', network: vlan(100) },
    }));
    const started = await start(zvm, 'wirePorts', { ports, live: true }, 'alice');
    const { plan, rules, steps } = await awaited(zvm, started);
    expect(rules).toEqual(['many']);
    expect(steps.length).toBeGreaterThan(ports.length);
    for (const { userid } of ports) expect((await zvm.guest(userid)).rows).toEqual([]);
    await decide(zvm, started, 'approve', plan, 'bob');
    await expect(started.ended).resolves.toMatchObject({ wired: 3, refused: 0, failed: 0 });
    for (const { userid } of ports) expect((await zvm.guest(userid)).granted).toEqual({ VSW1: [100] });
  });

  test('of a bulk operation is asked for again for those guests alone whose plans were overtaken', async () => {
    const ports = [2, 4, 6].map((number) => ({
      userid: `LNX1${String(number).padStart(4, '0')}`,
      ...{ portId: portId(number), vswitch: 'VSW1', network: vlan(100) },
    }));
    const started = await start(zvm, 'wirePorts', { ports }, 'alice');
    const first = await awaited(zvm, started);
    // It takes the device number that the plan has chosen.
    const other = { userid: 'LNX10004', portId: portId(104), vswitch: 'VSW1', network: vlan(100) };
    await (await start(zvm, 'createPort', other, 'setup')).ended;
    await decide(zvm, started, 'approve', first.plan, 'bob');
    const second = await awaited(zvm, started, first.plan);
    expect(second.steps.filter((step) => /LNX1000[26]/.test(step))).toEqual([]);
    expect((await zvm.guest('LNX10002')).rows).toHaveLength(1);
    await decide(zvm, started, 'approve', second.plan, 'bob');
    await expect(started.ended).resolves.toMatchObject({ wired: 3, refused: 0, failed: 0 });
    expect((await zvm.guest('LNX10004')).rows).toHaveLength(2);
  });

  test('of a VSWITCH waits likewise', async () => {
    const started = await start(zvm, 'ensureVswitch', { vswitch: 'NEWVSW' }, 'alice');
    const { plan, steps } = await awaited(zvm, started);
    expect(steps.join()).toContain('NEWVSW');
    await decide(zvm, started, 'approve', plan, 'bob');
    await expect(started.ended).resolves.toMatchObject({ changed: true });
  });

  test('that the policy forbids is refused with its reason', async () => {
    const { userid, port } = await wired(zvm, 23);
    const started = await start(zvm, 'deletePort', { userid, portId: port }, 'mallory');
    const { type, message } = await failureOf(started.ended);
    expect({ type, isTold: message.includes('CHG freeze') }).toEqual({ type: 'Refused', isTold: true });
    expect((await zvm.guest(userid)).rows).toHaveLength(1);
  });

  test('outside a window waits for the window, and goes on by itself', { timeout: 300_000 }, async () => {
    const { userid, port } = await wired(zvm, 25);
    const secondsClosed = () => (isOpen(EVEN_MINUTES, Date.now()) ? 0 : 60 - new Date().getUTCSeconds());
    await vi.waitUntil(() => secondsClosed() > 30, { timeout: 180_000, interval: 500 });
    const started = await start(zvm, 'changeVlan', { userid, portId: port, network: vlan(200) }, 'alice@night');
    const { kind, until } = await awaited(zvm, started);
    expect({ kind, isOpen: isOpen(EVEN_MINUTES, Date.parse(until)) }).toEqual({ kind: 'window', isOpen: true });
    await expect(started.ended).resolves.toMatchObject({ changed: true });
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(until));
  });
});

test('a repair that needs an approval is not made by the Schedule: it is reported with the rule', async () => {
  const { userid } = await wired(zvm, 27);
  const { tables } = zvm.simulator.mn;
  const recorded = tables.list('switch');
  const others = (row: (typeof recorded)[number]) =>
    row.node === userid.toLowerCase() ? { ...row, vlan: '200' } : row;
  tables.replace('switch', recorded.map(others));
  const reconciled = await start(zvm, 'reconcileHost', {}, 'schedule');
  const { failures } = await reconciled.ended;
  expect(failures.map(({ reason }) => reason).join()).toContain('"repairs"');
  expect((await zvm.guest(userid)).granted).toEqual({ VSW1: [100] });
});

test('an operation that will ask again is not known by the answer to its plan: later ones wait for it', () => {
  const request = (operation: string): GuestRequest => ({
    ...{ id: operation, runId: 'run', operation: { workflowId: operation, firstRunId: 'run' }, acceptedAt: 1 },
    ...{ summary: operation, change: { kind: 'modernize' }, giveUpAfterMinutes: 1, keepOnFailure: false },
    ...{ dryRun: false, reports: false, onlyIfFree: false },
  });
  const queue = new GuestQueue(emptyQueue());
  queue.keepAnswered(request('done'), false);
  queue.keepAnswered(request('waits'), true);
  const next = new GuestQueue(queue.state());
  expect(next.knownOperations()).toEqual(['done']);
  expect(next.isAnswered({ id: 'waits', runId: 'run' })).toBe(true);
});

test('a change goes on where it waits when the worker is killed and another one starts', {
  timeout: 300_000,
}, async (context) => {
  const own = await createEnvironment({ guests: 10 }, false, { policy: POLICY });
  context.onTestFinished(() => own.close());
  const killed = await startWorker(own, context);
  const { userid, port } = await wired(own, 1);
  const started = await start(own, 'changeVlan', { userid, portId: port, network: vlan(200) }, 'alice');
  const { plan } = await awaited(own, started);
  killed.kill('SIGKILL');
  await once(killed, 'exit');
  await startWorker(own, context);
  await decide(own, started, 'approve', plan, 'bob');
  await expect(started.ended).resolves.toMatchObject({ changed: true });
});
