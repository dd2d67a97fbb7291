import { defined } from '../defined.ts';
import { type Desired, type DesiredPort, removedVdevs } from '../guest/desired.ts';
import type { GuestState } from '../guest/guest.ts';
import { type Kept, promiscuityOn } from '../guest/kept-attributes.ts';
import { vlansOf } from '../port/port.ts';
import type { PortNumber, VswitchPort } from '../port/port-number.ts';
import type { Vdev } from '../port/vdev.ts';
import { MOST_SINGLE, sameVlans, vlanSetWords } from '../vswitch/vlan-set.ts';
import { type Authorisation, authorisedVlans, neededVlans, type Vswitch } from '../vswitch/vswitch.ts';
import { isGivenTo } from './leftover-port-numbers.ts';
import type { Step } from './steps.ts';

/** Steps on port-based VSWITCHes, where VLANs belong to port numbers, each of one NIC (docs/reference/zvm.md 3.2). */
export type PortNumberPlan = {
  takeAway: Step[];
  give: Step[];
  /** Of numbers that no NIC needs any more: the directory gives the same VLANs before they go. */
  takeLast: Step[];
  /** Vdevs whose port number is not the one they were coupled with. */
  renumbered: ReadonlySet<Vdev>;
  /** Vdevs whose port number gets other VLANs, without an interruption. */
  moving: ReadonlySet<Vdev>;
};

/** Plan the port numbers of a guest. Changed VLANs of a port number reach its coupled NIC without interrupting it. */
export function planPortNumbers(desired: Desired, guest: GuestState, vswitches: readonly Vswitch[]): PortNumberPlan {
  const portBased = vswitches.filter(
    ({ portSelection, unclear }) => portSelection === 'PORTBASED' && unclear === undefined,
  );
  const wanted = desired.ports.flatMap((port) => {
    const vswitch = portBased.find((candidate) => candidate.name === port.vswitch);
    return vswitch === undefined || port.portNumber === undefined || port.authorization !== undefined
      ? []
      : [{ vswitch, port, portNumber: port.portNumber }];
  });
  const retyped = wanted.filter(({ vswitch, port, portNumber }) => changesType(vswitch, port, portNumber, guest));
  const held = [
    ...assigned(desired, guest),
    ...(desired.given ?? []),
    ...(guest.absence === undefined ? [] : leftBehind(desired, guest, portBased)),
    ...retyped.map(({ port, portNumber }) => ({ vswitch: port.vswitch, portNumber })),
  ];
  const once = new Map(held.map((each) => [`${each.vswitch} ${each.portNumber}`, each]));
  const taken = [...once.values()].filter(({ vswitch: name, portNumber }) => {
    const vswitch = portBased.find((candidate) => candidate.name === name);
    const same = (other: { vswitch: Vswitch; portNumber: PortNumber }) =>
      other.vswitch === vswitch && other.portNumber === portNumber;
    if (entryOf(vswitch, portNumber)?.userid !== guest.userid) return false;
    return !wanted.some(same) || retyped.some(same);
  });
  const last = taken.filter((number) => isGivenByDirectory(number, desired, guest, portBased));
  const removal = ({ vswitch, portNumber }: VswitchPort): Step => ({
    kind: 'removePortNumber',
    userid: guest.userid,
    vswitch,
    portNumber,
    disturbs: false,
  });
  const given = wanted.map(({ vswitch, port, portNumber }) => ({
    vdev: port.vdev,
    vlans: vlansOfEntry(vswitch, portNumber),
    steps: giveSteps(vswitch, port, portNumber, guest, desired.kept),
  }));
  return {
    takeAway: taken.filter((number) => !last.includes(number)).map(removal),
    takeLast: last.map(removal),
    give: given.flatMap(({ steps }) => steps),
    moving: new Set(given.flatMap(({ vdev, vlans, steps }) => (isCarried(vdev, vlans, steps, guest) ? vdev : []))),
    renumbered: new Set(
      wanted
        .filter(({ port, portNumber }) => {
          const nic = guest.directory.find((candidate) => candidate.vdev === port.vdev);
          const moved = nic?.portNumber !== undefined && nic.portNumber !== portNumber;
          return moved || retyped.some((other) => other.port === port);
        })
        .map(({ port }) => port.vdev),
    ),
  };
}

/** Desired ports whose number z/VM has given to another userid: a new one must be chosen. */
export function lostPortNumbers(
  desired: Desired,
  guest: GuestState,
  vswitches: readonly Vswitch[],
): (VswitchPort & { owner: string })[] {
  return desired.ports.flatMap(({ vswitch: name, portNumber, authorization }) => {
    if (authorization !== undefined) return [];
    const vswitch = vswitches.find((candidate) => candidate.name === name && candidate.portSelection === 'PORTBASED');
    const owner = portNumber === undefined ? undefined : entryOf(vswitch, portNumber)?.userid;
    if (portNumber === undefined || owner === undefined || owner === guest.userid) return [];
    return [{ vswitch: name, portNumber, owner }];
  });
}

/** The directory gives the same VLANs: to the NIC of the number, or to a port where no NICDEF names the number any more. */
function isGivenByDirectory(
  { vswitch: name, portNumber }: VswitchPort,
  { ports }: Desired,
  guest: GuestState,
  portBased: readonly Vswitch[],
): boolean {
  const vswitch = portBased.find((candidate) => candidate.name === name);
  const entry = entryOf(vswitch, portNumber);
  const nic = guest.directory.find((candidate) => candidate.portNumber === portNumber && candidate.vswitch === name);
  const its = nic === undefined ? ports : ports.filter(({ vdev }) => vdev === nic.vdev);
  return vswitch !== undefined && entry !== undefined && isGivenTo(its, vswitch, entry);
}

/** Port numbers that the directory gives to NICs of ports to have or to undo. */
function assigned(desired: Desired, guest: GuestState): VswitchPort[] {
  const removed = removedVdevs(desired, guest);
  const going = new Set<string>(desired.removed.map(({ portId }) => portId));
  return guest.directory.flatMap(({ vdev, portNumber, vswitch }) => {
    const known = guest.recorded.find((candidate) => candidate.vdev === vdev);
    const port = desired.ports.find((candidate) => candidate.vdev === vdev);
    // A NIC of a port that is administratively down names no VSWITCH in the directory.
    const name = vswitch ?? known?.vswitch ?? port?.vswitch;
    // It stands beside the VLAN that its NICDEF names, and is no affair of the VSWITCH.
    if (port?.authorization !== undefined && port.portNumber === portNumber) return [];
    // A recorded port that is neither desired nor to be removed is left as it is.
    const isOurs = port !== undefined || removed.has(vdev) || (known !== undefined && going.has(known.portId));
    if (portNumber === undefined || name === undefined || !isOurs) return [];
    return [{ vswitch: name, portNumber }];
  });
}

/**
 * Port numbers of a guest that is not here, on VSWITCHes where none of its ports stays: no directory entry says any more whose they were,
 * and nobody else can use them.
 */
function leftBehind(desired: Desired, guest: GuestState, portBased: readonly Vswitch[]): VswitchPort[] {
  const going = new Set<string>(desired.removed.map((port) => port.portId));
  // Where the guest has left the host, the record keeps nothing, but what nobody can read is left as it is.
  const staying = guest.recorded.filter(
    (port) => !going.has(port.portId) && (desired.recordStays !== true || port.unreadable !== undefined),
  );
  const left = new Set<string>([
    ...guest.recorded.filter((port) => going.has(port.portId)).flatMap((port) => port.vswitch ?? []),
    ...desired.leaving,
  ]);
  return portBased
    .filter(({ name }) => left.has(name) && !staying.some((port) => port.vswitch === name))
    .flatMap(({ name, authorisations }) =>
      authorisations.flatMap(({ userid, portNumber }) =>
        userid === guest.userid && portNumber !== undefined ? [{ vswitch: name, portNumber }] : [],
      ),
    );
}

function vlansOfEntry(vswitch: Vswitch, portNumber: PortNumber): readonly number[] {
  const entry = entryOf(vswitch, portNumber);
  return entry === undefined ? [] : authorisedVlans(vswitch, entry);
}

/** True of a NIC that is on the number by all that z/VM says of it, and gets its VLANs without being coupled anew. */
function isCarried(vdev: Vdev, vlans: readonly number[], steps: readonly Step[], { live }: GuestState): boolean {
  const nic = live.find((candidate) => candidate.vdev === vdev);
  const isThere = nic?.vlans === undefined || sameVlans(nic.vlans, vlans);
  return isThere && steps.length > 0 && steps.every(({ kind }) => kind === 'ensurePortVlans');
}

function giveSteps(
  vswitch: Vswitch,
  port: DesiredPort,
  portNumber: PortNumber,
  guest: GuestState,
  kept: Kept | undefined,
): Step[] {
  const on = { userid: guest.userid, vswitch: vswitch.name, portNumber };
  const want = neededVlans(vswitch, vlansOf(port.network));
  const entry = entryOf(vswitch, portNumber);
  if (entry === undefined || changesType(vswitch, port, portNumber, guest)) {
    const first = vlanSetWords(want) === undefined ? want.slice(0, MOST_SINGLE) : want;
    const anew = {
      ...defined({ before: entry && authorisedVlans(vswitch, entry) }),
      ...promiscuityOn(kept, vswitch.name, portNumber),
    };
    return [
      { kind: 'ensurePortNumber', ...on, vlans: first, ...anew, disturbs: false },
      ...vlanSteps(on, want.slice(first.length), []),
    ];
  }
  if (entry.userid !== guest.userid) return [];
  const now = authorisedVlans(vswitch, entry);
  const add = want.filter((vlan) => !now.includes(vlan));
  const remove = now.filter((vlan) => !want.includes(vlan));
  return vlanSteps(on, add, remove);
}

/** SMAPI takes one VLAN to add and one to remove at a time; the new one first, so that the port is never on none. */
function vlanSteps(
  on: VswitchPort & { userid: GuestState['userid'] },
  add: readonly number[],
  remove: readonly number[],
): Step[] {
  return Array.from({ length: Math.max(add.length, remove.length) }, (_, index) => ({
    kind: 'ensurePortVlans' as const,
    ...on,
    add: add.slice(index, index + 1),
    remove: remove.slice(index, index + 1),
    disturbs: false,
  }));
}

/**
 * Access has one VLAN, trunk several: a port gets its type with its number, which a NIC must be coupled anew for
 * (docs/reference/zvm.md 3.2).
 */
function changesType(vswitch: Vswitch, port: DesiredPort, portNumber: PortNumber, guest: GuestState): boolean {
  const entry = entryOf(vswitch, portNumber);
  if (entry?.userid !== guest.userid) return false;
  return authorisedVlans(vswitch, entry).length > 1 !== neededVlans(vswitch, vlansOf(port.network)).length > 1;
}

function entryOf(vswitch: Vswitch | undefined, portNumber: PortNumber): Authorisation | undefined {
  return vswitch?.authorisations.find((entry) => entry.portNumber === portNumber);
}
