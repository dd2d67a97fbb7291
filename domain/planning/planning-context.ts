import type { PortsInEntries } from '../guest/entry-nics.ts';
import type { GuestState } from '../guest/guest.ts';
import type { HostRules } from '../host/host.ts';
import type { HostCapabilities } from '../host/host-capabilities.ts';
import type { Mac, MacInUse } from '../port/mac.ts';
import type { Vdev } from '../port/vdev.ts';
import type { PortId } from '../text/identifiers.ts';
import type { Vswitch } from '../vswitch/vswitch.ts';

/** All that a decision about one guest looks at. */
export type PlanningContext = {
  guest: GuestState;
  vswitches: readonly Vswitch[];
  rules: HostRules;
  /** Absent: as on a system without directory network authorization. */
  capabilities?: HostCapabilities;
  /** Ports that a grant or a port number authorises become authorised by the directory, where that is possible. */
  movesToDirectory?: boolean;
  /** By address. */
  macsInUse: ReadonlyMap<string, readonly MacInUse[]>;
  /** Names that records stand under, by IP address. */
  addressesInUse: ReadonlyMap<string, string>;
  /** Vdevs that the same request asks for by number: none is chosen onto them. */
  claimedVdevs?: readonly { portId: PortId; vdev: Vdev }[];
  /** Addresses that an earlier try of the same operation found given to somebody else. */
  avoidMacs: ReadonlySet<Mac>;
  /** Port numbers that entries of other guests give them at their next logon. */
  portsInEntries?: PortsInEntries;
  /** Ports that CP has refused a NIC, by portKey: another number is chosen. */
  avoidPorts?: ReadonlySet<string>;
};
