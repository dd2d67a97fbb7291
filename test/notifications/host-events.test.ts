import { expect, onTestFinished, test } from 'vitest';
import { holdHost, releaseHost } from '../../client/host-control.ts';
import { type HostEvent, occasionsSince } from '../../client/host-events.ts';
import { ensureReconcileSchedule } from '../../runtime/host/reconcile-schedule.ts';
import { reconcileScheduleId } from '../../temporal-config/names.ts';
import { createEnvironment, type Environment, portId, vlan } from '../workflows/environment.ts';
import { startRun } from '../workflows/start.ts';

type Host = { environment: Environment; reconcile(): Promise<void>; events(): Promise<HostEvent[]> };

/** A host that is reconciled when the test says so. */
async function reconciledHost(): Promise<Host> {
  const environment = await createEnvironment({ guests: 4 });
  const { client, host } = environment;
  const since = new Date(Date.now() - 60_000);
  await ensureReconcileSchedule(client, host, { intervalSeconds: 3_600, sweepSeconds: 3_600 });
  const schedule = client.schedule.getHandle(reconcileScheduleId(host));
  onTestFinished(async () => {
    await schedule.delete();
    await environment.close();
  });
  const ended = `WorkflowType = "reconcileHost" AND ZvmHost = "${host}" AND ExecutionStatus != "Running"`;
  const runs = async () => (await client.workflow.count(ended)).count;
  return {
    environment,
    async reconcile() {
      const before = await runs();
      await schedule.trigger();
      await expect.poll(runs).toBe(before + 1);
    },
    async events() {
      const occasions = await occasionsSince(client, host, since);
      return (await Promise.all(occasions.map(({ read }) => read()))).flat();
    },
  };
}

test('reconciliation tells what has changed: drift that was repaired or not, a host that is away, and back', async () => {
  const { environment, reconcile, events } = await reconciledHost();
  const { control, simulator } = environment;
  await environment.run('attachNic', {
    userid: 'LNX10001',
    ports: [{ portId: portId(1), vswitch: 'VSW1', network: vlan(7) }],
  });
  const names = async () => (await events()).map(({ name }) => name);
  await reconcile();
  await reconcile();
  expect(await names()).toEqual([]);
  const [system] = simulator.mn.systems;
  const vswitch = system?.vswitch('VSW1');
  if (system === undefined || vswitch === undefined) throw new Error('no VSWITCH');
  system.revoke(vswitch, 'LNX10001');
  await reconcile();
  expect(await names()).toEqual(['drift.repaired']);
  await control('POST', 'faults', { match: {}, action: { kind: 'status', status: 403, text: 'Hush: access denied' } });
  await reconcile();
  await reconcile();
  expect(await names()).toEqual(['drift.repaired', 'host.unreachable']);
  await control('DELETE', 'faults');
  await reconcile();
  await reconcile();
  expect(await names()).toEqual(['drift.repaired', 'host.unreachable', 'host.back']);
  // Two looks at the same runs find the same events.
  expect(await events()).toEqual(await events());
  const ids = (await events()).map(({ event }) => event.id);
  expect(new Set(ids).size).toBe(ids.length);
  expect((await events())[0]?.event).toMatchObject({
    source: `/networking-zvm/hosts/${environment.host}`,
    data: { repaired: 1, drifts: [expect.stringContaining('LNX10001')] },
  });
});

test('holds and releases of a host are told of, with who and why', async () => {
  const { environment, events } = await reconciledHost();
  const { client, host } = environment;
  await holdHost(client, host, { by: 'anna', via: 'zvmnet', reason: 'CHG1' });
  await releaseHost(client, host, { by: 'ben', via: 'http' });
  const [held, released, ...more] = await events();
  expect(more).toEqual([]);
  expect(held).toMatchObject({ name: 'host.held', event: { subject: host, data: { by: 'anna', reason: 'CHG1' } } });
  expect(released).toMatchObject({ name: 'host.released', event: { data: { by: 'ben', heldBy: 'anna' } } });
  expect(await events()).toEqual([held, released]);
});

test('operations that are refused, fail in part or are terminated are told of; those that succeed are not', async () => {
  const { environment, events } = await reconciledHost();
  const { client, host } = environment;
  const port = { portId: portId(1), vswitch: 'VSW1', network: vlan(7) };
  await environment.run('createPort', { userid: 'LNX10001', ...port });
  const refused = await startRun(client, 'createPort', { host, userid: 'NOBODY', ...port, portId: portId(2) });
  await refused.result().catch(() => undefined);
  const wiring = await startRun(client, 'wirePorts', {
    host,
    ports: [
      { userid: 'LNX10002', ...port, portId: portId(3) },
      { userid: 'NOBODY', ...port, portId: portId(4) },
    ],
  });
  await wiring.result();
  await environment.control('POST', 'systems/zhcp1/guests/LNX10003/lock');
  const terminated = await startRun(client, 'createPort', { host, userid: 'LNX10003', ...port, portId: portId(5) });
  await terminated.terminate('by a test');
  const told = async () => (await events()).map(({ name, event }) => [name, event.data.runId]);
  await expect.poll(told).toEqual([
    ['operation.refused', refused.firstExecutionRunId],
    ['operation.refused', wiring.firstExecutionRunId],
    ['operation.failed', terminated.firstExecutionRunId],
  ]);
  await environment.control('POST', 'systems/zhcp1/guests/LNX10003/unlock');
});
