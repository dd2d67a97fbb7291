import { defined } from '../defined.ts';
import { absenceRefusal } from '../guest/absence.ts';
import { reconcileAbsent } from '../guest/absent-guest.ts';
import { claimedVdevs, isRemoval, portsOfChange } from '../guest/change-ports.ts';
import type { Desired, DesiredPort } from '../guest/desired.ts';
import type { GuestState } from '../guest/guest.ts';
import { keptAttributes } from '../guest/kept-attributes.ts';
import { directoryAuthorizes } from '../host/host-capabilities.ts';
import type { Change } from '../operations/requests.ts';
import type { VswitchPort } from '../port/port-number.ts';
import type { Vdev } from '../port/vdev.ts';
import type { PortId, VswitchName } from '../text/identifiers.ts';
import { conflictingVswitches, standingOnGrant } from './authorisation-plan.ts';
import { leftoverNumbers } from './leftover-port-numbers.ts';
import { sharingGrants } from './new-port.ts';
import type { PlanningContext } from './planning-context.ts';
import { withAuthority } from './port-authority.ts';
import { leftDown, portsOf, recordedPorts } from './recorded-ports.ts';
import { type Refusal, type RefusedPort, refusal } from './refusal.ts';
import { attainable } from './unattainable.ts';
import { refuseStuck, refuseUnclear, repairedPort } from './unclear-refusals.ts';
import { newConflicts, portsAfter, removedBy } from './wanted-ports.ts';

/** The decision on a change: the state to reach, and the state to go back to when it cannot be reached. */
export type Decision =
  | { accepted: true; desired: Desired; before: Desired; affected: PortId[]; refused: RefusedPort[] }
  | { accepted: false; refusals: Refusal[] };

/**
 * Decide what a change asks of the guest: check it against the host's rules and the guest's other NICs, choose MAC, vdev and port number
 * where none is given. Pure; nothing is touched when it is refused.
 */
export function decide(change: Change, read: PlanningContext): Decision {
  const asNow = { ...read, claimedVdevs: claimedVdevs(change) };
  const context = { ...asNow, movesToDirectory: movesToDirectory(change, read.guest) };
  if (change.kind === 'reconcile' && context.guest.absence !== undefined) return decideAbsent(change, context);
  const down = leftDown(change, context);
  const before = recordedPorts(asNow, down.portIds);
  const first = [
    ...refuseAbsent(change, context),
    ...refuseUnclear(change, context),
    ...refuseModernize(change, before, context),
  ];
  if (first.length > 0) return { accepted: false, refusals: first };
  const repaired = portsOf([repairedPort(change, context) ?? []].flat(), context, before);
  const moved = before.map((port) => withAuthority(port, before, context));
  const after = portsAfter(change, [...moved, ...repaired], context);
  const wanted = { ...after, ports: sharingGrants(after.ports, context) };
  const removed = removedBy(change);
  const asked: Desired = {
    ports: wanted.ports,
    removed,
    ...defined({ unrecorded: change.kind === 'reconcile' ? change.unrecorded : undefined }),
    keepAuthorised: [],
    leaving: [
      ...leftBy(wanted.ports, context.guest),
      ...leftBefore(change),
      ...leftToDirectory(change, before, wanted.ports),
    ],
    kept: keptAttributes(context.guest, context.vswitches),
    ...numbersOf(before, wanted.ports, change.kind === 'modernize' ? leftoverNumbers(wanted.ports, context) : []),
  };
  const { ports, ...hindered } = attainable(change, asked, context);
  const desired: Desired = { ...asked, ports };
  const stuck = refuseStuck(change, desired, context);
  const unfit = [...wanted.refusals, ...hindered.refusals];
  const conflicts = unfit.length > 0 ? [] : refuseConflicts(change, desired, before, context);
  const refusals = [...unfit, ...conflicts, ...stuck.refusals];
  if (refusals.length > 0) return { accepted: false, refusals };
  const refused = [...down.refused, ...wanted.refused, ...hindered.refused, ...stuck.refused];
  const left = new Set(refused.map((port) => port.portId));
  const named = change.kind === 'modernize' ? authorised(ports) : portsOfChange(change);
  const affected = named.filter((portId) => !left.has(portId));
  const known = attainable(change, { ...asked, ports: before }, asNow).ports;
  return { accepted: true, desired, before: backTo(known, desired, context), affected, refused };
}

/**
 * True of a change at which ports leave their grants and port numbers for the directory: when that is asked for, and when the guest is logged off,
 * so that nothing live depends on them.
 */
function movesToDirectory(change: Change, { loggedOn }: GuestState): boolean {
  return change.kind === 'modernize' || (!loggedOn && change.kind !== 'reconcile' && !isRemoval(change));
}

/** Why a guest cannot be moved to its directory entry. */
function refuseModernize(
  { kind }: Change,
  before: readonly DesiredPort[],
  { guest, capabilities, rules }: PlanningContext,
): Refusal[] {
  if (kind !== 'modernize') return [];
  if (!directoryAuthorizes(capabilities)) {
    const reason = `directory network authorization of ${rules.host} is not enabled, or not known`;
    return [refusal('userid', reason, 'check QUERY VMLAN on the host, or leave the guest to its grants')];
  }
  const isByGrant = before.some(({ authorization }) => authorization === undefined);
  if (capabilities?.behaviour?.coupleReadsDirectory !== false || !guest.loggedOn || !isByGrant) return [];
  const reason = `${guest.userid} is logged on, and z/VM reads its directory entry at logon alone: its NICs need their grants until then`;
  return [refusal('userid', reason, 'log the guest off first')];
}

/** VSWITCHes whose grant no port needs any more, since the directory authorises them. */
function leftToDirectory(
  { kind }: Change,
  before: readonly DesiredPort[],
  ports: readonly DesiredPort[],
): VswitchName[] {
  return ports
    .filter(({ authorization }) => authorization !== undefined)
    .filter(({ portId }) => {
      const port = before.find((each) => each.portId === portId);
      return kind === 'modernize' || (port !== undefined && port.authorization === undefined);
    })
    .map(({ vswitch }) => vswitch);
}

function authorised(ports: readonly DesiredPort[]): PortId[] {
  return ports.flatMap(({ portId, authorization }) => (authorization === undefined ? [] : portId));
}

/**
 * Port numbers of ports that go, or leave the VSWITCH or the number: also those that a terminated run has given them, and of which no directory
 * entry says, as on a system whose NICDEFs name none.
 */
function numbersOf(
  before: readonly DesiredPort[],
  after: readonly DesiredPort[],
  leftover: readonly VswitchPort[],
): Pick<Desired, 'given'> {
  const left = before.flatMap(({ portId, vswitch, portNumber, authorization }) => {
    if (portNumber === undefined || authorization !== undefined) return [];
    const port = after.find((each) => each.portId === portId);
    return port?.vswitch === vswitch && port.portNumber === portNumber ? [] : [{ vswitch, portNumber }];
  });
  const given = [...left, ...leftover];
  return given.length === 0 ? {} : { given };
}

function decideAbsent(change: Extract<Change, { kind: 'reconcile' }>, { guest, rules }: PlanningContext): Decision {
  const { desired, refused } = reconcileAbsent(change, guest, rules);
  const affected = desired.removed.map(({ portId }) => portId);
  return { accepted: true, desired, before: { ...desired, unrecorded: [], removed: [] }, affected, refused };
}

/** Of a guest that is not here, or nowhere, what is left can be taken away; nothing else can be done. */
function refuseAbsent(change: Change, { guest, rules }: PlanningContext): Refusal[] {
  const { absence } = guest;
  if (absence === undefined || change.kind === 'reconcile') return [];
  const isOfMember = absence.kind === 'elsewhere' && absence.inCluster === true;
  if (isRemoval(change) && !isOfMember) return [];
  return [absenceRefusal(guest.userid, rules, absence)];
}

/** VSWITCHes that ports left before anybody looked. */
function leftBefore(change: Change): VswitchName[] {
  return change.kind === 'reconcile' ? [...change.left, ...change.unrecorded.map((nic) => nic.vswitch)] : [];
}

/** Refusals of a record that no plan can make right. */
function refuseUnrepairable(ports: readonly DesiredPort[], { vswitches, guest }: PlanningContext): Refusal[] {
  const missing = [...new Set(ports.map((port) => port.vswitch))]
    .filter((name) => !vswitches.some((vswitch) => vswitch.name === name))
    .map((name) => refusal('vswitch', `VSWITCH ${name} of a port is not defined`, 'define it, or move the port'));
  const conflicts = conflictingVswitches(ports, vswitches).map((name) => {
    const reason = `VSWITCH ${name} is user-based, but ports of ${guest.userid} on it are recorded with different VLANs`;
    return refusal('network', reason, 'change one of these ports');
  });
  return [...missing, ...conflicts];
}

/** VSWITCHes that recorded ports move away from. */
function leftBy(ports: readonly DesiredPort[], guest: GuestState): VswitchName[] {
  const left = ports.flatMap((port) => {
    const known = guest.recorded.find((candidate) => candidate.portId === port.portId);
    return known?.vswitch === undefined || known.vswitch === port.vswitch ? [] : [known.vswitch];
  });
  return [...new Set(left)];
}

function refuseConflicts(
  change: Change,
  desired: Desired,
  before: readonly DesiredPort[],
  context: PlanningContext,
): Refusal[] {
  const { ports } = desired;
  if (change.kind === 'wirePorts') return [];
  if (change.kind === 'reconcile') return refuseUnrepairable(ports, context);
  const { guest, vswitches, capabilities } = context;
  const field = 'ports' in change ? 'ports' : 'network.segmentationId';
  const conflicts = newConflicts(ports, before, field, context);
  if (change.kind !== 'changeVlan') return conflicts;
  const port = ports.find((candidate) => candidate.portId === change.portId);
  const vswitch = vswitches.find((candidate) => candidate.name === port?.vswitch);
  if (vswitch?.portSelection !== 'USERBASED') return conflicts;
  if (port?.authorization !== undefined) return conflicts;
  const standing = standingOnGrant(desired, guest, vswitch.name, capabilities);
  if (standing === undefined) return conflicts;
  const reason = `${standing} and would change its VLAN, too`;
  return [...conflicts, refusal('network', reason, 'move that NIC first, or use another VSWITCH')];
}

/** The way back: ports as they were recorded and as live as they were; what the change would add is removed. */
function backTo(before: readonly DesiredPort[], desired: Desired, { guest, vswitches }: PlanningContext): Desired {
  const known = new Set(before.map((port) => port.portId));
  const recorded = new Set(guest.recorded.map((port) => port.portId));
  const usedByOurs = new Set<string>(guest.recorded.flatMap((port) => port.vswitch ?? []));
  const isUnreadable = (portId: PortId) =>
    guest.recorded.some((port) => port.portId === portId && port.unreadable !== undefined);
  const isLive = (vdev: Vdev) => guest.live.some((nic) => nic.vdev === vdev);
  return {
    ports: before.map((port) => ({ ...port, live: isLive(port.vdev) ? 'present' : 'absent' })),
    // A port that could not be read before has no state to go back to: it is left where it is.
    removed: desired.ports
      .filter((port) => !known.has(port.portId) && !isUnreadable(port.portId))
      .map(({ portId }) => ({ portId, unwired: recorded.has(portId) })),
    keepAuthorised: vswitches
      .filter((vswitch) => vswitch.authorisations.some((entry) => entry.userid === guest.userid))
      .map((vswitch) => vswitch.name)
      .filter((name) => !usedByOurs.has(name)),
    leaving: [...new Set(desired.ports.map((port) => port.vswitch))].filter((name) => !usedByOurs.has(name)),
    ...defined({ kept: desired.kept }),
  };
}
