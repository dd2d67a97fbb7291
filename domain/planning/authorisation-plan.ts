import { foreignNics } from '../drift/foreign-nics.ts';
import { heldVswitches } from '../drift/unclear-ports.ts';
import { type Desired, type DesiredPort, ownNics } from '../guest/desired.ts';
import type { GuestState } from '../guest/guest.ts';
import { promiscuityOn } from '../guest/kept-attributes.ts';
import { sameNetwork, vlansOf } from '../port/port.ts';
import type { VswitchName } from '../text/identifiers.ts';
import { sameVlans } from '../vswitch/vlan-set.ts';
import { authorisedVlans, neededVlans, type Vswitch } from '../vswitch/vswitch.ts';
import type { Step } from './steps.ts';

/** Steps on user-based VSWITCHES, where one authorisation with one VLAN set serves all NICs of a userid (docs/reference/zvm.md 3.2). */
export type AuthorisationPlan = {
  revoke: Step[];
  grant: Step[];
  /** VSWITCHes that are granted anew: z/VM may drop the userid's live NICs there. */
  regranted: ReadonlySet<VswitchName>;
};

type Difference = { vswitch: VswitchName; now: readonly number[] | undefined; want: readonly number[] | undefined };

/** Plan the authorisations of a guest; one is revoked only when no other port or foreign NIC of the guest needs it. */
export function planAuthorisations(
  desired: Desired,
  guest: GuestState,
  vswitches: readonly Vswitch[],
): AuthorisationPlan {
  const conflicting = new Set(conflictingVswitches(desired.ports, vswitches));
  const named = new Set<string>([...desired.ports, ...desired.removed].map(({ portId }) => portId));
  const held = heldVswitches(named, guest, vswitches);
  const differences = vswitches
    .filter(
      ({ name, portSelection, unclear }) => portSelection === 'USERBASED' && unclear === undefined && !held.has(name),
    )
    .flatMap((vswitch) => differenceOn(vswitch, conflicting.has(vswitch.name), desired, guest));
  const { userid } = guest;
  const promiscuous = (vswitch: VswitchName) => promiscuityOn(desired.kept, vswitch);
  return {
    revoke: differences
      .filter(({ now }) => now !== undefined)
      .map(({ vswitch }) => ({
        kind: 'removeAuthorisation',
        userid,
        vswitch,
        ...promiscuous(vswitch),
        disturbs: false,
      })),
    grant: differences.flatMap(({ vswitch, now, want }): Step[] => {
      if (want === undefined) return [];
      const before = now === undefined ? {} : { before: now };
      return [
        {
          kind: 'ensureAuthorisation',
          userid,
          vswitch,
          vlans: want,
          ...before,
          ...promiscuous(vswitch),
          disturbs: false,
        },
      ];
    }),
    regranted: new Set(
      differences.filter(({ now, want }) => now !== undefined && want !== undefined).map(({ vswitch }) => vswitch),
    ),
  };
}

/**
 * VSWITCHes where the desired ports cannot all be right: user-based, and asked for different VLANs by ports of the one guest, which
 * share one VLAN set there.
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

function differenceOn(vswitch: Vswitch, conflicting: boolean, desired: Desired, guest: GuestState): Difference[] {
  const { name } = vswitch;
  const authorisation = vswitch.authorisations.find((entry) => entry.userid === guest.userid);
  const now = authorisation === undefined ? undefined : authorisedVlans(vswitch, authorisation);
  const port = desired.ports.find((candidate) => candidate.vswitch === name);
  if (port === undefined) {
    return now !== undefined && mayRevoke(desired, guest, name) ? [{ vswitch: name, now, want: undefined }] : [];
  }
  const want = neededVlans(vswitch, vlansOf(port.network));
  if (now === undefined) return [{ vswitch: name, now, want }];
  if ((sameVlans(now, want) && authorisation?.unclear === undefined) || conflicting) return [];
  // A changed VLAN set would carry a foreign NIC of the guest along to the new VLAN.
  const carried = foreignNics(guest, ownNics(desired)).some((nic) => nic.vswitch === name);
  return carried ? [] : [{ vswitch: name, now, want }];
}

function mayRevoke(desired: Desired, guest: GuestState, vswitch: VswitchName): boolean {
  if (desired.keepAuthorised.includes(vswitch)) return false;
  if (foreignNics(guest, ownNics(desired)).some((nic) => nic.vswitch === vswitch)) return false;
  if (desired.recordStays === true) return desired.leaving.includes(vswitch);
  const going = new Set<string>([...desired.removed, ...desired.ports].map((port) => port.portId));
  const recorded = guest.recorded.filter((port) => port.vswitch === vswitch);
  return (recorded.length > 0 || desired.leaving.includes(vswitch)) && recorded.every((port) => going.has(port.portId));
}
