import { type Desired, type DesiredPort, removedVdevs } from '../guest/desired.ts';
import { directoryAuthorizes } from '../host/host-capabilities.ts';
import { vlansOf } from '../port/port.ts';
import { sameVlans } from '../vswitch/vlan-set.ts';
import { authorisedVlans, grantOf, neededVlans, type Vswitch } from '../vswitch/vswitch.ts';
import { grantAfter, standingOnGrant } from './authorisation-plan.ts';
import type { PlanningContext } from './planning-context.ts';
import { type Refusal, refusal } from './refusal.ts';

/** The way from a grant to the directory, as advice. */
export const MODERNIZE = 'move the guest to its directory entry first: zvmnet guest modernize';

/** A port that no step can make right, and the refusal that says why, with what comes before its field. */
export type Hindered = { port: DesiredPort; why: (at: string) => Refusal };

/** Ports that are asked for. `changed`: the port whose network is to be changed. */
export type Asked = { desired: Desired; changed: string | undefined; context: PlanningContext };

/**
 * Ports that would come to the VLAN of a foreign NIC: a grant has one VLAN set for all NICs of a userid (docs/reference/zvm.md 3.2), which no plan
 * changes under that NIC. A port whose VLAN is to be changed is refused beside any foreign NIC (`refuseConflicts`).
 */
export function besideForeign({ desired, changed, context }: Asked): Hindered[] {
  const { guest, vswitches, capabilities } = context;
  return desired.ports
    .filter((port) => port.authorization === undefined)
    .filter((port) => port.adminStateUp && port.live !== 'absent' && port.portId !== changed)
    .flatMap((port) => {
      const nic = standingOnGrant(desired, guest, port.vswitch, capabilities);
      const vswitch = vswitches.find(({ name }) => name === port.vswitch);
      if (nic === undefined || vswitch?.portSelection !== 'USERBASED') return [];
      const authorisation = grantOf(vswitch, guest.userid);
      if (authorisation === undefined) return [];
      const now = authorisedVlans(vswitch, authorisation);
      const isRight = sameVlans(now, neededVlans(vswitch, vlansOf(port.network)));
      if (isRight && authorisation.unclear === undefined) return [];
      const has = authorisation.unclear === undefined ? describeVlans(now) : 'unreadable VLANs';
      const reason = `${nic} and has ${has}: all NICs of a userid on a user-based VSWITCH share one VLAN set`;
      const advice = 'use another VSWITCH or the same VLANs, or move that NIC first';
      return [{ port, why: (at: string) => refusal(`${at}network`, reason, advice) }];
    });
}

/**
 * Ports whose NICDEF would name other VLANs than a grant or a port number that stays: which of them counts is not known (docs/reference/zvm.md 8),
 * unless z/VM has been asked.
 */
export function besideGrant({ desired, context }: Omit<Asked, 'changed'>): Hindered[] {
  if (isNicdefHeeded(context)) return [];
  return firstHindrances(desired, context, (port, place) => grantBeside(port, place, desired, context));
}

function grantBeside(
  port: DesiredPort,
  { member, vswitches }: Place,
  desired: Desired,
  context: PlanningContext,
): Hindered | undefined {
  const { userid } = context.guest;
  const vswitch = vswitches.find(({ name }) => name === port.vswitch);
  if (vswitch?.vlanAware !== true || port.authorization === undefined) return undefined;
  const wants = neededVlans(vswitch, vlansOf(port.network));
  const other = [...staying(vswitch, desired, context), ...numberedBeside(port, vswitch, context)].find(
    (vlans) => vlans === ODD || !sameVlans(vlans, wants),
  );
  if (other === undefined) return undefined;
  const has = other === ODD ? 'unreadable VLANs' : describeVlans(other);
  const on = member === undefined ? port.vswitch : `${port.vswitch} of member ${member}`;
  const reason = `${userid} is authorised on ${on} with ${has} beside its directory entry, which is to name ${describeVlans(wants)} for NIC ${port.vdev}: it is not known which of them z/VM takes`;
  return { port, why: (at: string) => refusal(`${at}network`, reason, `${MODERNIZE}, or revoke that authorisation`) };
}

/** Ports that need a grant, or another one, beside a NICDEF that stays and names other VLANs. */
export function besideNicdef({ desired, context }: Omit<Asked, 'changed'>): Hindered[] {
  if (isNicdefHeeded(context)) return [];
  return firstHindrances(desired, context, (port, place) => nicdefBeside(port, place, desired, context));
}

function nicdefBeside(
  port: DesiredPort,
  { isOther, vswitches }: Place,
  desired: Desired,
  { guest }: PlanningContext,
): Hindered | undefined {
  const vswitch = vswitches.find(({ name }) => name === port.vswitch);
  if (vswitch?.portSelection !== 'USERBASED' || port.authorization !== undefined) return undefined;
  const wants = neededVlans(vswitch, vlansOf(port.network));
  const grant = grantOf(vswitch, guest.userid);
  // Another member gives a guest nothing new.
  if (grant === undefined ? isOther : sameVlans(authorisedVlans(vswitch, grant), wants)) return undefined;
  const removed = removedVdevs(desired, guest);
  const nic = guest.directory
    .filter(({ vdev, vswitch: name }) => name === port.vswitch && !removed.has(vdev))
    .find(({ vdev, authorization }) => {
      const other = desired.ports.find((each) => each.vdev === vdev);
      if (authorization?.vlans === undefined || (other !== undefined && other.vswitch !== port.vswitch)) return false;
      const vlans = other === undefined ? authorization.vlans : vlansOf(other.network);
      return other?.portId !== port.portId && !sameVlans(neededVlans(vswitch, vlans), wants);
    });
  if (nic === undefined) return undefined;
  const reason = `the directory entry of ${guest.userid} names other VLANs for NIC ${nic.vdev} on ${port.vswitch} than the grant that NIC ${port.vdev} needs, ${describeVlans(wants)}: it is not known which of them z/VM takes`;
  return { port, why: (at: string) => refusal(`${at}network`, reason, MODERNIZE) };
}

/** The VSWITCHes of one system that the guest's directory entry meets. */
type Place = { member?: string; isOther: boolean; vswitches: readonly Vswitch[] };

/** The first hindrance of each port: on its system, or on another member of the cluster, where the guest may be relocated. */
function firstHindrances(
  { ports }: Desired,
  { guest, vswitches }: PlanningContext,
  hindranceOn: (port: DesiredPort, place: Place) => Hindered | undefined,
): Hindered[] {
  const others = (guest.cluster?.others ?? []).map((place) => ({ ...place, isOther: true }));
  const places: Place[] = [{ isOther: false, vswitches }, ...others];
  return ports.flatMap((port) => {
    for (const place of places) {
      const found = hindranceOn(port, place);
      if (found !== undefined) return found;
    }
    return [];
  });
}

/** True where a grant and a NICDEF may differ: there is no directory network authorization, or z/VM has been asked. */
function isNicdefHeeded({ capabilities }: PlanningContext): boolean {
  return !directoryAuthorizes(capabilities) || capabilities?.behaviour?.vlanWinner === 'nicdef';
}

/** The VLANs of the guest's grant and port numbers on a VSWITCH, once everything is as desired; none of a NICDEF that CP shows as a port. */
function staying(
  vswitch: Vswitch,
  desired: Desired,
  { guest, capabilities }: PlanningContext,
): (readonly number[] | typeof ODD)[] {
  const granted = grantAfter(vswitch, desired, guest, capabilities);
  const numbered = desired.ports.filter(
    ({ vswitch: name, authorization, portNumber }) =>
      name === vswitch.name && authorization === undefined && portNumber !== undefined,
  );
  const vlans: (readonly number[] | typeof ODD)[] = [
    ...(granted === undefined ? [] : [grantOf(vswitch, guest.userid)?.unclear === undefined ? granted : ODD]),
    ...numbered.map(({ network }) => neededVlans(vswitch, vlansOf(network))),
  ];
  return vlans;
}

/** The VLANs of the port number that a NICDEF names beside its own: none that CP shows for it, which are the same. */
function numberedBeside(
  { portNumber }: DesiredPort,
  vswitch: Vswitch,
  { guest }: PlanningContext,
): (readonly number[])[] {
  return vswitch.authorisations
    .filter((entry) => portNumber !== undefined && entry.portNumber === portNumber && entry.userid === guest.userid)
    .map((entry) => authorisedVlans(vswitch, entry));
}

/** VLANs of a grant that nobody can read. */
const ODD = 'unreadable' as const;

function describeVlans(vlans: readonly number[]): string {
  return vlans.length === 0 ? 'no VLAN' : `VLAN ${vlans.join(', ')}`;
}
