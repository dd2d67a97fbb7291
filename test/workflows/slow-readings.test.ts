import { setTimeout as sleep } from 'node:timers/promises';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { Worker } from '@temporalio/worker';
import { type ExpectStatic, test } from 'vitest';
import { tellOfNeutron } from '../../client/neutron-news.ts';
import type { PortId } from '../../domain/text/identifiers.ts';
import { observedWorker } from '../../runtime/telemetry/observed-worker.ts';
import { is, ZVM_HOST } from '../../temporal-config/search-attributes.ts';
import { bundledWorkflows } from '../bundled-workflows.ts';
import { MemoryNeutron } from '../neutron/memory-neutron.ts';
import { becomes } from '../neutron/real-neutron.ts';
import { createEnvironment, type Environment, hasHeardOfCancel, portId, vlan } from './environment.ts';
import { startRun } from './start.ts';

// A reading within a workflow task that takes longer than the task has it renewed, with what has happened meanwhile. What runs then must
// come out the same when it is replayed by another worker.
const LONGER_THAN_A_TASK_MS = 11_000;

/** A Neutron that answers when it is let. */
class SlowNeutron extends MemoryNeutron {
  gate = Promise.resolve();

  override async ports(portIds: readonly PortId[]) {
    const found = await super.ports(portIds);
    await this.gate;
    return found;
  }
}

/** Replay every run of the host, once Temporal lists at least so many; answers those that do not come out the same. */
async function notReplayed({ client, host }: Environment, runs: number, expect: ExpectStatic): Promise<string[]> {
  const workflowBundle = await bundledWorkflows();
  const listed = async () => {
    const found: { workflowId: string; runId: string }[] = [];
    for await (const run of client.workflow.list({ query: is(ZVM_HOST, host) })) found.push(run);
    return found;
  };
  await expect.poll(async () => (await listed()).length).toBeGreaterThanOrEqual(runs);
  const failed: string[] = [];
  for (const { workflowId, runId } of await listed()) {
    const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    try {
      await Worker.runReplayHistory(
        { workflowBundle, sinks: observedWorker.sinks },
        JSON.parse(historyToJSON(history)),
        workflowId,
      );
    } catch (error) {
      failed.push(`${workflowId}: ${error}`);
    }
  }
  return failed;
}

test.concurrent('while Neutron is slow to say what a port is, guests become done: it comes out the same when replayed', async ({
  expect,
  onTestFinished,
}) => {
  const neutron = new SlowNeutron();
  const environment = await createEnvironment({}, true, {}, neutron);
  onTestFinished(() => environment.close());
  const { client, host, control } = environment;
  const [first, second] = ['LNX10001', 'LNX10003'].map((deviceId) =>
    neutron.add({ host, deviceId, segment: { networkType: 'vlan', physicalNetwork: 'physnet1', segmentationId: 20 } }),
  );
  if (first === undefined || second === undefined) throw new Error('no ports');
  await control('POST', 'systems/zhcp1/guests/LNX10001/lock');
  await tellOfNeutron(client, host, { portIds: [first.portId], networkIds: [] });
  const guest = client.workflow.getHandle(`guest/${host}/LNX10001`);
  expect(
    await becomes(() =>
      guest.describe().then(
        ({ status }) => status.name === 'RUNNING',
        () => false,
      ),
    ),
  ).toBe(true);
  const { promise, resolve } = Promise.withResolvers<void>();
  neutron.gate = promise;
  await tellOfNeutron(client, host, { portIds: [second.portId], networkIds: [] });
  await sleep(LONGER_THAN_A_TASK_MS);
  await control('POST', 'systems/zhcp1/guests/LNX10001/unlock');
  await guest.result();
  // The task in which the guest became done goes to its end too.
  await sleep(LONGER_THAN_A_TASK_MS);
  resolve();
  await client.workflow.getHandle(`neutron/${host}`).result();
  expect([...neutron.all.values()].map(({ status }) => status)).toEqual(['ACTIVE', 'ACTIVE']);
  expect(await notReplayed(environment, 3, expect)).toEqual([]);
});

test.concurrent('while z/VM is slow to be read, others come to wait and one is cancelled: it comes out the same when replayed', async ({
  expect,
  onTestFinished,
}) => {
  const environment = await createEnvironment();
  onTestFinished(() => environment.close());
  const { client, host, control, guest } = environment;
  const create = (number: number) =>
    startRun(client, 'createPort', {
      ...{ host, userid: 'LNX10001', portId: portId(number) },
      ...{ vswitch: 'VSW1', network: vlan(100) },
    });
  const held = { match: { command: 'Virtual_Network_Vswitch_Query' }, action: { kind: 'hold', when: 'before' } };
  await control('POST', 'faults', held);
  const [one, two, three] = [await create(1), await create(2), await create(3)];
  await sleep(LONGER_THAN_A_TASK_MS);
  await one.cancel();
  await two.cancel();
  // A waiting operation ends at once; the one that has the guest may be told only through it.
  const heard = async () => {
    const runs = [`guest/${host}/LNX10001`, one.workflowId, two.workflowId];
    return (await Promise.all(runs.map((run) => hasHeardOfCancel(client, run)))).filter(Boolean).length;
  };
  await expect.poll(heard).toBeGreaterThanOrEqual(2);
  await control('DELETE', 'faults');
  await Promise.allSettled([one.result(), two.result()]);
  expect(await three.result()).toMatchObject({ changed: true });
  expect((await guest('LNX10001')).rows.map((row) => row.port)).toEqual([portId(3)]);
  // Three operations, and the run of the guest for at least the one that was not cancelled.
  expect(await notReplayed(environment, 4, expect)).toEqual([]);
});
