import { afterAll, beforeAll, expect, test } from 'vitest';
import { callsTo, sequentialCalls } from '../../bench/calls.ts';
import { countEvents } from '../../bench/histories.ts';
import { fillHost, guestsFor, type WiredHost } from '../../bench/wired-host.ts';
import { guestWorkflowId } from '../../temporal-config/names.ts';
import type { ReconcileHostResult } from '../../workflows/reconciliation-result.ts';
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

test('a port at rest takes nine calls, three of them in sequence', async () => {
  // The first call of a worker looks the zHCP up.
  await zvm.run('createPort', { userid: userid(GUESTS + 1), ...port(9_000) });
  const before = (await callsTo(zvm.simulator.url)).length;
  await zvm.run('createPort', { userid: userid(GUESTS + 1), ...port(9_001) });
  const calls = (await callsTo(zvm.simulator.url)).slice(before);
  expect(calls.length).toBeLessThanOrEqual(9);
  expect(sequentialCalls(calls)).toBeLessThanOrEqual(3);
});

test('forty ports of forty guests share their calls, and each costs a few events of history', async () => {
  const before = (await callsTo(zvm.simulator.url)).length;
  const since = new Date();
  const ports = Array.from({ length: GUESTS }, (_, index) => ({ userid: userid(index + 1), ...port(index) }));
  const run = await startRun(zvm.client, 'wirePorts', { host: zvm.host, ports } as never);
  expect(await run.result()).toMatchObject({ wired: GUESTS });
  const calls = (await callsTo(zvm.simulator.url)).slice(before);
  expect(calls.length).toBeLessThanOrEqual(10);
  expect(sequentialCalls(calls)).toBeLessThanOrEqual(4);
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

type Wired = { release?: '6.3' | '7.4'; ports?: number };

/** A host with ports on two VSWITCHes, reconciled; then the calls and the run of its reconciliation after something has happened to it. */
async function reconciledAfter(happens: (wired: WiredHost) => void, { release = '6.3', ports = PORTS }: Wired = {}) {
  const host = await createEnvironment({ guests: guestsFor(ports), latencyMs: 500, release });
  try {
    const wired = fillHost(host.simulator, ports);
    const reconcile = async (last?: ReconcileHostResult) => {
      const from = last && { last: { checkpoint: last.checkpoint, failures: last.failures } };
      const run = await startRun(host.client, 'reconcileHost', { host: host.host, ...from });
      return { run, result: await run.result() };
    };
    // The second has read the profiles of the directory, which are kept for some minutes.
    const { result } = await reconcile((await reconcile()).result);
    expect(result).toMatchObject({ drifts: [], failures: [] });
    happens(wired);
    const [before, since] = [(await callsTo(host.simulator.url)).length, new Date()];
    const then = await reconcile(result);
    const calls = (await callsTo(host.simulator.url)).slice(before);
    wired.check();
    return { ...then, calls, ...(await countEvents(host.client, host.host, since, then.run.workflowId)) };
  } finally {
    await host.close();
  }
}
const afterReIpl = (release: '6.3' | '7.4') => reconciledAfter((wired) => wired.reIpl(), { release });

test.each([2, PORTS, 10 * PORTS])(
  'a host in order with %i ports costs three calls side by side, and twelve events of history',
  async (ports) => {
    const { result, calls, operation } = await reconciledAfter(() => undefined, { ports });
    expect(result).toMatchObject({ examined: ports / 2, drifts: [], failures: [] });
    expect([calls.length, sequentialCalls(calls)]).toEqual([3, 1]);
    expect(operation.events - 3 * operation.timedOutTasks).toBe(12);
  },
);

test('a re-IPL is repaired in one reading, and one script of grants and couplings that reads back what came of it', async () => {
  const { result, calls, guests, operation } = await afterReIpl('6.3');
  expect(result).toMatchObject({ reIpled: true, repaired: PORTS / 2, failed: 0 });
  // On a starved machine guests come late, and some of them read once more by themselves.
  expect(calls.length).toBeLessThanOrEqual(12);
  expect(sequentialCalls(calls)).toBeLessThanOrEqual(5);
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
