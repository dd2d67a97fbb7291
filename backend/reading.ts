import type { Finding } from '../domain/drift/finding.ts';
import type { Absence } from '../domain/guest/absence.ts';
import type { RecordedPort } from '../domain/guest/guest.ts';
import type { HostCapabilities } from '../domain/host/host-capabilities.ts';
import type { MemberName } from '../domain/host/ssi-cluster.ts';
import type { PlanningContext } from '../domain/planning/planning-context.ts';
import type { Vdev } from '../domain/port/vdev.ts';
import type { NodeName, Userid, VswitchName } from '../domain/text/identifiers.ts';
import type { Vswitch } from '../domain/vswitch/vswitch.ts';

/** A request to read a host, beside its VSWITCHes. */
export type HostRequest = {
  /** Guests to read in full. */
  userids: readonly Userid[];
  /** Those of them whose directory entry is read too, all by default; that of others is taken to be as recorded. */
  directoryOf?: (userid: Userid) => boolean;
  /** Guests of which nothing but the directory entry is read. */
  entriesOf?: readonly Userid[];
  /** The record need not be read anew when the backend has a reading of it that began at this time of `performance.now()` or later. */
  recordSince?: number;
  /** Answer what is recorded of all guests too, and when z/VM was started. */
  survey?: boolean;
  /** The reading is for an operation on its own: it waits for no call of a bulk operation. */
  single?: boolean;
};

/** All that is known of one guest and around it. */
export type Reading = Omit<PlanningContext, 'avoidMacs'> & {
  /** Values of the guest on z/VM that nobody can read. */
  findings: readonly Finding[];
  /** Values of its record that nobody can read; the record of its host has them too. */
  recordFindings: readonly Finding[];
};

/** Why a guest is not here, as far as the record can tell. */
export type RecordedAbsence = Extract<Absence, { kind: 'elsewhere' }> | { kind: 'unknown' };

/** A node with ports of a host that stands for no guest. */
export type Orphan = { node: string; reason: string };

/** The record of all guests of a host. */
export type HostRecord = {
  guests: ReadonlySet<Userid>;
  /** The same by node name. */
  nodes: ReadonlyMap<string, Userid>;
  /** Ports that are recorded for this host, by guest, also of guests that it has not. */
  recorded: ReadonlyMap<Userid, readonly RecordedPort[]>;
  /** Guests with such ports that it has not. */
  absent: ReadonlyMap<Userid, { node: NodeName; why: RecordedAbsence }>;
  /** Nodes with ports of this host of which nobody can say whose they are; their names as they are recorded. */
  orphans: readonly Orphan[];
  /** Guests with records of this host that name no port: NICs of theirs have not vanished. */
  hidesPorts: ReadonlySet<Userid>;
  /** NICs of the host's guests that records of others are about. */
  nicsOfOthers: ReadonlyMap<Userid, readonly Vdev[]>;
  /** Values that nobody can read. */
  findings: readonly Finding[];
};

/** The record of a host of which none was asked for. */
export const NOTHING_RECORDED: HostRecord = {
  guests: new Set(),
  nodes: new Map(),
  recorded: new Map(),
  absent: new Map(),
  orphans: [],
  hidesPorts: new Set(),
  nicsOfOthers: new Map(),
  findings: [],
};

/** Another member of the host's SSI cluster that has answered: its VSWITCHes, and what is recorded for the host that it is. */
export type MemberReading = { member: MemberName; vswitches: readonly Vswitch[]; record: HostRecord };

/** Where the server itself runs, by its record: its guest's userid, where that is known, and whether it is a guest of this host. */
export type ServerGuest = { userid: string | undefined; here: boolean };

/** A whole host, and some of its guests in full. The record is empty, `server` and `iplTime` are undefined, where no survey was asked for. */
export type HostReading = HostRecord & {
  vswitches: readonly Vswitch[];
  /** None on a host that is no member of a cluster, and without a survey. */
  members: readonly MemberReading[];
  /** The userid of the server's agent on the host, whose NICs are no ports. */
  agent: Userid;
  server: ServerGuest | undefined;
  iplTime: string | undefined;
  /** The abilities of z/VM and its interfaces. A value that cannot be read is unknown, and a finding of the survey; nothing else fails. */
  capabilities: HostCapabilities;
  /** The part of one guest that was asked for. Throws a BackendError when it, or what its decisions need, cannot be read. */
  read: (userid: Userid) => Reading;
};

/** NICs of the server's own guest, the management node. */
export type ServerNics = {
  /** VSWITCHes that they are on: an administrator made them. The NIC of the management network does not count. */
  administrators: VswitchName[];
  /** The NIC of the management network is coupled. */
  coupled: boolean;
};
