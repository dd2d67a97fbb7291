import { heldVswitches } from '../drift/unclear-ports.ts';
import { type Desired, type DesiredPort, standingNics } from '../guest/desired.ts';
import type { GuestState } from '../guest/guest.ts';
import { promiscuityOn } from '../guest/kept-attributes.ts';
import { directoryAuthorizes, type HostCapabilities } from '../host/host-capabilities.ts';
import { sameNetwork, vlansOf } from '../port/port.ts';
import type { VswitchName } from '../text/identifiers.ts';
import { sameVlans } from '../vswitch/vlan-set.ts';
import { authorisedVlans, grantOf, neededVlans, type Vswitch } from '../vswitch/vswitch.ts';
import type { Step } from './steps.ts';

/** Steps on user-based VSWITCHES, where one grant with one VLAN set serves all NICs of a userid that their NICDEFs do not authorise (docs/reference/zvm.md 3.2). */
export type AuthorisationPlan = {
  revoke: Step[];
  grant: Step[];
  /** Of grants that no NIC needs any more: the directory gives the same VLANs before they go. */
  revokeLast: Step[];
  /** VSWITCHes that are granted anew: z/VM may drop the userid's live NICs there. */
  regranted: ReadonlySet<VswitchName>;
  /** VSWITCHes whose grant goes, or is made anew. */
  revoked: ReadonlySet<VswitchName>;
};

type Difference = { vswitch: VswitchName; now: readonly number[] | undefined; want: readonly number[] | undefined };

/** Plan the grants of a guest; one is revoked only when no other port or foreign NIC of the guest needs it. */
export function planAuthorisations(
  desired: Desired,
  guest: GuestState,
  vswitches: readonly Vswitch[],
  capabilities?: HostCapabilities,
): AuthorisationPlan {
  const conflicting = new Set(conflictingVswitches(desired.ports, vswitches));
  const named = new Set<string>([...desired.ports, ...desired.removed].map(({ portId }) => portId));
  const held = heldVswitches(named, guest, vswitches);
  const differences = vswitches
    .filter(
      ({ name, portSelection, unclear }) => portSelection === 'USERBASED' && unclear === undefined && !held.has(name),
    )
    .flatMap((vswitch) => differenceOn(vswitch, conflicting.has(vswitch.name), desired, guest, capabilities));
  const { userid } = guest;
  const promiscuous = (vswitch: VswitchName) => promiscuityOn(desired.kept, vswitch);
  const revokes = (some: readonly Difference[]) =>
    some
      .filter(({ now }) => now !== undefined)
      .map(
        ({ vswitch }): Step => ({
          kind: 'removeAuthorisation',
          userid,
          vswitch,
          ...promiscuous(vswitch),
          disturbs: false,
        }),
      );
  const last = differences.filter((difference) => isGivenByDirectory(difference, desired, vswitches));
  return {
    revoke: revokes(differences.filter((difference) => !last.includes(difference))),
    revokeLast: revokes(last),
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
    revoked: new Set(differences.flatMap(({ vswitch, now }) => (now === undefined ? [] : vswitch))),
    regranted: new Set(
      differences
        // A NIC may be coupled without a grant, where NICDEF alone authorises it.
        .filter(({ now, want }) => (now !== undefined || directoryAuthorizes(capabilities)) && want !== undefined)
        .map(({ vswitch }) => vswitch),
    ),
  };
}

/**
 * VSWITCHes where the desired ports cannot all be right: user-based, and asked for different VLANs by ports of the one guest that a grant
 * authorises, which share one VLAN set there.
 */
export function conflictingVswitches(ports: readonly DesiredPort[], vswitches: readonly Vswitch[]): VswitchName[] {
  return vswitches
    .filter((vswitch) => vswitch.portSelection === 'USERBASED')
    .filter((vswitch) => {
      const [first, ...others] = ports.filter((port) => isGranted(port, vswitch.name));
      return first !== undefined && others.some((other) => !sameNetwork(first.network, other.network));
    })
    .map((vswitch) => vswitch.name);
}

/**
 * A NIC of the guest that no step may move, and that the guest's grant on a VSWITCH gives its VLANs, or may give: the beginning of a sentence
 * that goes on with a verb.
 */
export function standingOnGrant(
  desired: Desired,
  guest: GuestState,
  vswitch: VswitchName,
  capabilities?: HostCapabilities,
): string | undefined {
  const isHeeded = directoryAuthorizes(capabilities) && capabilities?.behaviour?.vlanWinner === 'nicdef';
  const standing = standingNics(desired, guest).find((nic) => {
    if (nic.vswitch !== vswitch) return false;
    const nicdef = guest.directory.find(({ vdev }) => vdev === nic.vdev);
    return !(isHeeded && nicdef?.vswitch === vswitch && nicdef.authorization?.vlans !== undefined);
  });
  if (standing === undefined) return undefined;
  const port = guest.recorded.find(({ vdev }) => vdev === standing.vdev);
  const why = port === undefined ? 'is foreign' : `is of port ${port.portId}, which stays as it is,`;
  return `NIC ${standing.vdev} of ${guest.userid} on ${vswitch} ${why}`;
}

/** VLANs of the grant that a guest has on a VSWITCH once everything is as desired; undefined when it has none. */
export function grantAfter(
  vswitch: Vswitch,
  desired: Desired,
  guest: GuestState,
  capabilities: HostCapabilities | undefined,
): readonly number[] | undefined {
  const grant = grantOf(vswitch, guest.userid);
  // A grant on a port-based VSWITCH is somebody else's: no plan changes it.
  const isOurs = vswitch.portSelection === 'USERBASED';
  const [difference] = isOurs ? differenceOn(vswitch, false, desired, guest, capabilities) : [];
  if (difference !== undefined) return difference.want;
  return grant === undefined ? undefined : authorisedVlans(vswitch, grant);
}

function isGranted({ vswitch, authorization }: DesiredPort, name: VswitchName): boolean {
  return vswitch === name && authorization === undefined;
}

/** The grant goes, and the directory gives all NICs there just its VLANs. */
function isGivenByDirectory(
  { vswitch: name, now = [], want }: Difference,
  { ports }: Desired,
  vswitches: readonly Vswitch[],
): boolean {
  const vswitch = vswitches.find((candidate) => candidate.name === name);
  const there = ports.filter((port) => port.vswitch === name);
  if (want !== undefined || vswitch === undefined || there.length === 0) return false;
  return there.every(({ network }) => sameVlans(now, neededVlans(vswitch, vlansOf(network))));
}

function differenceOn(
  vswitch: Vswitch,
  conflicting: boolean,
  desired: Desired,
  guest: GuestState,
  capabilities: HostCapabilities | undefined,
): Difference[] {
  const { name } = vswitch;
  const authorisation = grantOf(vswitch, guest.userid);
  const now = authorisation === undefined ? undefined : authorisedVlans(vswitch, authorisation);
  const port = desired.ports.find((candidate) => isGranted(candidate, name));
  if (port === undefined) {
    return now !== undefined && mayRevoke(desired, guest, name) ? [{ vswitch: name, now, want: undefined }] : [];
  }
  const want = neededVlans(vswitch, vlansOf(port.network));
  if (now === undefined) return [{ vswitch: name, now, want }];
  if ((sameVlans(now, want) && authorisation?.unclear === undefined) || conflicting) return [];
  // A changed VLAN set would carry that NIC along to the new VLAN, and leave it to its NICDEF alone in between.
  const carried = standingOnGrant(desired, guest, name, capabilities) !== undefined;
  return carried ? [] : [{ vswitch: name, now, want }];
}

function mayRevoke(desired: Desired, guest: GuestState, vswitch: VswitchName): boolean {
  if (desired.keepAuthorised.includes(vswitch)) return false;
  if (standingNics(desired, guest).some((nic) => nic.vswitch === vswitch)) return false;
  if (desired.recordStays === true) return desired.leaving.includes(vswitch);
  const going = new Set<string>([...desired.removed, ...desired.ports].map((port) => port.portId));
  const staying = new Set<string>(desired.ports.flatMap((port) => (port.vswitch === vswitch ? port.portId : [])));
  const recorded = guest.recorded.filter((port) => port.vswitch === vswitch);
  // A grant beside ports that the directory authorises may be an administrator's: it goes when a port of ours goes.
  const isLeft = recorded.some((port) => !staying.has(port.portId));
  return (isLeft || desired.leaving.includes(vswitch)) && recorded.every((port) => going.has(port.portId));
}
