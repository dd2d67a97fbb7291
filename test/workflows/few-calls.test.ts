import { afterAll, beforeAll, expect, test } from 'vitest';
import { callsTo, sequentialCalls } from '../../bench/calls.ts';
import { countEvents } from '../../bench/histories.ts';
import { fillHost, guestsFor } from '../../bench/wired-host.ts';
import { guestWorkflowId } from '../../temporal-config/names.ts';
import { createEnvironment, type Environment, portId, vlan } from './environment.ts';
import { startRun } from './start.ts';

// Counts alone: a busy machine is slow, and makes no more calls. Calls side by side overlap there too when each takes a while.
const GUESTS = 40;
const PORTS = 120;
// Of Temporal's five.
const DEFAULT_PRIORITY = 3;
let zvm: Environment;
beforeAll(async () => {
  zvm = await createEnvironment({ guests: GUESTS + 1, latencyMs: 500 });
});
afterAll(() => zvm.close());

const userid = (number: number) => `LNX1${String(number).padStart(4, '0')}`;
const port = (number: number) => ({ portId: portId(number), vswitch: 'VSW1', network: vlan(1001) });

test('a port at rest takes ten calls, four of them in sequence', async () => {
  // The first call of a worker looks the zHCP up.
  await zvm.run('createPort', { userid: userid(GUESTS + 1), ...port(9_000) });
  const before = (await callsTo(zvm.simulator.url)).length;
  await zvm.run('createPort', { userid: userid(GUESTS + 1), ...port(9_001) });
  const calls = (await callsTo(zvm.simulator.url)).slice(before);
  expect(calls.length).toBeLessThanOrEqual(10);
  expect(sequentialCalls(calls)).toBeLessThanOrEqual(4);
});

test('forty ports of forty guests share their calls, and each costs a few events of history', async () => {
  const before = (await callsTo(zvm.simulator.url)).length;
  const since = new Date();
  const ports = Array.from({ length: GUESTS }, (_, index) => ({ userid: userid(index + 1), ...port(index) }));
  const run = await startRun(zvm.client, 'wirePorts', { host: zvm.host, ports } as never);
  expect(await run.result()).toMatchObject({ wired: GUESTS });
  const calls = (await callsTo(zvm.simulator.url)).slice(before);
  expect(calls.length).toBeLessThanOrEqual(12);
  expect(sequentialCalls(calls)).toBeLessThanOrEqual(7);
  const { guests, operation } = await countEvents(zvm.client, zvm.host, since, run.workflowId);
  // A workflow task that times out on a starved machine adds events of its own.
  const { events, timedOutTasks, activities, signals } = guests;
  expect((events - 3 * timedOutTasks) / GUESTS).toBeLessThanOrEqual(14);
  expect(activities / GUESTS).toBeLessThanOrEqual(1);
  expect(signals / GUESTS).toBeLessThanOrEqual(1);
  expect(operation.signals / GUESTS).toBeLessThanOrEqual(1);
  expect(operation.activities).toBeLessThanOrEqual(1);
});

test("Temporal hands out the tasks of a bulk operation's guests after those of a single one", async () => {
  const priorityOf = async (guest: number) => {
    const run = zvm.client.workflow.getHandle(guestWorkflowId(zvm.host, userid(guest)));
    return (await run.describe()).priority?.priorityKey;
  };
  const ports = [1, 2].map((guest) => ({ userid: userid(guest), ...port(9_100 + guest) }));
  await (await startRun(zvm.client, 'wirePorts', { host: zvm.host, ports } as never)).result();
  expect(await priorityOf(1)).toBeGreaterThan(DEFAULT_PRIORITY);
  await zvm.run('createPort', { userid: userid(3), ...port(9_103) });
  expect((await priorityOf(3)) ?? DEFAULT_PRIORITY).toBe(DEFAULT_PRIORITY);
});

/** A host with 120 ports on two VSWITCHes, and the calls and the run of its reconciliation after a re-IPL. */
async function afterReIpl(release: '6.3' | '7.4') {
  const host = await createEnvironment({ guests: guestsFor(PORTS), latencyMs: 500, release });
  try {
    const wired = fillHost(host.simulator, PORTS);
    const reconcile = async (last?: object) => {
      const run = await startRun(host.client, 'reconcileHost', { host: host.host, ...(last && { last }) });
      return { run, result: await run.result() };
    };
    const { result } = await reconcile();
    expect(result).toMatchObject({ drifts: [], failures: [] });
    wired.reIpl();
    const [before, since] = [(await callsTo(host.simulator.url)).length, new Date()];
    const then = await reconcile({ checkpoint: result.checkpoint, failures: result.failures });
    const calls = (await callsTo(host.simulator.url)).slice(before);
    wired.check();
    return { ...then, calls, ...(await countEvents(host.client, host.host, since, then.run.workflowId)) };
  } finally {
    await host.close();
  }
}

test('a re-IPL is repaired in one reading, one script of grants and couplings, and one reading of what came of it', async () => {
  const { result, calls, guests, operation } = await afterReIpl('6.3');
  expect(result).toMatchObject({ reIpled: true, repaired: PORTS / 2, failed: 0 });
  // On a starved machine guests come late, and some of them read once more by themselves.
  expect(calls.length).toBeLessThanOrEqual(20);
  expect(sequentialCalls(calls)).toBeLessThanOrEqual(9);
  const { events, timedOutTasks, activities } = guests;
  expect((events - 3 * timedOutTasks) / result.repaired).toBeLessThanOrEqual(14);
  expect(activities / result.repaired).toBeLessThanOrEqual(1);
  expect(operation.signals / result.repaired).toBeLessThanOrEqual(1);
});

test('where the directory authorises, a re-IPL costs the reading that finds nothing to do', async () => {
  const { result, calls } = await afterReIpl('7.4');
  expect(result).toMatchObject({ reIpled: true, drifts: [], failures: [] });
  expect(calls.length).toBeLessThanOrEqual(6);
});
