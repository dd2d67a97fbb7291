import { foreignNics } from '../drift/foreign-nics.ts';
import type { OwnNic } from '../host/checkpoint.ts';
import type { Port } from '../port/port.ts';
import type { VswitchPort } from '../port/port-number.ts';
import type { Vdev } from '../port/vdev.ts';
import type { PortId, VswitchName } from '../text/identifiers.ts';
import type { GuestState, LiveNic, Nicdef, NicdefAuthorization, RecordedPort } from './guest.ts';
import type { Kept } from './kept-attributes.ts';

/**
 * The part of a port on the running guest: the NIC defined (`present`), not defined (`absent`), or whatever it has now, but right
 * (`asIs`). A guest that is logged off gets every port at its next logon from the directory, whatever this says.
 */
export type Liveness = 'present' | 'absent' | 'asIs';

export type DesiredPort = Port & {
  live: Liveness;
  /** The operands by which its directory entry authorises it; absent of a port that a grant or a port number authorises. */
  authorization?: NicdefAuthorization;
};

/** The desired network of a guest. Recorded ports that are named in neither list are left as they are. */
export type Desired = {
  ports: readonly DesiredPort[];
  /** Ports to undo. An `unwired` one stays recorded as a port that nobody has wired yet, others not at all. */
  removed: readonly { portId: PortId; unwired: boolean }[];
  /** NICs of ports whose record another writer has deleted: removed, too. */
  unrecorded?: readonly OwnNic[];
  /** VSWITCHes whose authorisation existed before any port of ours: never revoked. */
  keepAuthorised: readonly VswitchName[];
  /** VSWITCHes that ports move away from: the authorisation goes unless something of the guest still needs it. */
  leaving: readonly VswitchName[];
  /** The record is another's to write, and keeps no authorisation: the guest has left the host. */
  recordStays?: boolean;
  /** Port numbers that a plan may have given the guest: without a directory entry yet, only this list shows that they are ours. */
  given?: readonly VswitchPort[];
  /** Attributes that an administrator has set, to be set again. */
  kept?: Kept;
};

/**
 * The NICs of ports to undo, as far as no desired port has them, nor one that is left as it is. Of a guest that has left the host only what
 * nobody can read is left.
 */
export function removedVdevs(desired: Desired, guest: GuestState): Set<Vdev> {
  const { ports, removed, unrecorded = [] } = desired;
  const ids = new Set<string>(removed.map((port) => port.portId));
  const going = guest.recorded.filter((port) => ids.has(port.portId)).flatMap((port) => port.vdev ?? []);
  const kept = new Set([...ports, ...leftPorts(desired, guest)].map(({ vdev }) => vdev));
  return new Set([...going, ...unrecorded.map((nic) => nic.vdev)].filter((vdev) => !kept.has(vdev)));
}

/** All NICs that are this project's affair: of ports to have and of ports to undo. */
export function ownNics({ ports, unrecorded = [] }: Desired): { vdev: Vdev }[] {
  return [...ports, ...unrecorded];
}

/** Recorded ports that are left as they are. */
export function leftPorts({ ports, removed, recordStays }: Desired, { recorded }: GuestState): RecordedPort[] {
  const named = new Set<string>([...removed, ...ports].map(({ portId }) => portId));
  return recorded.filter((port) => !named.has(port.portId) && (recordStays !== true || port.unreadable !== undefined));
}

/**
 * The NICs that no step may move, in the directory or live: foreign ones, and those of ports that are left as they are. Without those of
 * unreadable records, for which `heldVswitches` keeps whole VSWITCHes.
 */
export function standingNics(desired: Desired, guest: GuestState): (Nicdef | LiveNic)[] {
  const own = new Set(ownNics(desired).map(({ vdev }) => vdev));
  const readable = leftPorts(desired, guest).filter(({ unreadable }) => unreadable === undefined);
  const left = new Set(readable.map(({ vdev }) => vdev));
  const nics = [...guest.directory, ...guest.live].filter(({ vdev }) => left.has(vdev) && !own.has(vdev));
  return [...foreignNics(guest, ownNics(desired)), ...nics];
}
