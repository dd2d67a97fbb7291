import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planRecord } from '../../backend/xcat/rows/record-plan.ts';
import type { Desired } from '../../domain/guest/desired.ts';
import type { RecordedPort } from '../../domain/guest/guest.ts';
import { plan } from '../../domain/planning/planner.ts';
import { access, apply, type World } from './model.ts';
import { PREFIX, scenarios } from './worlds.ts';

const FIELDS = ['network', 'vdev', 'vswitch', 'adminStateUp', 'mac'] as const;

/** The record of a port with one unreadable field. */
function spoilt(row: RecordedPort, field: (typeof FIELDS)[number]): RecordedPort {
  const { vdev, vswitch, mac, ...rest } = row;
  const unreadable = [{ field, name: field, value: 'abc' }];
  return {
    ...rest,
    ...(vdev === undefined || field === 'vdev' ? {} : { vdev }),
    ...(vswitch === undefined || field === 'vswitch' ? {} : { vswitch }),
    ...(mac === undefined || field === 'mac' ? {} : { mac }),
    ...(field === 'network' ? { network: { type: 'unreadable' as const, text: 'abc' } } : {}),
    unreadable,
  };
}

const spoiling = fc.array(fc.option(fc.constantFrom(...FIELDS)), { minLength: 4, maxLength: 4 });
const spoiltScenarios = fc.tuple(scenarios, spoiling).map(([{ world, desired }, fields]) => {
  const recorded = world.guest.recorded.map((row, index) => {
    const field = fields[index] ?? null;
    return field === null ? row : spoilt(row, field);
  });
  const left = world.guest.recorded.filter((_, index) => recorded[index]?.unreadable !== undefined);
  const isLeft = ({ portId }: { portId: string }) => left.some((row) => row.portId === portId);
  const wanted: Desired = {
    ...desired,
    ports: desired.ports.filter((port) => !isLeft(port)),
    removed: desired.removed.filter((port) => !isLeft(port)),
  };
  const spoiltWorld: World = { ...world, guest: { ...world.guest, recorded } };
  return { world: spoiltWorld, desired: wanted, left };
});

describe('an unreadable port', () => {
  test('reaches after each step of any plan for others just what it reached before', () => {
    fc.assert(
      fc.property(spoiltScenarios, ({ world, desired, left }) => {
        const vdevs = new Set<string>(left.flatMap(({ vdev }) => vdev ?? []));
        const reached = (now: World) => [...access(now)].filter((entry) => vdevs.has(entry.split(' ')[0] ?? '')).sort();
        const nics = (now: World) => [...now.guest.directory, ...now.guest.live].filter(({ vdev }) => vdevs.has(vdev));
        const rows = (now: World) => now.guest.recorded.filter((row) => row.unreadable !== undefined);
        let now = world;
        for (const step of plan(desired, world.guest, world.vswitches, planRecord)) {
          now = apply(now, step, PREFIX);
          expect(reached(now)).toEqual(reached(world));
          expect(nics(now)).toEqual(nics(world));
          expect(rows(now)).toEqual(rows(world));
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test('does not keep the plan from being done: nothing of it is left to plan afterwards', () => {
    fc.assert(
      fc.property(spoiltScenarios, ({ world, desired }) => {
        const after = plan(desired, world.guest, world.vswitches, planRecord).reduce(
          (now, step) => apply(now, step, PREFIX),
          world,
        );
        expect(plan(desired, after.guest, after.vswitches, planRecord)).toEqual([]);
      }),
      { numRuns: 1_000 },
    );
  });
});
