import type { RecordedAddresses } from './address-record.ts';
import type { NodeName, PortId, Userid, VswitchName } from './identifiers.ts';
import type { Mac } from './mac.ts';
import type { Network } from './network.ts';
import type { PortNumber } from './port-number.ts';
import type { DeviceRange, Vdev } from './vdev.ts';

/** One row of xCAT's `switch` table that belongs to this host: what should be (contract xcat.md 2.1). */
export type RecordedPort = {
  portId: PortId;
  vdev?: Vdev;
  /** Absent in rows that Nova wrote and nobody has wired yet. */
  vswitch?: VswitchName;
  network: Network;
  /** From the node's row in the `mac` table. */
  mac?: Mac;
  adminStateUp: boolean;
  /** More than one row for this port id (historic tools can double them); they are rewritten as one. */
  rows: number;
};

/** A NICDEF of the user directory: what the guest gets at its next logon. */
export type Nicdef = {
  vdev: Vdev;
  /** Coupled at logon to this SYSTEM VSWITCH; absent when the statement names none. */
  vswitch?: VswitchName;
  macId?: string;
  /** PORTNUMBER: the port of a port-based VSWITCH. */
  portNumber?: PortNumber;
  /** DEVICES, where it is not three, and CHPID: written again with the statement. */
  devices?: number;
  chpid?: string;
  /** Further operands, which are not written again: `VLAN 7 PORTTYPE ACCESS`. */
  others?: string;
  /** It stands in this profile, which the entry includes: nobody changes it for one guest. */
  profile?: string;
};

/** A NIC that the running guest has now. */
export type LiveNic = {
  vdev: Vdev;
  /** The VSWITCH that it is coupled to; absent when uncoupled. */
  vswitch?: VswitchName;
  /** Known only while coupled (from the VSWITCH's list). */
  mac?: Mac;
};

/** One address of the node's row in the `mac` table, `<mac>!<node>-<vdev>` or, as Nova writes it, the address alone. */
export type MacEntry = { text: string; mac?: Mac; vdev?: Vdev };

/** Everything about one guest's network, read from xCAT and z/VM. */
export type GuestState = {
  userid: Userid;
  node: NodeName;
  loggedOn: boolean;
  recorded: readonly RecordedPort[];
  macEntries: readonly MacEntry[];
  /** True when the node has a row in the `mac` table, be it with Nova's placeholder. */
  macRow: boolean;
  addresses: RecordedAddresses;
  directory: readonly Nicdef[];
  live: readonly LiveNic[];
  /** What else has device numbers of the guest: disks, consoles, real devices of its entry, of its profile and live, NICs with more than three. */
  devices?: readonly DeviceRange[];
};
