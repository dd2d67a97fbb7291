import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planRecord } from '../../backend/xcat/rows/record-plan.ts';
import type { Desired } from '../../domain/guest/desired.ts';
import type { RecordedPort } from '../../domain/guest/guest.ts';
import { plan } from '../../domain/planning/planner.ts';
import { access, apply, type World } from './model.ts';
import { PREFIX, scenarios } from './worlds.ts';

const COLUMNS = ['vlan', 'interface', 'switch', 'disable', 'mac'] as const;

/** The row as it reads when nobody can read one of its columns. */
function spoilt(row: RecordedPort, column: (typeof COLUMNS)[number]): RecordedPort {
  const { vdev, vswitch, mac, ...rest } = row;
  const unreadable = [{ column, value: 'abc' }];
  return {
    ...rest,
    ...(vdev === undefined || column === 'interface' ? {} : { vdev }),
    ...(vswitch === undefined || column === 'switch' ? {} : { vswitch }),
    ...(mac === undefined || column === 'mac' ? {} : { mac }),
    ...(column === 'vlan' ? { network: { type: 'unreadable' as const, text: 'abc' } } : {}),
    unreadable,
  };
}

const spoiling = fc.array(fc.option(fc.constantFrom(...COLUMNS)), { minLength: 4, maxLength: 4 });
const spoiltScenarios = fc.tuple(scenarios, spoiling).map(([{ world, desired }, columns]) => {
  const recorded = world.guest.recorded.map((row, index) => {
    const column = columns[index] ?? null;
    return column === null ? row : spoilt(row, column);
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

describe('a port that nobody can read', () => {
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
