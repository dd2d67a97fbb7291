import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planRecord } from '../../backend/xcat/rows/record-plan.ts';
import type { Desired } from '../../domain/guest/desired.ts';
import type { RecordedPort } from '../../domain/guest/guest.ts';
import { Change, RestoredPort } from '../../domain/operations/requests.ts';
import { conflictingVswitches } from '../../domain/planning/authorisation-plan.ts';
import { decide } from '../../domain/planning/decision.ts';
import { changedSince, formerPorts, restorablePorts } from '../../domain/planning/former-ports.ts';
import { plan } from '../../domain/planning/planner.ts';
import type { PlanningContext } from '../../domain/planning/planning-context.ts';
import { rollbackTarget } from '../../domain/planning/rollback.ts';
import { Vdev } from '../../domain/port/vdev.ts';
import { SegmentationId, VswitchName } from '../../domain/text/identifiers.ts';
import { directoryWorlds } from './directory-worlds.ts';
import { contextWith, recorded } from './guest-context.ts';
import { access, apply, type World } from './model.ts';
import { PREFIX, USERID } from './worlds.ts';

const LEFT = 'NIC 1000 on VSW1, VLAN 1002, up';
const runs = { numRuns: 2_000 };
const SETTLE = Change.parse({ kind: 'reconcile', ports: [], removed: [], unrecorded: [], left: [] });

/** A world after a change, and what its undo needs; undefined when the change is refused. */
function carriedOut(world: World, change: Change, context: PlanningContext) {
  const asRead = { ...context, guest: world.guest, vswitches: world.vswitches };
  const decision = decide(change, asRead);
  if (!decision.accepted) return undefined;
  // Ports that are recorded with two VLANs of one grant cannot all be right.
  if (conflictingVswitches(decision.desired.ports, world.vswitches).length > 0) return undefined;
  const { desired, before, affected, refused } = decision;
  const steps = plan(desired, world.guest, world.vswitches, planRecord, context.capabilities);
  const now = steps.reduce((so, step) => apply(so, step, PREFIX), world);
  const live = now.guest.live.map(({ vdev }) => vdev);
  return {
    world: now,
    steps,
    refused,
    restored: restorablePorts(formerPorts(affected, before, world.guest), desired.ports, live),
  };
}

/**
 * All of a guest that an operator sees: its record, its directory entry, its NICs, what they reach. `named` has the NICs with a MAC of their own:
 * another one that is made again gets a MAC.
 */
function seen(world: World, named: ReadonlySet<string>, recorded: ReadonlySet<string>) {
  const { recorded: rows, directory, live, addresses = [] } = world.guest;
  const byVdev = <Nic extends { vdev?: string }>(nics: readonly Nic[]) =>
    nics.toSorted((one, other) => ((one.vdev ?? '') < (other.vdev ?? '') ? -1 : 1));
  return {
    recorded: byVdev(rows).map(({ portId, vdev, vswitch, network, adminStateUp }) => ({
      ...{ portId, vdev, vswitch, network, adminStateUp },
    })),
    macs: (world.guest.xcat?.macEntries ?? [])
      .flatMap(({ text, vdev }) => (vdev === undefined || named.has(vdev) ? text : []))
      .sort(),
    addresses: byVdev(addresses),
    directory: byVdev(directory).map(({ vdev, vswitch, macId }) => ({
      vdev,
      vswitch,
      macId: named.has(vdev) ? macId : '',
    })),
    live: byVdev(live).map(({ vdev, vswitch }) => ({ vdev, vswitch })),
    // Nobody can take a NIC back to VLANs that z/VM does not tell.
    // A grant stays where a NIC of others may use it.
    access:
      world.zvm?.tells === true
        ? [...access(world)].filter((each) => recorded.has(each.split(' ')[0] ?? '')).sort()
        : [],
  };
}

/** The user-based VSWITCHes on which the guest has a grant, and no NIC: recorded, in the directory, or live. */
function idleGrants({ guest, vswitches }: World): string[] {
  const nics = [...guest.recorded, ...guest.directory, ...guest.live];
  return vswitches
    .filter(({ portSelection }) => portSelection === 'USERBASED')
    .filter(({ authorisations }) => authorisations.some(({ userid }) => userid === guest.userid))
    .map(({ name }): string => name)
    .filter((name) => nics.every((nic) => nic.vswitch !== name));
}

test.each([
  ['a deletion', (portId: string) => ({ kind: 'deletePort', portId })],
  ['the undo of its creation', (portId: string) => ({ kind: 'restore', ports: [{ portId, before: 'absent' }] })],
])(
  '%s of the last NIC of a guest on a VSWITCH takes its grant along, whatever else the guest has',
  (_what, changeOf) => {
    const counts = { gone: 0, kept: 0 };
    fc.assert(
      fc.property(directoryWorlds, fc.nat(3), ({ world, context }, at) => {
        const settled = carriedOut(world, SETTLE, context);
        if (settled === undefined || settled.refused.length > 0) return;
        const { recorded } = settled.world.guest;
        const port = recorded[at % Math.max(1, recorded.length)];
        if (port === undefined) return;
        const after = carriedOut(settled.world, Change.parse(changeOf(port.portId)), context);
        if (after === undefined) return;
        const had = settled.world.vswitches.some(
          ({ name, portSelection, authorisations }) =>
            name === port.vswitch &&
            portSelection === 'USERBASED' &&
            authorisations.some(({ userid }) => userid === USERID),
        );
        const has = after.world.vswitches.some(
          ({ name, authorisations }) => name === port.vswitch && authorisations.some(({ userid }) => userid === USERID),
        );
        if (had) counts[has ? 'kept' : 'gone'] += 1;
        expect(idleGrants(after.world)).not.toContain(port.vswitch);
      }),
      runs,
    );
    expect(counts.gone).toBeGreaterThan(100);
    expect(counts.kept).toBeGreaterThan(10);
  },
);

describe('an undo', () => {
  test('takes the guest back to what was before the operation, whatever that was', () => {
    let taken = 0;
    let refused = 0;
    fc.assert(
      fc.property(directoryWorlds, ({ world, context, change }) => {
        // Else a NIC that was detached comes back at the next logon alone.
        fc.pre(world.zvm?.coupleReadsDirectory === true);
        fc.pre(change.kind !== 'reconcile' && change.kind !== 'modernize');
        const settled = carriedOut(world, SETTLE, context);
        // A port that nobody can put right is left as it is.
        if (settled === undefined || settled.refused.length > 0) return;
        const changed = carriedOut(settled.world, change, context);
        if (changed === undefined) return;
        const restore = { kind: 'restore' as const, ports: changed.restored.map((port) => RestoredPort.parse(port)) };
        const back = carriedOut(changed.world, restore, context);
        // Beside a grant or a NIC of others, what was left as it was may be refused to whoever comes anew.
        if (back === undefined) refused += 1;
        else {
          taken += 1;
          const { directory } = settled.world.guest;
          const named = new Set(directory.flatMap(({ vdev, macId }) => (macId === undefined ? [] : vdev)));
          const recorded = new Set(
            settled.world.guest.recorded.flatMap(({ vdev }) => (vdev === undefined ? [] : [String(vdev)])),
          );
          expect(seen(back.world, named, recorded)).toEqual(seen(settled.world, named, recorded));
        }
      }),
      runs,
    );
    expect(refused).toBeLessThan(taken / 20);
  });

  test('is what a rollback leaves too, from wherever the operation has stopped', () => {
    fc.assert(
      fc.property(directoryWorlds, fc.nat(20), ({ world, context, change }, stop) => {
        fc.pre(world.zvm?.coupleReadsDirectory === true && change.kind !== 'reconcile');
        const settled = carriedOut(world, SETTLE, context);
        if (settled === undefined || settled.refused.length > 0) return;
        const { guest, vswitches } = settled.world;
        const decision = decide(change, { ...context, guest, vswitches });
        if (!decision.accepted || conflictingVswitches(decision.desired.ports, vswitches).length > 0) return;
        // A port at odds with the NICs of others has no state to go back to.
        const known = new Set(decision.before.ports.map(({ portId }) => portId));
        if (!guest.recorded.every(({ portId }) => known.has(portId))) return;
        const towards = (desired: Desired, from: World) =>
          plan(desired, from.guest, from.vswitches, planRecord, context.capabilities);
        const done = towards(decision.desired, settled.world).slice(0, stop);
        const halfway = done.reduce((so, step) => apply(so, step, PREFIX), settled.world);
        const way = towards(rollbackTarget(decision, done), halfway);
        const back = way.reduce((so, step) => apply(so, step, PREFIX), halfway);
        const named = new Set(guest.directory.flatMap(({ vdev, macId }) => (macId === undefined ? [] : vdev)));
        const recorded = new Set(guest.recorded.flatMap(({ vdev }) => (vdev === undefined ? [] : [String(vdev)])));
        expect(seen(back, named, recorded)).toEqual(seen(settled.world, named, recorded));
      }),
      runs,
    );
  });

  const on = (vlan: number, up = true) => ({
    ...{ vswitch: VswitchName.parse('VSW1'), adminStateUp: up },
    network: { type: 'vlan' as const, segmentationId: SegmentationId.parse(vlan) },
  });
  const PORT = recorded().portId;
  const guestWith = (port: RecordedPort | undefined) => ({ ...contextWith().guest, recorded: port ? [port] : [] });

  test.each([
    ['as the operation left it', on(1002), []],
    ['as it was before the operation', on(1001), []],
    ['on another VLAN', on(1003), [`port ${PORT} is NIC 1000 on VSW1, VLAN 1003, up; the operation left it ${LEFT}`]],
    ['down', on(1002, false), [`port ${PORT} is NIC 1000 on VSW1, VLAN 1002, down; the operation left it ${LEFT}`]],
    ['deleted', undefined, [`port ${PORT} is not recorded; the operation left it ${LEFT}`]],
  ])('tells what has changed since: a port that is now %s', (_how, now, told) => {
    const before = { ...on(1001), vdev: Vdev.parse('1000') };
    const guest = guestWith(now && { ...recorded(), ...now });
    expect(changedSince([{ portId: PORT, before, left: LEFT }], guest)).toEqual(told);
  });

  test('of a port that has been made anew with another NIC is refused, and names it', () => {
    const guest = guestWith(recorded({ vdev: Vdev.parse('1003') }));
    const before = { ...on(1001), vdev: Vdev.parse('1000') };
    const decision = decide({ kind: 'restore', ports: [{ portId: PORT, before }] }, { ...contextWith(), guest });
    expect(decision).toMatchObject({ accepted: false, refusals: [{ field: 'ports.0.before.vdev' }] });
  });
});
