import { defined } from '../defined.ts';
import { foreignNics } from '../drift/foreign-nics.ts';
import { absenceRefusal } from '../guest/absence.ts';
import { reconcileAbsent } from '../guest/absent-guest.ts';
import { claimedVdevs, portsOfChange } from '../guest/change-ports.ts';
import type { Desired, DesiredPort } from '../guest/desired.ts';
import type { GuestState } from '../guest/guest.ts';
import { keptAttributes } from '../guest/kept-attributes.ts';
import type { Change } from '../operations/requests.ts';
import type { Vdev } from '../port/vdev.ts';
import type { PortId, VswitchName } from '../text/identifiers.ts';
import { conflictingVswitches } from './authorisation-plan.ts';
import type { PlanningContext } from './planning-context.ts';
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
  const context = { ...read, claimedVdevs: claimedVdevs(change) };
  if (change.kind === 'reconcile' && context.guest.absence !== undefined) return decideAbsent(change, context);
  const first = [...refuseAbsent(change, context), ...refuseUnclear(change, context)];
  if (first.length > 0) return { accepted: false, refusals: first };
  const down = leftDown(change, context);
  const before = recordedPorts(context, down.portIds);
  const repaired = portsOf([repairedPort(change, context) ?? []].flat(), context, before);
  const wanted = portsAfter(change, [...before, ...repaired], context);
  const { ports, ...hindered } = attainable(change, wanted.ports, context);
  const removed = removedBy(change).map((portId) => ({ portId, unwired: false }));
  const desired: Desired = {
    ports,
    removed,
    ...defined({ unrecorded: change.kind === 'reconcile' ? change.unrecorded : undefined }),
    keepAuthorised: [],
    leaving: [...leftBy(ports, context.guest), ...leftBefore(change)],
    kept: keptAttributes(context.guest, context.vswitches),
    ...numbersOf(before, removed),
  };
  const stuck = refuseStuck(change, desired, context);
  const unfit = [...wanted.refusals, ...hindered.refusals];
  const conflicts = unfit.length > 0 ? [] : refuseConflicts(change, ports, before, context);
  const refusals = [...unfit, ...conflicts, ...stuck.refusals];
  if (refusals.length > 0) return { accepted: false, refusals };
  const refused = [...down.refused, ...wanted.refused, ...hindered.refused, ...stuck.refused];
  const left = new Set(refused.map((port) => port.portId));
  const affected = portsOfChange(change).filter((portId) => !left.has(portId));
  const known = attainable(change, before, context).ports;
  return { accepted: true, desired, before: backTo(known, desired, context), affected, refused };
}

/** Port numbers of removed ports, also those that a terminated run has given them, and of which no directory entry says. */
function numbersOf(before: readonly DesiredPort[], removed: Desired['removed']): Pick<Desired, 'given'> {
  const given = before.flatMap(({ portId, vswitch, portNumber }) =>
    portNumber !== undefined && removed.some((port) => port.portId === portId) ? [{ vswitch, portNumber }] : [],
  );
  return given.length === 0 ? {} : { given };
}

function decideAbsent(change: Extract<Change, { kind: 'reconcile' }>, { guest, rules }: PlanningContext): Decision {
  const { desired, refused } = reconcileAbsent(change, guest, rules);
  const affected = desired.removed.map(({ portId }) => portId);
  return { accepted: true, desired, before: { ...desired, unrecorded: [], removed: [] }, affected, refused };
}

/** Of a guest that is not here, or nowhere, what is left can be taken away; nothing else can be done. */
function refuseAbsent({ kind }: Change, { guest, rules }: PlanningContext): Refusal[] {
  const { absence } = guest;
  if (absence === undefined || kind === 'reconcile') return [];
  const isOfMember = absence.kind === 'elsewhere' && absence.inCluster === true;
  if (kind === 'deletePort' && !isOfMember) return [];
  return [absenceRefusal(guest.userid, rules.host, absence)];
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
  ports: readonly DesiredPort[],
  before: readonly DesiredPort[],
  context: PlanningContext,
): Refusal[] {
  if (change.kind === 'wirePorts') return [];
  if (change.kind === 'reconcile') return refuseUnrepairable(ports, context);
  const { guest, vswitches } = context;
  const field = change.kind === 'attachNic' || change.kind === 'setPorts' ? 'ports' : 'network.segmentationId';
  const conflicts = newConflicts(ports, before, field, context);
  if (change.kind !== 'changeVlan') return conflicts;
  const port = ports.find((candidate) => candidate.portId === change.portId);
  const vswitch = vswitches.find((candidate) => candidate.name === port?.vswitch);
  if (vswitch?.portSelection !== 'USERBASED') return conflicts;
  const foreign = foreignNics(guest, ports).find((nic) => nic.vswitch !== undefined && nic.vswitch === vswitch.name);
  if (foreign === undefined) return conflicts;
  const reason = `NIC ${foreign.vdev} of ${guest.userid} on ${vswitch.name} is foreign and would change its VLAN, too`;
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
