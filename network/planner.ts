import type { Desired, DesiredPort } from './desired.ts';
import type { GuestState, LiveNic, Nicdef } from './guest.ts';
import type { VswitchName } from './identifiers.ts';
import { macId } from './mac.ts';
import { macEntriesAfter, macEntriesBefore, sameEntries } from './mac-record.ts';
import { sameNetwork, vlansOf } from './port.ts';
import type { Step } from './steps.ts';
import type { Vdev } from './vdev.ts';
import { authorisedVlans, neededVlans, type Vswitch } from './vswitch.ts';

type AuthorisationPlan = {
  vswitch: VswitchName;
  now: readonly number[] | undefined;
  want: readonly number[] | undefined;
};

/**
 * The steps from what is to what should be, in an order in which stopping after any of them leaves the guest with no access that it
 * has neither before nor after: record, take away, authorise, define, couple, forget. The plan of a state that is right is empty.
 * What is neither recorded nor desired (foreign NICs, foreign authorisations) has no step.
 */
export function plan(desired: Desired, guest: GuestState, vswitches: readonly Vswitch[]): Step[] {
  const authorisations = planAuthorisations(desired, guest, vswitches);
  const regranted = new Set(
    authorisations.filter((a) => a.want !== undefined && a.now !== undefined).map((a) => a.vswitch),
  );
  const live = planLive(desired, guest, regranted);
  const directory = planDirectory(desired, guest);
  return [
    ...planRecords(desired, guest),
    ...live.takeAway,
    ...directory.takeAway,
    ...authorisations.filter((a) => a.now !== undefined).map((a) => revoke(guest, a)),
    ...authorisations.flatMap((a) => grant(guest, a)),
    ...directory.define,
    ...live.define,
    ...planForget(desired, guest),
  ];
}

/**
 * VSWITCHes where the desired ports cannot all be right: user-based, and asked for different VLANs by ports of the one guest, which
 * share one VLAN set there (contract xcat.md 4.4).
 */
export function conflictingVswitches(ports: readonly DesiredPort[], vswitches: readonly Vswitch[]): VswitchName[] {
  return vswitches
    .filter((vswitch) => vswitch.portSelection === 'USERBASED')
    .filter((vswitch) => {
      const [first, ...others] = ports.filter((port) => port.vswitch === vswitch.name);
      return first !== undefined && others.some((other) => !sameNetwork(first.network, other.network));
    })
    .map((vswitch) => vswitch.name);
}

/** Vdevs of the guest's NICs, in the directory or live, that are neither recorded nor desired. */
export function foreignNics(guest: GuestState, ports: readonly { vdev: Vdev }[]): (Nicdef | LiveNic)[] {
  const ours = new Set([...guest.recorded.flatMap((port) => port.vdev ?? []), ...ports.map((port) => port.vdev)]);
  return [...guest.directory, ...guest.live].filter((nic) => !ours.has(nic.vdev));
}

function planRecords(desired: Desired, guest: GuestState): Step[] {
  const steps: Step[] = [];
  for (const { live: _live, ...port } of desired.ports) {
    const row = guest.recorded.find((recorded) => recorded.portId === port.portId);
    const right =
      row !== undefined &&
      row.rows === 1 &&
      row.vdev === port.vdev &&
      row.vswitch === port.vswitch &&
      sameNetwork(row.network, port.network) &&
      row.adminStateUp === port.adminStateUp;
    if (!right) steps.push({ kind: 'ensureRecord', port, rows: row?.rows ?? 0, disturbs: false });
  }
  const entries = macEntriesBefore(desired, guest);
  if (!sameEntries(guest, entries)) {
    steps.push({ kind: 'ensureMacRecord', node: guest.node, entries, disturbs: false });
  }
  return steps;
}

function planForget(desired: Desired, guest: GuestState): Step[] {
  const steps: Step[] = [];
  for (const { portId, keepRow } of desired.removed) {
    const row = guest.recorded.find((recorded) => recorded.portId === portId);
    const unwired = row === undefined || (keepRow && row.vswitch === undefined && row.adminStateUp);
    if (!unwired) steps.push({ kind: 'removeRecord', node: guest.node, portId, keepRow, disturbs: false });
  }
  const entries = macEntriesAfter(desired, guest);
  if (!sameEntries(guest, entries) && entries.length < macEntriesBefore(desired, guest).length) {
    steps.push({ kind: 'ensureMacRecord', node: guest.node, entries, disturbs: false });
  }
  return steps;
}

function planAuthorisations(desired: Desired, guest: GuestState, vswitches: readonly Vswitch[]): AuthorisationPlan[] {
  const conflicting = new Set(conflictingVswitches(desired.ports, vswitches));
  return vswitches.flatMap((vswitch): AuthorisationPlan[] => {
    const authorisation = vswitch.authorisations.find((entry) => entry.userid === guest.userid);
    const now = authorisation === undefined ? undefined : authorisedVlans(vswitch, authorisation);
    const port = desired.ports.find((candidate) => candidate.vswitch === vswitch.name);
    if (port === undefined) {
      return now !== undefined && mayRevoke(desired, guest, vswitch.name)
        ? [{ vswitch: vswitch.name, now, want: undefined }]
        : [];
    }
    const want = neededVlans(vswitch, vlansOf(port.network));
    if (now === undefined) return [{ vswitch: vswitch.name, now, want }];
    if (sameVlans(now, want) || conflicting.has(vswitch.name)) return [];
    // A changed VLAN set would carry a foreign NIC of the guest along to the new VLAN.
    return foreignNics(guest, desired.ports).some((nic) => nic.vswitch === vswitch.name)
      ? []
      : [{ vswitch: vswitch.name, now, want }];
  });
}

function mayRevoke(desired: Desired, guest: GuestState, vswitch: VswitchName): boolean {
  if (desired.keepAuthorised.includes(vswitch)) return false;
  const removed = new Set<string>(desired.removed.map((port) => port.portId));
  const moved = new Set<string>(desired.ports.map((port) => port.portId));
  const onIt = guest.recorded.filter((row) => row.vswitch === vswitch);
  const leaves = (portId: string) => removed.has(portId) || moved.has(portId);
  return onIt.length > 0
    ? onIt.every((row) => leaves(row.portId)) &&
        !foreignNics(guest, desired.ports).some((nic) => nic.vswitch === vswitch)
    : false;
}

function planLive(
  desired: Desired,
  guest: GuestState,
  regranted: ReadonlySet<VswitchName>,
): { takeAway: Step[]; define: Step[] } {
  const takeAway: Step[] = [];
  const define: Step[] = [];
  if (!guest.loggedOn) return { takeAway, define };
  const uncouple = (nic: LiveNic) => {
    if (nic.vswitch === undefined) return;
    takeAway.push({
      kind: 'ensureUncoupled',
      userid: guest.userid,
      vdev: nic.vdev,
      vswitch: nic.vswitch,
      disturbs: true,
    });
  };
  const remove = (nic: LiveNic) => {
    uncouple(nic);
    takeAway.push({ kind: 'removeLiveNic', userid: guest.userid, vdev: nic.vdev, disturbs: false });
  };
  for (const nic of removedNics(desired, guest, guest.live)) remove(nic);
  for (const port of desired.ports) {
    const nic = guest.live.find((candidate) => candidate.vdev === port.vdev);
    const wanted = port.live === 'present' || (port.live === 'asIs' && nic !== undefined);
    if (!wanted) {
      if (nic !== undefined) remove(nic);
      continue;
    }
    const wrongMac = nic?.mac !== undefined && nic.mac !== port.mac;
    const coupledRight =
      nic?.vswitch === port.vswitch && port.adminStateUp && !regranted.has(port.vswitch) && !wrongMac;
    if (nic !== undefined && wrongMac) remove(nic);
    else if (nic !== undefined && !coupledRight) uncouple(nic);
    if (nic === undefined || wrongMac) {
      define.push({
        kind: 'ensureLiveNic',
        userid: guest.userid,
        vdev: port.vdev,
        macId: macId(port.mac),
        disturbs: false,
      });
    }
    if (port.adminStateUp && !coupledRight) {
      define.push({
        kind: 'ensureCoupled',
        userid: guest.userid,
        vdev: port.vdev,
        vswitch: port.vswitch,
        disturbs: false,
      });
    }
  }
  return { takeAway, define };
}

function planDirectory(desired: Desired, guest: GuestState): { takeAway: Step[]; define: Step[] } {
  const takeAway: Step[] = [];
  const define: Step[] = [];
  const remove = (vdev: Vdev) =>
    takeAway.push({ kind: 'removeDirectoryNic', userid: guest.userid, vdev, disturbs: false });
  for (const nic of removedNics(desired, guest, guest.directory)) remove(nic.vdev);
  for (const port of desired.ports) {
    const nic = guest.directory.find((candidate) => candidate.vdev === port.vdev);
    // An administratively down port keeps its NIC, but is not coupled at the next logon.
    const vswitch = port.adminStateUp ? port.vswitch : undefined;
    if (nic !== undefined && nic.vswitch === vswitch && nic.macId === macId(port.mac)) continue;
    if (nic !== undefined) remove(nic.vdev);
    define.push({
      kind: 'ensureDirectoryNic',
      userid: guest.userid,
      vdev: port.vdev,
      macId: macId(port.mac),
      ...(vswitch === undefined ? {} : { vswitch }),
      disturbs: false,
    });
  }
  return { takeAway, define };
}

function removedNics<Nic extends { vdev: Vdev }>(desired: Desired, guest: GuestState, nics: readonly Nic[]): Nic[] {
  const removed = new Set<string>(desired.removed.map((port) => port.portId));
  const vdevs = new Set(guest.recorded.filter((row) => removed.has(row.portId)).flatMap((row) => row.vdev ?? []));
  const kept = new Set(desired.ports.map((port) => port.vdev));
  return nics.filter((nic) => vdevs.has(nic.vdev) && !kept.has(nic.vdev));
}

function revoke(guest: GuestState, authorisation: AuthorisationPlan): Step {
  return { kind: 'removeAuthorisation', userid: guest.userid, vswitch: authorisation.vswitch, disturbs: false };
}

function grant(guest: GuestState, { vswitch, want }: AuthorisationPlan): Step[] {
  return want === undefined
    ? []
    : [{ kind: 'ensureAuthorisation', userid: guest.userid, vswitch, vlans: want, disturbs: false }];
}

function sameVlans(one: readonly number[], other: readonly number[]): boolean {
  return [...one].sort((a, b) => a - b).join() === [...other].sort((a, b) => a - b).join();
}
