import { z } from 'zod';
import type { PlaceInCluster } from '../host/ssi-cluster.ts';
import type { NicAddress } from '../port/address.ts';
import type { Mac } from '../port/mac.ts';
import type { PortNumber } from '../port/port-number.ts';
import type { DeviceRange, Vdev } from '../port/vdev.ts';
import type { NodeName, PortId, Userid, VswitchName } from '../text/identifiers.ts';
import type { Network, RecordedNetwork } from '../vswitch/network.ts';
import type { Absence } from './absence.ts';

/** A port as this host's record has it: what should be. */
export type RecordedPort = {
  portId: PortId;
  vdev?: Vdev;
  /** Absent of a port that is not wired yet. */
  vswitch?: VswitchName;
  network: RecordedNetwork;
  mac?: Mac;
  adminStateUp: boolean;
  /** More than one record of the port, in words of the backend: `has 2 rows`. They are rewritten as one. */
  doubled?: string;
  /** The zHCP of another host that it is recorded for: the guest has moved from there. */
  recordedFor?: string;
  /** Unreadable values: the port stays unchanged. Absent when all values are readable. */
  unreadable?: readonly UnreadableValue[];
};

/** A recorded port with a readable network. */
export type ReadablePort = RecordedPort & { network: Network };

/** A recorded value of a port's field; `name` is that of the value in the record, as people know it. */
export const UnreadableValue = z.object({
  field: z.enum(['vdev', 'vswitch', 'network', 'mac', 'adminStateUp']),
  name: z.string(),
  value: z.string(),
});
export type UnreadableValue = z.infer<typeof UnreadableValue>;
export type PortField = UnreadableValue['field'];

/** A NICDEF of the user directory: what the guest gets at its next logon. */
export type Nicdef = {
  vdev: Vdev;
  /** Coupled at logon to this SYSTEM VSWITCH; absent when the statement names none. */
  vswitch?: VswitchName;
  macId?: string;
  /** PORTNUMBER: the port of a port-based VSWITCH. */
  portNumber?: PortNumber;
  /** An unreadable operand: the port of this NIC stays unchanged. */
  unclear?: string;
  /** DEVICES, where it is not three, and CHPID: written again with the statement. */
  devices?: number;
  chpid?: string;
  /** Further operands as they stand, which are not written again: `VLAN 7 PORTTYPE ACCESS`. */
  others?: string;
  /** The operands among them that authorise the NIC where z/VM has directory network authorization. */
  authorization?: NicdefAuthorization;
  /** The profile with the statement, which the entry includes: it is never changed for one guest. */
  profile?: string;
  /** The SUBCONFIG with the statement: the member's part of an IDENTITY, which no step changes. */
  subconfig?: string;
};

/** True for a statement of the guest's own entry, which its steps may change. */
export function standsInEntry({ profile, subconfig }: Pick<Nicdef, 'profile' | 'subconfig'>): boolean {
  return profile === undefined && subconfig === undefined;
}

/** The operands of directory network authorization that a NICDEF names (docs/reference/zvm.md 5.1). A value that is not understood is absent. */
export type NicdefAuthorization = {
  vlans?: number[];
  portType?: 'ACCESS' | 'TRUNK';
  /** False for NOPROMISCUOUS, which denies it. */
  promiscuous?: boolean;
  /** PQUPLINKTX: the priority of what the NIC sends. */
  priority?: 'LOW' | 'NORMAL' | 'HIGH';
};

/** A NIC that the running guest has now. */
export type LiveNic = {
  vdev: Vdev;
  /** The VSWITCH that it is coupled to; absent when uncoupled. */
  vswitch?: VswitchName;
  /** Known only while coupled (from the VSWITCH's list). */
  mac?: Mac;
  /** The VLANs that z/VM has it on, as z/VM tells of the NIC itself; absent when that is not told. Empty: the default VLAN of its VSWITCH. */
  vlans?: readonly number[];
  /** The port of its VSWITCH; absent where z/VM does not tell it beyond doubt. */
  portNumber?: PortNumber;
  /** The reason why its coupling is unreadable: the port of this NIC stays unchanged. */
  unclear?: string;
};

/** Everything about one guest's network, from the record and from z/VM. A backend adds what it plans its record from. */
export interface GuestState {
  userid: Userid;
  /** Names that its record stands under, the one for new records first. */
  names: readonly [NodeName, ...NodeName[]];
  loggedOn: boolean;
  recorded: readonly RecordedPort[];
  /** Fixed addresses that are recorded of its NICs. */
  addresses?: readonly NicAddress[];
  directory: readonly Nicdef[];
  live: readonly LiveNic[];
  /** Why nothing can be given to it. */
  absence?: Absence;
  /** Absent of a guest whose host is no member of an SSI cluster. */
  cluster?: PlaceInCluster;
  /** Other devices of the guest: disks, consoles, real devices of its entry, of its profile and live, NICs with more than three. */
  devices?: readonly DeviceRange[];
}
