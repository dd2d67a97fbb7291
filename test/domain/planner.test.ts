import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planRecord } from '../../backend/xcat/rows/record-plan.ts';
import { foreignNics } from '../../domain/drift/foreign-nics.ts';
import { plan } from '../../domain/planning/planner.ts';
import type { Step } from '../../domain/planning/steps.ts';
import { access, apply, type World } from './model.ts';
import { FOREIGN_NUMBER, PREFIX, scenarios, USERID } from './worlds.ts';

const runs = { numRuns: 2_000 };
const run = (world: World, steps: readonly Step[]) => steps.reduce((now, step) => apply(now, step, PREFIX), world);
const union = (...sets: Set<string>[]) => new Set(sets.flatMap((set) => [...set]));

const authorisationOf = ({ vswitches }: World, nic: { vswitch?: string | undefined }) => {
  const vswitch = vswitches.find((candidate) => candidate.name === nic.vswitch);
  const portNumber = vswitch?.portSelection === 'PORTBASED' ? FOREIGN_NUMBER : undefined;
  return vswitch?.authorisations.find((entry) => entry.portNumber === portNumber);
};

/** The statement names no VSWITCH, and another one of the same NIC comes. */
function isReplacedLate(vdev: string, { guest }: World, ports: readonly { vdev: string }[]): boolean {
  const nicdef = guest.directory.find((nic) => nic.vdev === vdev);
  return nicdef?.vswitch === undefined && ports.some((port) => port.vdev === vdev);
}

describe('the planner', () => {
  test('makes every state the desired one: after the plan, nothing is left to plan', () => {
    fc.assert(
      fc.property(scenarios, ({ world, desired }) => {
        const after = run(world, plan(desired, world.guest, world.vswitches, planRecord));
        expect(plan(desired, after.guest, after.vswitches, planRecord)).toEqual([]);
      }),
      runs,
    );
  });

  test('reaches what was asked: directory, running guest, authorisation and record of every port', () => {
    fc.assert(
      fc.property(scenarios, ({ world, desired }) => {
        const { guest, vswitches } = run(world, plan(desired, world.guest, world.vswitches, planRecord));
        for (const port of desired.ports) {
          expect(guest.recorded.find((row) => row.portId === port.portId)).toMatchObject({
            vdev: port.vdev,
            vswitch: port.vswitch,
          });
          expect(guest.directory.find((nic) => nic.vdev === port.vdev)?.vswitch).toBe(
            port.adminStateUp ? port.vswitch : undefined,
          );
          expect(
            vswitches
              .find((vswitch) => vswitch.name === port.vswitch)
              ?.authorisations.some((entry) => entry.userid === USERID),
          ).toBe(true);
          const nic = guest.live.find((candidate) => candidate.vdev === port.vdev);
          if (port.live === 'absent') expect(nic).toBeUndefined();
          if (port.live === 'present' && guest.loggedOn) expect(nic).toBeDefined();
          if (nic !== undefined) expect(nic.vswitch).toBe(port.adminStateUp ? port.vswitch : undefined);
        }
        for (const { portId } of desired.removed)
          expect(guest.recorded.some((row) => row.portId === portId)).toBe(false);
      }),
      runs,
    );
  });

  test('never touches what is foreign', () => {
    fc.assert(
      fc.property(scenarios, ({ world, desired }) => {
        const steps = plan(desired, world.guest, world.vswitches, planRecord);
        const foreign = foreignNics(world.guest, desired.ports);
        const touched = steps.flatMap((step) => ('vdev' in step ? [step.vdev] : []));
        expect(foreign.filter((nic) => touched.includes(nic.vdev))).toEqual([]);
        const after = run(world, steps);
        expect(foreignNics(after.guest, desired.ports)).toEqual(foreign);
        for (const nic of foreign) {
          const before = authorisationOf(world, nic);
          if (before !== undefined) expect(authorisationOf(after, nic)).toEqual(before);
        }
        expect(after.guest.xcat?.macEntries.map((entry) => entry.text)).toContain('02:00:00:aa:aa:aa!other');
      }),
      runs,
    );
  });

  test('leaves no authorisation on a VSWITCH that ports moved away from, unless something of the guest needs it', () => {
    fc.assert(
      fc.property(scenarios, ({ world, desired }) => {
        const after = run(world, plan(desired, world.guest, world.vswitches, planRecord));
        const needed = [...desired.ports, ...foreignNics(after.guest, desired.ports)].map((nic) => nic.vswitch);
        for (const name of desired.leaving.filter((left) => !needed.includes(left))) {
          const left = after.vswitches.find((vswitch) => vswitch.name === name);
          if (left?.portSelection === 'USERBASED') expect(left.authorisations).toEqual([]);
        }
      }),
      runs,
    );
  });

  test('changes the VLAN of a port on a port-based VSWITCH without interrupting any NIC', () => {
    fc.assert(
      fc.property(scenarios, ({ world, desired }) => {
        const settled = run(world, plan(desired, world.guest, world.vswitches, planRecord));
        const isAccess = (port: (typeof desired.ports)[number]) =>
          port.vswitch === 'VSWPORT' && port.network.type !== 'trunk';
        const moved = desired.ports.map((port) =>
          isAccess(port) ? { ...port, network: { type: 'vlan', segmentationId: 77 } as never } : port,
        );
        const steps = plan({ ...desired, ports: moved }, settled.guest, settled.vswitches, planRecord);
        const others = steps.filter((step) => step.kind !== 'record' || step.operation !== 'port');
        expect(others.map(({ kind }) => kind)).toEqual(desired.ports.filter(isAccess).map(() => 'ensurePortVlans'));
      }),
      runs,
    );
  });

  test('leaves no access, wherever it stops, that the guest has neither before nor after', () => {
    fc.assert(
      fc.property(scenarios, ({ world, desired }) => {
        const steps = plan(desired, world.guest, world.vswitches, planRecord);
        const allowed = union(access(world), access(run(world, steps)));
        for (let stop = 1; stop < steps.length; stop += 1) {
          for (const reached of access(run(world, steps.slice(0, stop)))) expect(allowed).toContain(reached);
        }
      }),
      runs,
    );
  });

  test('can be stopped anywhere and planned again', () => {
    fc.assert(
      fc.property(scenarios, fc.nat(20), ({ world, desired }, stop) => {
        const halfway = run(world, plan(desired, world.guest, world.vswitches, planRecord).slice(0, stop));
        const after = run(halfway, plan(desired, halfway.guest, halfway.vswitches, planRecord));
        expect(plan(desired, after.guest, after.vswitches, planRecord)).toEqual([]);
      }),
      runs,
    );
  });

  test('gives a running guest its NICs before their statements, which wait for DirMaint, when no other one has to go first', () => {
    fc.assert(
      fc.property(scenarios, ({ world, desired }) => {
        const steps = plan(desired, world.guest, world.vswitches, planRecord);
        const goes = ({ kind, ...step }: Step) =>
          kind === 'removeDirectoryNic' && !isReplacedLate('vdev' in step ? step.vdev : '', world, desired.ports);
        fc.pre(!steps.some(goes));
        const live = steps.findLastIndex(({ kind }) => kind === 'ensureLiveNic' || kind === 'ensureCoupled');
        const entry = steps.findIndex(({ kind }) => kind === 'removeDirectoryNic' || kind === 'ensureDirectoryNic');
        if (entry >= 0) expect(live).toBeLessThan(entry);
      }),
      runs,
    );
  });

  test('disturbs a live NIC only where its VSWITCH, VLAN, MAC or state differs from what is desired', () => {
    fc.assert(
      fc.property(scenarios, ({ world, desired }) => {
        const steps = plan(desired, world.guest, world.vswitches, planRecord);
        for (const step of steps.filter((candidate) => candidate.disturbs)) {
          if (step.kind !== 'ensureUncoupled') throw new Error(`unexpected: ${step.kind}`);
          const port = desired.ports.find((candidate) => candidate.vdev === step.vdev);
          const nic = world.guest.live.find((candidate) => candidate.vdev === step.vdev);
          const regranted = steps.some(
            (other) =>
              (other.kind === 'ensureAuthorisation' || other.kind === 'ensurePortNumber') &&
              other.vswitch === step.vswitch,
          );
          const demanded =
            port === undefined ||
            port.live === 'absent' ||
            !port.adminStateUp ||
            nic?.vswitch !== port.vswitch ||
            (port.mac !== undefined && nic.mac !== port.mac) ||
            regranted;
          expect(demanded).toBe(true);
        }
      }),
      runs,
    );
  });
});
