import type { EntryNics } from '../guest/entry-nics.ts';
import type { Vdev } from '../port/vdev.ts';
import type { PortId, Userid, VswitchName } from '../text/identifiers.ts';
import type { Rdev } from '../vswitch/rdev.ts';
import type { BackendKind } from './host.ts';
import type { ProbeRecord } from './probed-behaviour.ts';

/** A NIC that a port of ours had, or has. */
export type OwnNic = { vdev: Vdev; vswitch: VswitchName };

/**
 * The state that one reconciliation leaves to the next: without it nobody could tell the NIC of a port whose record has vanished from an
 * administrator's.
 */
export type Checkpoint = {
  /** When z/VM was started. */
  iplTime?: string;
  guests: ReadonlyMap<Userid, GuestCheckpoint>;
  /** NICs that the sweep of the directory has found besides our ports'; every guest of the host without such ports is in it. */
  entries: EntryNics;
  /** The sweep of the directory continues after this userid. */
  sweptUpTo?: Userid;
  /** The real devices that VSWITCHes of the configuration had when they had any. */
  rdevs?: ReadonlyMap<VswitchName, readonly Rdev[]>;
  /** Where Neutron is configured. */
  neutron?: NeutronCheckpoint;
  /** Ports that were not coupled at the first reading of the host, and whose admin state no operator has confirmed since. */
  toConfirm?: readonly PortId[];
  /** The answers of probes. */
  answers?: ProbeRecord;
  /** The server whose record it was made from. NICs of ports that another server does not record have not lost their ports. */
  backend?: BackendKind;
  /** Ports that are administratively down: a record may keep that nowhere else. */
  down?: DownPorts;
};

/** Ports that are down, with the VSWITCHes that they are on when they are up. */
export type DownPorts = ReadonlyMap<PortId, VswitchName>;

export type NeutronCheckpoint = {
  /** Ports that Neutron wanted on the host: a recorded one that it wants no more has been deleted or unbound there. */
  ports: readonly PortId[];
  /**
   * Ports that were reported up and had not become ACTIVE, which is somebody else's affair, with the revision that they had then: as long as
   * a port has that, nothing of it has changed, and it is not reported over and over.
   */
  reported: ReadonlyMap<PortId, number>;
};

export type GuestCheckpoint = {
  nics: readonly OwnNic[];
  /** Its NICs that are not coupled have been looked at and are as they should be: the guest is logged off. */
  verified: boolean;
  /** z/VM has been seen to have the guest: one that is gone since is not one that is still to be made, nor a userid that is written wrongly. */
  seen: boolean;
};

export const EMPTY_CHECKPOINT: Checkpoint = { guests: new Map(), entries: new Map() };
