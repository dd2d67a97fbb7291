import { expect, inject, onTestFinished, test } from 'vitest';
import { confirmHost } from '../../client/host-control.ts';
import { localTarget } from '../../client/temporal-connection.ts';
import { runWorkers } from '../../runtime/host/run-workers.ts';
import { createLogger } from '../../runtime/process/logging.ts';
import { bundledWorkflows } from '../bundled-workflows.ts';
import { createEnvironment, type Environment, portId, vlan } from './environment.ts';
import { type LastReconciliation, reconcileHost, startRun } from './start.ts';

const PORT = { userid: 'LNX10001', portId: portId(1), vswitch: 'VSW1', network: vlan(100) };

/** A z/VM system that no file says is to be repaired, with a drifted guest. */
async function drifted(): Promise<Environment> {
  const zvm = await createEnvironment({ guests: 2 }, false);
  const { reconcileMode: _repairs, ...configuration } = zvm.configuration;
  const target = localTarget(inject('temporalAddress'), inject('temporalNamespace'));
  const workers = await runWorkers([configuration], target, createLogger('silent'), undefined, undefined, {
    bundle: await bundledWorkflows(),
  });
  onTestFinished(async () => {
    await workers.stop();
    await zvm.close();
  });
  await zvm.run('attachNic', { userid: PORT.userid, ports: [{ ...PORT, userid: undefined }] });
  const [system] = zvm.simulator.mn.systems;
  const guest = system?.guest(PORT.userid);
  for (const nic of guest?.nics ?? []) if (guest !== undefined) system?.uncouple(guest, nic, 'an administrator');
  return zvm;
}

const isCoupled = async (zvm: Environment) =>
  (await zvm.guest(PORT.userid)).nics.some(({ vswitch }) => vswitch !== null);
type Reported = LastReconciliation & { isUnconfirmed?: boolean };

/** Reconcile as the Schedule does after the run with that result. */
const after = async (zvm: Environment, last: Reported | undefined, more = {}) => {
  const from = last === undefined ? {} : { checkpoint: last.checkpoint, failures: last.failures ?? [] };
  const input = last === undefined ? {} : { last: { ...from, ...(last.isUnconfirmed ? { isUnconfirmed: true } : {}) } };
  return (await startRun(zvm.client, 'reconcileHost', { host: zvm.host, ...input, ...more })).result();
};

test('a host that is new here is observed until an operator confirms it', async () => {
  const zvm = await drifted();
  const first = await after(zvm, undefined);
  expect(first).toMatchObject({ drifted: 1, repaired: 0, isUnconfirmed: true, reportsOnly: { why: 'unconfirmed' } });
  const second = await after(zvm, first);
  expect(second).toMatchObject({ drifted: 1, repaired: 0, isUnconfirmed: true });
  const plan = await after(zvm, first, { dryRun: true });
  expect(plan.drifts.join()).toContain('VSW1');
  expect(await isCoupled(zvm)).toBe(false);
  await confirmHost(zvm.client, zvm.host, { by: 'anna', via: 'zvmnet' });
  await expect.poll(async () => (await after(zvm, second)).repaired, { timeout: 60_000 }).toBe(1);
  expect(await isCoupled(zvm)).toBe(true);
});

test('a host that an earlier version has reconciled is repaired as before', async () => {
  const zvm = await drifted();
  const { checkpoint } = await after(zvm, undefined);
  expect(await reconcileHost(zvm, { checkpoint }, {})).toMatchObject({ drifted: 1, repaired: 1 });
});
