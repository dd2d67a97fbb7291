import { z } from 'zod';
import { MacPrefix } from '../port/mac.ts';
import { Vdev } from '../port/vdev.ts';
import { HostName, NodeName, Userid, VswitchName } from '../text/identifiers.ts';
import { Rdev } from '../vswitch/rdev.ts';
import { ConfiguredCapabilities } from './host-capabilities.ts';
import { RECONCILE_MODES } from './repair-mode.ts';

/** The part of a host's configuration about one VSWITCH. */
export const AllowedVswitch = z.object({
  physicalNetwork: z.string(),
  vswitch: VswitchName,
  flat: z.boolean(),
  vlanRanges: z.array(z.object({ from: z.number().int(), to: z.number().int() })).readonly(),
  /** How the VSWITCH is made where it is not there. */
  transport: z.enum(['ETHERNET', 'IP']).default('ETHERNET'),
  portSelection: z.enum(['USERBASED', 'PORTBASED']).default('USERBASED'),
  rdevs: z.array(Rdev).max(3).readonly().default([]),
});
export type AllowedVswitch = z.infer<typeof AllowedVswitch>;

/** The servers that a host can be managed by. */
export const BackendKind = z.enum(['xcat', 'feilong']);
export type BackendKind = z.infer<typeof BackendKind>;

/** The name of such a server as people write it. */
export function serverName(kind: BackendKind): string {
  return kind === 'feilong' ? 'Feilong' : 'xCAT';
}

/** The part of a host's configuration that decisions need; nothing secret is in it. */
export const HostRules = z.object({
  host: HostName,
  /** The server that it is managed by. */
  server: BackendKind.optional(),
  zhcpNode: NodeName,
  vswitches: z.array(AllowedVswitch).readonly(),
  firstVdev: Vdev,
  /** The prefix of Neutron's base_mac, when configured: it must be z/VM's. */
  wantedMacPrefix: MacPrefix.optional(),
  /** The guest that serves DHCP on the host's networks. */
  dhcpUserid: Userid.optional(),
  /** The DHCP node's name in Neutron, when this project is the L2 agent there too. */
  dhcpHost: HostName.optional(),
  /** The management node's own address on the management network, when it is to be set up. */
  managementNetwork: z.object({ address: z.ipv4(), mask: z.ipv4() }).optional(),
  /** Have the name service of the management node write names and addresses into its DNS too. */
  makeDns: z.boolean().default(false),
  /** True when DirMaint does not put changes online by itself: each change is followed by a request for it. */
  directoryOnline: z.boolean().default(false),
  /** The zHCPs of the members of its SSI cluster, which z/VM is not asked for then; empty: it counts as no member. */
  ssiMembers: z.array(NodeName).readonly().optional(),
  /** Drift is repaired or only reported; absent: a host that is new here is observed until an operator confirms it. */
  reconcileMode: z.enum(RECONCILE_MODES).optional(),
  /** Levels that z/VM is not asked for. */
  capabilities: ConfiguredCapabilities.optional(),
  /** False where a NIC that is made on a running guest gets the MAC that CP gives it. */
  liveMac: z.literal(false).optional(),
  /** z/VM's own USER prefix, read from the host. */
  macPrefix: MacPrefix,
});
export type HostRules = z.infer<typeof HostRules>;

/** The rules without the MAC prefix, which comes from z/VM. */
export type ConfiguredRules = Omit<HostRules, 'macPrefix'>;

/** The name that a host without zHCP has in its place. */
export const FEILONG_ZHCP = 'feilong';

/** Task queue of a host (docs/workflows.md). */
export function taskQueueOf(host: string): string {
  return `zvm-${host}`;
}
