import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planRecord } from '../../backend/xcat/rows/record-plan.ts';
import { foreignNics } from '../../domain/drift/foreign-nics.ts';
import type { Desired } from '../../domain/guest/desired.ts';
import { Change } from '../../domain/operations/requests.ts';
import { conflictingVswitches } from '../../domain/planning/authorisation-plan.ts';
import { decide } from '../../domain/planning/decision.ts';
import { plan } from '../../domain/planning/planner.ts';
import type { PlanningContext } from '../../domain/planning/planning-context.ts';
import type { Step } from '../../domain/planning/steps.ts';
import { neededVlans, type Vswitch } from '../../domain/vswitch/vswitch.ts';
import { directoryWorlds } from './directory-worlds.ts';
import { access, apply, type World } from './model.ts';
import { PREFIX, USERID } from './worlds.ts';

const runs = { numRuns: 2_000 };
const run = (world: World, steps: readonly Step[]) => steps.reduce((now, step) => apply(now, step, PREFIX), world);

const RECONCILE = Change.parse({ kind: 'reconcile', ports: [], removed: [], unrecorded: [], left: [] });

type Decided = { world: World; context: PlanningContext; desired: Desired; steps: Step[] };

/** A decided change with its plan; changes that are refused say nothing here. */
function decided({ world, context, change }: { world: World; context: PlanningContext; change: Change }): Decided {
  const decision = decide(change, context);
  fc.pre(decision.accepted);
  if (!decision.accepted) throw new Error('refused');
  const { desired } = decision;
  // Ports that were recorded with two VLANs of one grant before cannot all be right.
  fc.pre(conflictingVswitches(desired.ports, world.vswitches).length === 0);
  return { world, context, desired, steps: planned(desired, world, context) };
}

function planned(desired: Desired, { guest, vswitches }: World, { capabilities }: PlanningContext): Step[] {
  return plan(desired, guest, vswitches, planRecord, capabilities);
}

/** NICs whose statement names other VLANs than the guest's grant on the VSWITCH. */
function atOdds({ guest, vswitches }: World): string[] {
  return guest.directory.flatMap(({ vdev, vswitch: name, authorization }) => {
    const vswitch = vswitches.find((candidate) => candidate.name === name);
    const grant = vswitch?.authorisations.find((entry) => entry.portNumber === undefined);
    if (vswitch === undefined || grant === undefined || authorization?.vlans === undefined) return [];
    const has = neededVlans(vswitch, grant.vlans).join();
    const says = neededVlans(vswitch, authorization.vlans).join();
    return has === says ? [] : [`${vdev} on ${name}: grant ${has}, NICDEF ${says}`];
  });
}

const MEMBER = 'zhcp2';

/** A user-based VSWITCH of another member, where the guest has this grant. */
function grantedOn(vswitch: Vswitch, vlans: readonly number[] | undefined): Vswitch {
  const isGranted = vswitch.portSelection === 'USERBASED' && vlans !== undefined;
  return { ...vswitch, authorisations: isGranted ? [{ userid: USERID, vlans }] : [] };
}

type Members = { here: World; there: Vswitch[] };

/** Carry out a step where it belongs: the guest's entry is the same on all members, the VSWITCHes are not. */
function onMembers({ here, there }: Members, step: Step): Members {
  if (step.member !== MEMBER) return { here: apply(here, step, PREFIX), there };
  return { here, there: apply({ ...here, vswitches: there }, step, PREFIX).vswitches };
}

describe('with directory network authorization, the plan of any change', () => {
  test('leaves nothing to plan, nor to a reconciliation after it', () => {
    fc.assert(
      fc.property(directoryWorlds, (given) => {
        const { world, context, desired, steps } = decided(given);
        const after = run(world, steps);
        expect(planned(desired, after, context)).toEqual([]);
        // A port that this change left as it is may be one for a reconciliation.
        const kept = new Set([...desired.ports, ...desired.removed].map(({ portId }) => portId));
        fc.pre(world.guest.recorded.every(({ portId }) => kept.has(portId)));
        const later = { ...context, guest: after.guest, vswitches: after.vswitches };
        const again = decide(RECONCILE, later);
        fc.pre(again.accepted);
        if (again.accepted) expect(planned(again.desired, after, later)).toEqual([]);
      }),
      runs,
    );
  });

  test('can be stopped anywhere and planned again', () => {
    fc.assert(
      fc.property(directoryWorlds, fc.nat(20), (given, stop) => {
        const { world, context, desired, steps } = decided(given);
        const halfway = run(world, steps.slice(0, stop));
        const after = run(halfway, planned(desired, halfway, context));
        expect(planned(desired, after, context)).toEqual([]);
      }),
      runs,
    );
  });

  test('is completed by a reconciliation that knows nothing of it: a NIC that it has coupled stays so, and has its statement', () => {
    fc.assert(
      fc.property(directoryWorlds, fc.nat(20), (given, stop) => {
        const { world, context, steps } = decided(given);
        // Without its statement nobody knows the port number of a NIC, which may have to wait for the next logon.
        const waits = context.capabilities?.behaviour?.coupleReadsDirectory === false;
        const halfway = run(world, steps.slice(0, stop));
        const later = { ...context, guest: halfway.guest, vswitches: halfway.vswitches };
        const again = decide(RECONCILE, later);
        if (!again.accepted) return;
        const { guest } = run(halfway, planned(again.desired, halfway, later));
        const coupled = steps.slice(0, stop).filter((step) => step.kind === 'ensureCoupled');
        const isLeft = (vdev: string) =>
          !again.desired.ports.some((port) => port.vdev === vdev && !(waits && port.vswitch === 'VSWPORT'));
        for (const { vdev, vswitch } of coupled.filter((step) => !isLeft(step.vdev))) {
          expect(guest.live.find((nic) => nic.vdev === vdev)?.vswitch).toBe(vswitch);
          expect(guest.directory.find((nic) => nic.vdev === vdev)?.vswitch).toBe(vswitch);
        }
      }),
      runs,
    );
  });

  test('couples a NIC that the directory authorises only once its statement is there', () => {
    fc.assert(
      fc.property(directoryWorlds, (given) => {
        const { desired, steps } = decided(given);
        const at = (kind: Step['kind'], vdev: string) =>
          steps.findIndex((step) => step.kind === kind && 'vdev' in step && step.vdev === vdev);
        for (const { vdev, authorization } of desired.ports) {
          const coupled = at('ensureCoupled', vdev);
          if (authorization !== undefined && coupled >= 0) expect(at('ensureDirectoryNic', vdev)).toBeLessThan(coupled);
        }
      }),
      runs,
    );
  });

  test('leaves no access, wherever it stops, that the guest has neither before nor after', () => {
    fc.assert(
      fc.property(directoryWorlds, (given) => {
        const { world, steps } = decided(given);
        const allowed = new Set([...access(world), ...access(run(world, steps))]);
        for (let stop = 1; stop < steps.length; stop += 1)
          for (const reached of access(run(world, steps.slice(0, stop)))) expect(allowed).toContain(reached);
      }),
      runs,
    );
  });

  test('never lets grant and NICDEF of a NIC name two VLANs at once, unless it was so before or is known to be heeded', () => {
    fc.assert(
      fc.property(directoryWorlds, (given) => {
        const { world, context, steps } = decided(given);
        fc.pre(context.capabilities?.behaviour?.vlanWinner !== 'nicdef');
        const before = atOdds(world);
        for (let stop = 1; stop <= steps.length; stop += 1)
          expect(atOdds(run(world, steps.slice(0, stop))).filter((line) => !before.includes(line))).toEqual([]);
      }),
      runs,
    );
  });

  test('keeps that law on a member of the cluster where the guest has a grant and does not run', () => {
    const vlans = fc.array(fc.constantFrom(undefined, [], [77], [100], [200]), { minLength: 5, maxLength: 5 });
    fc.assert(
      fc.property(directoryWorlds, vlans, ({ world: alone, context, change }, granted) => {
        fc.pre(context.capabilities?.behaviour?.vlanWinner !== 'nicdef');
        const there = alone.vswitches.map((vswitch, index) => grantedOn(vswitch, granted[index]));
        const cluster = { others: [{ member: MEMBER, vswitches: there }] };
        const world = { ...alone, guest: { ...alone.guest, cluster } };
        const { steps } = decided({ world, context: { ...context, guest: world.guest }, change });
        const before = atOdds({ ...world, vswitches: there });
        let now: Members = { here: world, there };
        for (const step of steps) {
          now = onMembers(now, step);
          const odd = atOdds({ ...now.here, vswitches: now.there });
          expect(odd.filter((line) => !before.includes(line))).toEqual([]);
        }
      }),
      runs,
    );
  });

  test('never touches what is foreign', () => {
    fc.assert(
      fc.property(directoryWorlds, (given) => {
        const { world, desired, steps } = decided(given);
        const foreign = foreignNics(world.guest, desired.ports);
        const touched = steps.flatMap((step) => ('vdev' in step ? [step.vdev] : []));
        expect(foreign.filter((nic) => touched.includes(nic.vdev))).toEqual([]);
      }),
      runs,
    );
  });

  test('puts each coupled NIC of a port on just its VLANs', () => {
    fc.assert(
      fc.property(directoryWorlds, (given) => {
        const { world, desired, steps } = decided(given);
        const after = run(world, steps);
        for (const port of desired.ports) {
          const nic = after.guest.live.find(({ vdev }) => vdev === port.vdev);
          const vswitch = after.vswitches.find(({ name }) => name === port.vswitch);
          if (nic?.vswitch === undefined || vswitch?.vlanAware !== true || port.authorization === undefined) continue;
          const has = neededVlans(vswitch, after.zvm?.coupledAs[port.vdev] ?? []);
          expect(has).toEqual(neededVlans(vswitch, port.authorization.vlans ?? []));
        }
      }),
      runs,
    );
  });
});
