import { z } from 'zod';
import { Mac } from '../port/mac.ts';
import { PortNumber } from '../port/port-number.ts';
import { Vdev } from '../port/vdev.ts';
import { Userid, VswitchName } from '../text/identifiers.ts';
import { Rdev } from './rdev.ts';

/** A NIC that a VSWITCH reports as connected. */
export const ConnectedNic = z.object({ userid: Userid, vdev: Vdev, mac: Mac.optional() });
export type ConnectedNic = z.infer<typeof ConnectedNic>;

/** Authorisation of one userid on one VSWITCH, with the VLANs that z/VM reports for it. */
export const Authorisation = z.object({
  userid: Userid,
  vlans: z.array(z.number().int()).readonly(),
  /** On a port-based VSWITCH: the port that the authorisation belongs to. */
  portNumber: PortNumber.optional(),
  /** Why it cannot be told what it gives: ports of the userid on the VSWITCH are left as they are. */
  unclear: z.string().optional(),
  /** It may see what is sent to others; port type and permanence of an authorisation are not shown by z/VM. */
  promiscuous: z.literal(true).optional(),
});
export type Authorisation = z.infer<typeof Authorisation>;

/** A real device of a VSWITCH's uplink, and what CP says of it (docs/reference/smcli.md 4.1). */
export const Uplink = z.object({
  rdev: Rdev,
  state: z.enum(['active', 'backup', 'inactive']),
  /** Why it is not usable. */
  error: z.string().optional(),
  virtualDevice: z.string().optional(),
  controller: z.string().optional(),
  portName: z.string().optional(),
});
export type Uplink = z.infer<typeof Uplink>;

/** A VSWITCH as z/VM has it. */
export const Vswitch = z.object({
  name: VswitchName,
  transport: z.enum(['ETHERNET', 'IP', 'UNKNOWN']),
  vlanAware: z.boolean(),
  /** The default VLAN of an aware VSWITCH; a flat authorisation is reported with it. Absent on an unaware one. */
  defaultVlan: z.number().int().optional(),
  /** Chosen at creation: VLANs per userid, or per port number (docs/reference/zvm.md 3.2). */
  portSelection: z.enum(['USERBASED', 'PORTBASED', 'UNKNOWN']),
  /** A value of it that nobody can read: it is not changed, and ports on it are left as they are. */
  unclear: z.string().optional(),
  /** In CP's order: the preferred one first. Empty on a VSWITCH for guests only. */
  uplinks: z.array(Uplink).readonly(),
  /** Real devices that z/VM has and smcli does not show: they are not changed. */
  uplinksHidden: z.boolean().optional(),
  /** CP's word on the whole of it, as in `OSA device ready`. */
  status: z.string().optional(),
  nativeVlan: z.number().int().optional(),
  portType: z.enum(['ACCESS', 'TRUNK']).optional(),
  gvrp: z.boolean(),
  isolated: z.boolean(),
  macProtected: z.boolean(),
  queueMemoryLimitMb: z.number().int().optional(),
  router: z.string().optional(),
  mac: Mac.optional(),
  authorisations: z.array(Authorisation).readonly(),
  nics: z.array(ConnectedNic).readonly(),
});
export type Vswitch = z.infer<typeof Vswitch>;

/**
 * VSWITCHes as a guest is on them, with its authorisations and NICs alone. To look at each guest of a host then takes time in proportion to the guests,
 * and not to their square.
 */
export function partsByUserid(vswitches: readonly Vswitch[]): (userid: Userid) => Vswitch[] {
  const parts = vswitches.map((vswitch) => ({
    vswitch,
    authorisations: Map.groupBy(vswitch.authorisations, ({ userid }) => userid),
    nics: Map.groupBy(vswitch.nics, ({ userid }) => userid),
  }));
  return (userid) =>
    parts.map(({ vswitch, authorisations, nics }) => ({
      ...vswitch,
      authorisations: authorisations.get(userid) ?? [],
      nics: nics.get(userid) ?? [],
    }));
}

/** The grant of a userid: its authorisation that belongs to no port (docs/reference/zvm.md 5.6). */
export function grantOf(
  { authorisations }: Pick<Vswitch, 'authorisations'>,
  userid: Userid,
): Authorisation | undefined {
  return authorisations.find((entry) => entry.userid === userid && entry.portNumber === undefined);
}

/**
 * The VLANs that an authorisation really asks for: what z/VM reports, without the default that it shows for a flat one
 * (unaware VSWITCHes still report one VLAN, docs/reference/smcli.md 4.2).
 */
export function authorisedVlans(vswitch: Vswitch, authorisation: Authorisation): readonly number[] {
  if (!vswitch.vlanAware) return [];
  // SMAPI's 32768 stands for NONE (docs/reference/smcli.md 4.2).
  const vlans = authorisation.vlans.filter((vlan) => vlan !== 0 && vlan !== NONE);
  const onlyDefault = vlans.length === 1 && vlans[0] === vswitch.defaultVlan;
  return onlyDefault ? [] : vlans;
}

const NONE = 32_768;

/** True for an aware VSWITCH whose default VLAN is NONE: a userid or a port that is authorised without a VLAN has none there. */
export function hasNoVlan({ vlanAware, defaultVlan }: Pick<Vswitch, 'vlanAware' | 'defaultVlan'>): boolean {
  return vlanAware && defaultVlan === undefined;
}

/** The same, for what a port needs: asking for exactly the default VLAN is what a flat authorisation gives. */
export function neededVlans(vswitch: Vswitch, vlans: readonly number[]): readonly number[] {
  return vlans.length === 1 && vlans[0] === vswitch.defaultVlan ? [] : vlans;
}

/** A VSWITCH as an operation found it; by its name alone one that it made. */
export const FormerVswitch = Vswitch.pick({
  name: true,
  transport: true,
  vlanAware: true,
  portSelection: true,
})
  .extend({ rdevs: z.array(Rdev) })
  .partial()
  .required({ name: true });
export type FormerVswitch = z.infer<typeof FormerVswitch>;

/** A VSWITCH as far as an operation changes it. */
export function formerOf({ name, transport, vlanAware, portSelection, uplinks }: Vswitch): FormerVswitch {
  return { name, transport, vlanAware, portSelection, rdevs: uplinks.map(({ rdev }) => rdev) };
}
