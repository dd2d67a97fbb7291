import { afterAll, beforeAll, expect, test } from 'vitest';
import { readVswitches } from '../../client/read-state.ts';
import type { ReconcileHostResult } from '../../workflows/reconciliation-result.ts';
import { createEnvironment, type Environment } from './environment.ts';
import { startRun } from './start.ts';

// The configuration of the embedded default names no real devices: what VSWITCHes have of them an administrator gave them.
let zvm: Environment;
beforeAll(async () => {
  zvm = await createEnvironment({ guests: 2 });
});
afterAll(() => zvm.close());

async function reconcile(last?: ReconcileHostResult): Promise<ReconcileHostResult> {
  const known = last === undefined ? {} : { last: { checkpoint: last.checkpoint, failures: last.failures } };
  return (await startRun(zvm.client, 'reconcileHost', { host: zvm.host, ...known })).result();
}

async function uplinksOf(name: string): Promise<string[] | undefined> {
  const vswitches = await readVswitches(zvm.client, zvm.host);
  return vswitches.find((vswitch) => vswitch.name === name)?.uplinks.map(({ rdev }) => rdev);
}

const system = () => {
  const [first] = zvm.simulator.mn.systems;
  if (first === undefined) throw new Error('no system');
  return first;
};

test('a deleted VSWITCH is made anew with the real devices that it had', async () => {
  const before = await uplinksOf('VSW1');
  expect(before).not.toEqual([]);
  const first = await reconcile();
  system().deleteVswitch('VSW1');
  const second = await reconcile(first);
  expect(second.drifts).toEqual([expect.stringMatching(`create VSWITCH VSW1 .* with uplink ${before?.join(', ')}`)]);
  expect(await uplinksOf('VSW1')).toEqual(before);
  expect(await reconcile(second)).toMatchObject({ drifts: [], failed: 0 });
});

test('a VSWITCH that was made anew by hand without its real devices is reported as changed, until it has some', async () => {
  const before = await uplinksOf('VSW2');
  const first = await reconcile();
  const vswitch = system().vswitch('VSW2');
  if (vswitch === undefined) throw new Error('no VSWITCH');
  const { rdevs } = vswitch;
  vswitch.rdevs = [];
  const second = await reconcile(first);
  expect(second.failures).toMatchObject([
    {
      about: { kind: 'uplinks', vswitch: 'VSW2' },
      reason: expect.stringContaining(`has lost its real devices ${before?.join(', ')}`),
    },
  ]);
  expect((await reconcile(second)).failures).toHaveLength(1);
  vswitch.rdevs = rdevs;
  expect((await reconcile(second)).failures).toEqual([]);
});
