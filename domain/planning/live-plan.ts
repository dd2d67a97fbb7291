import { defined } from '../defined.ts';
import { type Desired, type DesiredPort, removedVdevs } from '../guest/desired.ts';
import type { GuestState, LiveNic, NicdefAuthorization } from '../guest/guest.ts';
import type { HostCapabilities } from '../host/host-capabilities.ts';
import { macId } from '../port/mac.ts';
import { vlansOf } from '../port/port.ts';
import type { Vdev } from '../port/vdev.ts';
import type { VswitchName } from '../text/identifiers.ts';
import { sameVlans } from '../vswitch/vlan-set.ts';
import { authorisedVlans, grantOf, neededVlans, type Vswitch } from '../vswitch/vswitch.ts';
import { namesOtherVlans, ownNicdef } from './port-authority.ts';
import type { Step } from './steps.ts';

/** Steps on the running guest: NICs that leave their network or go, before all that is authorised, and NICs that come. */
export type LivePlan = {
  takeAway: Step[];
  /** Of ports that a grant or a port number authorises. */
  define: Step[];
  /** Of ports that their NICDEFs authorise: COUPLE reads them. */
  defineByDirectory: Step[];
};

/** The surroundings of a plan of live NICs. */
export type LiveContext = {
  vswitches: readonly Vswitch[];
  capabilities: HostCapabilities | undefined;
  /** VSWITCHes that are granted anew. */
  regranted: ReadonlySet<VswitchName>;
  /** VSWITCHes whose grant goes, or is made anew. */
  revoked: ReadonlySet<VswitchName>;
  /** NICs whose port number is not the one they were coupled with. */
  renumbered: ReadonlySet<Vdev>;
  /** NICs whose port number gets other VLANs, without an interruption. */
  moving: ReadonlySet<Vdev>;
};

/** Plan the live NICs of a running guest. */
export function planLive(desired: Desired, guest: GuestState, context: LiveContext): LivePlan {
  const takeAway: Step[] = [];
  const define: Step[] = [];
  const defineByDirectory: Step[] = [];
  if (!guest.loggedOn) return { takeAway, define, defineByDirectory };
  const { userid } = guest;
  const uncouple = ({ vdev, vswitch }: LiveNic) => {
    if (vswitch !== undefined) takeAway.push({ kind: 'ensureUncoupled', userid, vdev, vswitch, disturbs: true });
  };
  const remove = (nic: LiveNic) => {
    uncouple(nic);
    takeAway.push({ kind: 'removeLiveNic', userid, vdev: nic.vdev, disturbs: false });
  };
  const removed = removedVdevs(desired, guest);
  for (const nic of guest.live.filter(({ vdev }) => removed.has(vdev))) remove(nic);
  for (const port of desired.ports) {
    const { vdev, vswitch, portNumber } = port;
    const nic = guest.live.find((candidate) => candidate.vdev === vdev);
    const wanted = port.live === 'present' || (port.live === 'asIs' && nic !== undefined);
    if (!wanted) {
      if (nic !== undefined) remove(nic);
      continue;
    }
    const wrongMac = nic?.mac !== undefined && port.mac !== undefined && nic.mac !== port.mac;
    const coupledRight = port.adminStateUp && !wrongMac && nic !== undefined && !isMoved(port, nic, guest, context);
    if (nic !== undefined && wrongMac) remove(nic);
    else if (nic !== undefined && !coupledRight) uncouple(nic);
    if (isLeftToLogon(port, context.capabilities)) continue;
    const steps = port.authorization === undefined ? define : defineByDirectory;
    if (nic === undefined || wrongMac)
      steps.push({ kind: 'ensureLiveNic', userid, vdev, ...idOf(port), disturbs: false });
    if (port.adminStateUp && !coupledRight) {
      steps.push({ kind: 'ensureCoupled', userid, vdev, vswitch, ...defined({ portNumber }), disturbs: false });
    }
  }
  return { takeAway, define, defineByDirectory };
}

/** True of a port whose right COUPLE does not find in the directory: the guest gets it at its next logon. */
export function isLeftToLogon(
  { authorization, adminStateUp }: DesiredPort,
  capabilities: HostCapabilities | undefined,
): boolean {
  return authorization !== undefined && adminStateUp && capabilities?.behaviour?.coupleReadsDirectory === false;
}

/** Ports of a running guest that get their network at its next logon only, by NIC. */
export function waitingForLogon(
  { ports }: Desired,
  { loggedOn, live }: GuestState,
  capabilities: HostCapabilities | undefined,
): Vdev[] {
  if (!loggedOn) return [];
  return ports
    .filter((port) => isLeftToLogon(port, capabilities))
    .filter((port) => live.some((nic) => nic.vdev === port.vdev && nic.vswitch !== port.vswitch))
    .map(({ vdev }) => vdev);
}

/** A coupled NIC whose VLANs are not those of its port: those that z/VM says it has, and those that it should have. */
export type WrongVlans = { vdev: Vdev; vswitch: VswitchName; has: readonly number[]; wants: readonly number[] };

/** Coupled NICs of which z/VM says that they are on other VLANs than their ports. One of which it says nothing is not among them. */
export function wrongVlans(
  ports: readonly DesiredPort[],
  { live }: GuestState,
  vswitches: readonly Vswitch[],
): WrongVlans[] {
  return ports.flatMap((port) => {
    const nic = live.find((candidate) => candidate.vdev === port.vdev);
    const vswitch = vswitches.find(({ name }) => name === port.vswitch);
    if (nic?.vlans === undefined || nic.vswitch !== port.vswitch || vswitch?.vlanAware !== true) return [];
    const has = neededVlans(vswitch, nic.vlans);
    const wants = neededVlans(vswitch, vlansOf(port.network));
    return sameVlans(has, wants) ? [] : [{ vdev: port.vdev, vswitch: vswitch.name, has, wants }];
  });
}

/** True of a NIC that has to be coupled anew. */
function isMoved(port: DesiredPort, nic: LiveNic, guest: GuestState, context: LiveContext): boolean {
  const { vdev, vswitch: name, authorization } = port;
  if (nic.vswitch !== name) return true;
  const isWrong = wrongVlans([port], guest, context.vswitches).length > 0;
  if (authorization === undefined && namesOtherVlans(port, guest, context.capabilities)) return true;
  if (authorization === undefined)
    return context.regranted.has(name) || context.renumbered.has(vdev) || (isWrong && !context.moving.has(vdev));
  if (nic.vlans !== undefined) return isWrong || hasOtherType(port, authorization, guest);
  return !isBelievedRight(port, guest, context) || hasOtherType(port, authorization, guest);
}

/** True when the NIC of a port that the directory authorises is on its VLANs by all that is known of it. */
function isBelievedRight(port: DesiredPort, guest: GuestState, context: LiveContext): boolean {
  const vswitch = context.vswitches.find(({ name }) => name === port.vswitch);
  if (vswitch === undefined) return false;
  if (!vswitch.vlanAware) return true;
  const believed = believedVlans(port, guest, vswitch, context);
  return (
    believed !== undefined && sameVlans(neededVlans(vswitch, believed), neededVlans(vswitch, vlansOf(port.network)))
  );
}

/** VLANs that its NICDEF or else its authorisation has given a NIC; undefined when they differ, and when neither says any. */
function believedVlans(
  { vdev }: DesiredPort,
  guest: GuestState,
  vswitch: Vswitch,
  { revoked }: LiveContext,
): readonly number[] | undefined {
  const nicdef = ownNicdef(guest, vdev);
  const { vlans, portType } = nicdef?.authorization ?? {};
  const entry =
    vswitch.authorisations.find(
      ({ userid, portNumber }) =>
        userid === guest.userid && portNumber !== undefined && portNumber === nicdef?.portNumber,
    ) ?? grantOf(vswitch, guest.userid);
  const granted = entry === undefined || entry.unclear !== undefined ? undefined : authorisedVlans(vswitch, entry);
  if (vlans === undefined) return granted ?? (portType === undefined ? undefined : []);
  const isOther = granted !== undefined && !sameVlans(neededVlans(vswitch, vlans), granted);
  return isOther && revoked.has(vswitch.name) ? undefined : vlans;
}

/** Its statement says another port type: tagged frames would come as untagged ones, or the other way round. */
function hasOtherType({ vdev }: DesiredPort, { portType: wanted }: NicdefAuthorization, guest: GuestState): boolean {
  const { portType } = ownNicdef(guest, vdev)?.authorization ?? {};
  return portType !== undefined && wanted !== undefined && portType !== wanted;
}

function idOf({ mac }: DesiredPort): { macId?: string } {
  return mac === undefined ? {} : { macId: macId(mac) };
}
