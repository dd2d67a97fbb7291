import { confirmAdminState, looksDown } from '../drift/admin-state.ts';
import { foreignNics } from '../drift/foreign-nics.ts';
import { clearPorts } from '../drift/unclear-ports.ts';
import { absenceRefusal } from '../guest/absence.ts';
import { reconcileAbsent } from '../guest/absent-guest.ts';
import { claimedVdevs, portsOfChange } from '../guest/change-ports.ts';
import type { Desired, DesiredPort } from '../guest/desired.ts';
import type { GuestState, ReadablePort, RecordedPort } from '../guest/guest.ts';
import { keptAttributes } from '../guest/kept-attributes.ts';
import type { HostRules } from '../host/host.ts';
import type { Change, PortRequest } from '../operations/requests.ts';
import { recordedAddresses } from '../port/address-record.ts';
import { type Mac, macFromId } from '../port/mac.ts';
import { describeNetwork, sameNetwork } from '../port/port.ts';
import type { Vdev } from '../port/vdev.ts';
import type { PortId, VswitchName } from '../text/identifiers.ts';
import type { Network } from '../vswitch/network.ts';
import { refuseNetwork } from '../vswitch/vswitch-choice.ts';
import { conflictingVswitches } from './authorisation-plan.ts';
import { addPort, freeMac, portNumberOn, refuseMac } from './new-port.ts';
import type { PlanningContext } from './planning-context.ts';
import { type Refusal, type RefusedPort, refusal } from './refusal.ts';
import { attainable } from './unattainable.ts';
import { refuseStuck, refuseUnclear, repairedRow } from './unclear-refusals.ts';

/** What a change comes to: the state to reach, and the state to go back to when it cannot be reached. */
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
  const refusals: Refusal[] = [...refuseAbsent(change, context), ...refuseUnclear(change, context)];
  if (refusals.length > 0) return { accepted: false, refusals };
  const refused: RefusedPort[] = [];
  const before = recordedPorts(context, leftDown(change, context, refused));
  const repaired = portsOf([repairedRow(change, context) ?? []].flat(), context, before);
  const wanted = portsAfter(change, [...before, ...repaired], context, refusals, refused);
  const { ports, ...hindered } = attainable(change, wanted, context);
  refusals.push(...hindered.refusals);
  refused.push(...hindered.refused);
  const removed = removedBy(change).map((portId) => ({ portId, keepRow: false }));
  const desired: Desired = {
    ports,
    removed,
    ...(change.kind === 'reconcile' ? { unrecorded: change.unrecorded } : {}),
    keepAuthorised: [],
    leaving: [...leftBy(ports, context.guest), ...leftBefore(change)],
    kept: keptAttributes(context.guest, context.vswitches),
    ...numbersOf(before, removed),
  };
  if (refusals.length === 0) refusals.push(...refuseConflicts(change, ports, before, context));
  refusals.push(...refuseStuck(change, desired, context, refused));
  if (refusals.length > 0) return { accepted: false, refusals };
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
  if (guest.absence === undefined || kind === 'deletePort' || kind === 'reconcile') return [];
  return [absenceRefusal(guest.userid, rules.host, guest.absence)];
}

/**
 * The guest's wired ports as they are recorded. Rows that nobody has wired yet, or can read, are not among them, nor are those of a guest that
 * is not here.
 */
export function recordedPorts(context: PlanningContext, except: ReadonlySet<PortId> = new Set()): DesiredPort[] {
  const rows = clearPorts(context.guest, context.vswitches).filter(({ portId }) => !except.has(portId));
  return portsOf(rows, context, []);
}

/** Ports as rows have them, without `others`, beside which they stand. */
function portsOf(
  rows: readonly ReadablePort[],
  context: PlanningContext,
  others: readonly DesiredPort[],
): DesiredPort[] {
  const { guest, rules } = context;
  if (guest.absence !== undefined) return [];
  const { userid } = guest;
  const ports: DesiredPort[] = [];
  for (const row of rows) {
    const { portId, vdev, vswitch, network, adminStateUp } = row;
    if (vdev === undefined || vswitch === undefined) continue;
    if (refuseAdoption(row, context).length > 0) continue;
    const beside = [...others, ...ports];
    const mac = row.mac ?? macOfDirectory(row, guest, rules) ?? newMac(row, beside, context);
    const numbered = portNumberOn(vswitch, { portId, vdev }, '', beside, context, []);
    const { address, hostname } = recordedAddresses(guest).find((entry) => entry.vdev === vdev) ?? {};
    ports.push({
      portId,
      userid,
      node: row.node ?? guest.node,
      vswitch,
      network,
      ...(mac === undefined ? {} : { mac }),
      vdev,
      adminStateUp,
      live: 'asIs',
      ...(address === undefined ? {} : { address }),
      ...(hostname === undefined ? {} : { hostname }),
      ...numbered,
    });
  }
  return ports;
}

/**
 * Ports that z/VM has as if they were administratively down, though their rows do not say so: no operation brings them up that does not
 * name them, and reconciliation, which knows the host, none that an operator has to confirm.
 */
function leftDown(change: Change, { guest, vswitches }: PlanningContext, refused: RefusedPort[]): Set<PortId> {
  const named = new Set(portsOfChange(change));
  const toConfirm =
    change.kind === 'reconcile' && change.toConfirm !== undefined ? new Set(change.toConfirm) : undefined;
  const rows = clearPorts(guest, vswitches).filter(
    (row) => !named.has(row.portId) && (toConfirm?.has(row.portId) ?? true) && looksDown(row, guest),
  );
  if (change.kind === 'reconcile')
    for (const row of rows) refused.push({ portId: row.portId, refusals: [confirmAdminState(guest.userid, row)] });
  return new Set(rows.map(({ portId }) => portId));
}

/** Why a port that has come from another host cannot be had on this one: it stays as it is until it is made here with other values. */
function refuseAdoption({ recordedFor, vswitch, network }: ReadablePort, context: PlanningContext): Refusal[] {
  return recordedFor === undefined || vswitch === undefined ? [] : refuseNetwork(vswitch, network, '', context);
}

// Nova's `mac` row keeps only the last NIC of a node (contract xcat.md 2.5); the directory has the others.
function macOfDirectory(row: RecordedPort, guest: GuestState, rules: HostRules): Mac | undefined {
  const nic = guest.directory.find((candidate) => candidate.vdev === row.vdev);
  return nic?.macId === undefined ? undefined : macFromId(rules.macPrefix, nic.macId);
}

function refusedAdoptions(except: readonly PortId[], context: PlanningContext): RefusedPort[] {
  return clearPorts(context.guest, context.vswitches)
    .filter(({ portId }) => !except.includes(portId))
    .map((row) => ({ portId: row.portId, refusals: refuseAdoption(row, context) }))
    .filter(({ refusals }) => refusals.length > 0);
}

/** A NIC that is there without an address of its own keeps the one that CP gives it; one that is nowhere gets an address. */
function newMac(
  { portId, vdev }: RecordedPort,
  ports: readonly DesiredPort[],
  context: PlanningContext,
): Mac | undefined {
  const { directory, live } = context.guest;
  return [...directory, ...live].some((nic) => nic.vdev === vdev) ? undefined : freeMac(portId, ports, context);
}

function portsAfter(
  change: Change,
  before: DesiredPort[],
  context: PlanningContext,
  refusals: Refusal[],
  refused: RefusedPort[],
): DesiredPort[] {
  switch (change.kind) {
    case 'createPort':
      return addPort(change.port, 'asIs', '', before, context, refusals);
    case 'attachNic':
      return change.ports.reduce(
        (ports, port, index) =>
          'vswitch' in port
            ? addPort(port, 'present', `ports.${index}.`, ports, context, refusals)
            : changeOne(port.portId, `ports.${index}.portId`, ports, { live: 'present' }, refusals),
        before,
      );
    case 'changeVlan':
      return changeNetwork(change, before, context, refusals);
    case 'setAdminState':
      return changeOne(change.portId, 'portId', before, { adminStateUp: change.adminStateUp }, refusals);
    case 'detachNic':
      return change.portIds.reduce(
        (ports, portId, index) => changeOne(portId, `portIds.${index}`, ports, { live: 'absent' }, refusals),
        before,
      );
    case 'deletePort':
      return before.filter((port) => port.portId !== change.portId);
    case 'reconcile': {
      refused.push(...refusedAdoptions(portsOfChange(change), context));
      const gone = new Set<string>(removedBy(change));
      const left = before.filter((port) => !gone.has(port.portId));
      return setWhatCanBe(change.ports, left, context, refused);
    }
    case 'setPorts':
      return change.ports.reduce(
        (ports, port, index) => setPort(port, change.live, `ports.${index}.`, ports, context, refusals),
        before,
      );
    case 'wirePorts':
      return change.ports.reduce((ports, port) => wirePort(port, change.live, ports, context, refused), before);
  }
}

/** A port as it is given: created, or changed where it differs. */
function setPort(
  request: PortRequest,
  live: boolean,
  at: string,
  ports: DesiredPort[],
  context: PlanningContext,
  refusals: Refusal[],
): DesiredPort[] {
  const { portId, network, vswitch, adminStateUp, address, hostname } = request;
  const liveness = live ? 'present' : 'asIs';
  if (!ports.some((port) => port.portId === portId)) return addPort(request, liveness, at, ports, context, refusals);
  const moved = changeMac(
    request,
    changeNetwork({ portId, network, vswitch }, ports, context, refusals, at),
    at,
    context,
    refusals,
  );
  const values = {
    adminStateUp,
    live: liveness,
    ...(address === undefined ? {} : { address }),
    ...(hostname === undefined ? {} : { hostname }),
  } as const;
  return moved.map((port) => (port.portId === portId ? { ...port, ...values } : port));
}

/**
 * Ports as they are given, each for itself: what cannot be had is left as it was, but down when it would have to be on another network.
 * Ports that cannot be right together on a user-based VSWITCH give way to those that are there and not asked for, else to the first.
 */
function setWhatCanBe(
  requests: readonly PortRequest[],
  before: DesiredPort[],
  context: PlanningContext,
  refused: RefusedPort[],
): DesiredPort[] {
  const set = (chosen: readonly PortRequest[], found: RefusedPort[]) =>
    chosen.reduce((ports, request) => {
      const refusals: Refusal[] = [];
      const after = setPort(request, true, '', ports, context, refusals);
      if (refusals.length === 0) return after;
      found.push({ portId: request.portId, refusals });
      return ports;
    }, before);
  let chosen = [...requests];
  for (let round = 0; ; round += 1) {
    const found: RefusedPort[] = [];
    const after = set(chosen, found);
    const conflicts = newConflicts(after, before, 'network.segmentationId', context);
    const names = conflictingVswitches(after, context.vswitches);
    const losers = conflicts.length === 0 ? [] : losersOn(names, chosen, after, round > 0);
    if (losers.length === 0) {
      refused.push(...found);
      return after.map((port) => (isElsewhere(port, requests, refused) ? { ...port, adminStateUp: false } : port));
    }
    refused.push(...losers.map(({ portId }) => ({ portId, refusals: conflicts })));
    chosen = chosen.filter((request) => !losers.includes(request));
  }
}

/** True for a port that has to leave its network and cannot: the VLAN that it is on may be somebody else's by now. */
function isElsewhere(port: DesiredPort, requests: readonly PortRequest[], refused: readonly RefusedPort[]): boolean {
  const wanted = requests.find(({ portId }) => portId === port.portId);
  return (
    wanted !== undefined &&
    refused.some(({ portId }) => portId === port.portId) &&
    (wanted.vswitch !== port.vswitch || !sameNetwork(wanted.network, port.network))
  );
}

/** Requests that differ from the port that stays as it is, or from the first; all of them when that was not enough. */
function losersOn(
  names: readonly VswitchName[],
  requests: readonly PortRequest[],
  ports: readonly DesiredPort[],
  all: boolean,
): PortRequest[] {
  return names.flatMap((name) => {
    const asked = requests.filter((request) => request.vswitch === name);
    const fixed = ports.find((port) => port.vswitch === name && !asked.some(({ portId }) => portId === port.portId));
    const winner = fixed?.network ?? asked[0]?.network;
    const different = asked.filter(({ network }) => winner !== undefined && !sameNetwork(network, winner));
    return all || different.length === 0 ? asked : different;
  });
}

/** Ports of a bulk change stand each for itself: one that cannot be had is left out. */
function wirePort(
  request: PortRequest,
  live: boolean,
  ports: DesiredPort[],
  context: PlanningContext,
  refused: RefusedPort[],
): DesiredPort[] {
  const refusals: Refusal[] = [];
  const after = addPort(request, live ? 'present' : 'asIs', '', ports, context, refusals);
  refusals.push(...newConflicts(after, ports, 'network.segmentationId', context));
  if (refusals.length === 0) return after;
  refused.push({ portId: request.portId, refusals });
  return ports;
}

function changeOne(
  portId: PortId,
  field: string,
  ports: DesiredPort[],
  values: Partial<DesiredPort>,
  refusals: Refusal[],
): DesiredPort[] {
  if (!ports.some((port) => port.portId === portId)) {
    refusals.push(
      refusal(
        field,
        `port ${portId} is not recorded for this guest`,
        'create it with createPort, or check host and userid',
      ),
    );
    return ports;
  }
  return ports.map((port) => (port.portId === portId ? { ...port, ...values } : port));
}

function changeNetwork(
  { portId, network, vswitch }: { portId: PortId; network: Network; vswitch?: VswitchName | undefined },
  ports: DesiredPort[],
  context: PlanningContext,
  refusals: Refusal[],
  at = '',
): DesiredPort[] {
  const port = ports.find((candidate) => candidate.portId === portId);
  if (port === undefined) return changeOne(portId, 'portId', ports, {}, refusals);
  const to = vswitch ?? port.vswitch;
  refusals.push(...refuseNetwork(to, network, at, context));
  const { portNumber: _old, ...kept } = port;
  const moved = {
    ...kept,
    vswitch: to,
    network,
    ...portNumberOn(to, { portId, vdev: port.vdev }, at, ports, context, refusals),
  };
  return ports.map((candidate) => (candidate === port ? moved : candidate));
}

function changeMac(
  { portId, mac }: PortRequest,
  ports: DesiredPort[],
  at: string,
  context: PlanningContext,
  refusals: Refusal[],
): DesiredPort[] {
  const port = ports.find((candidate) => candidate.portId === portId);
  if (port === undefined || mac === undefined || port.mac === mac) return ports;
  refusals.push(...refuseMac(mac, port, at, ports, context));
  return ports.map((candidate) => (candidate === port ? { ...port, mac } : candidate));
}

function removedBy(change: Change): PortId[] {
  if (change.kind === 'deletePort') return [change.portId];
  return change.kind === 'reconcile' ? (change.removed ?? []) : [];
}

/** VSWITCHes that ports left before anybody looked. */
function leftBefore(change: Change): VswitchName[] {
  return change.kind === 'reconcile' ? [...change.left, ...change.unrecorded.map((nic) => nic.vswitch)] : [];
}

/** What no plan can make right, since the record itself is not. */
function refuseUnrepairable(ports: readonly DesiredPort[], { vswitches, guest }: PlanningContext): Refusal[] {
  const missing = [...new Set(ports.map((port) => port.vswitch))]
    .filter((name) => !vswitches.some((vswitch) => vswitch.name === name))
    .map((name) => refusal('vswitch', `VSWITCH ${name} of a port is not defined`, 'define it, or move the port'));
  const conflicts = conflictingVswitches(ports, vswitches).map((name) => {
    const reason = `ports of ${guest.userid} on ${name}, which is user-based, are recorded with different VLANs`;
    return refusal('network', reason, 'change one of them');
  });
  return [...missing, ...conflicts];
}

/** VSWITCHes that recorded ports move away from. */
function leftBy(ports: readonly DesiredPort[], guest: GuestState): VswitchName[] {
  const left = ports.flatMap((port) => {
    const row = guest.recorded.find((candidate) => candidate.portId === port.portId);
    return row?.vswitch === undefined || row.vswitch === port.vswitch ? [] : [row.vswitch];
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
  const reason = `NIC ${foreign.vdev} of ${guest.userid} on ${vswitch.name} is not managed here and would change its VLAN too`;
  return [...conflicts, refusal('network', reason, 'move that NIC first, or use another VSWITCH')];
}

function newConflicts(
  ports: readonly DesiredPort[],
  before: readonly DesiredPort[],
  field: string,
  { guest, vswitches }: PlanningContext,
): Refusal[] {
  const conflictsBefore = new Set(conflictingVswitches(before, vswitches));
  return conflictingVswitches(ports, vswitches)
    .filter((name) => !conflictsBefore.has(name))
    .map((name) => {
      const networks = ports
        .filter((port) => port.vswitch === name)
        .map((port) => `${port.portId}: ${describeNetwork(port.network)}`);
      const reason = `VSWITCH ${name} is user-based: all NICs of ${guest.userid} on it share one VLAN set, but its ports ask for different ones (${networks.join('; ')})`;
      return refusal(field, reason, 'use a port-based VSWITCH, a trunk port, or another VSWITCH for this port');
    });
}

/** The way back: ports as they were recorded and as live as they were; what the change would add is removed. */
function backTo(before: readonly DesiredPort[], desired: Desired, { guest, vswitches }: PlanningContext): Desired {
  const known = new Set(before.map((port) => port.portId));
  const rows = new Set(guest.recorded.map((row) => row.portId));
  const usedByOurs = new Set<string>(guest.recorded.flatMap((row) => row.vswitch ?? []));
  const isUnreadable = (portId: PortId) =>
    guest.recorded.some((row) => row.portId === portId && row.unreadable !== undefined);
  const isLive = (vdev: Vdev) => guest.live.some((nic) => nic.vdev === vdev);
  return {
    ports: before.map((port) => ({ ...port, live: isLive(port.vdev) ? 'present' : 'absent' })),
    // A port that could not be read before has no state to go back to: it is left where it is.
    removed: desired.ports
      .filter((port) => !known.has(port.portId) && !isUnreadable(port.portId))
      .map(({ portId }) => ({ portId, keepRow: rows.has(portId) })),
    keepAuthorised: vswitches
      .filter((vswitch) => vswitch.authorisations.some((entry) => entry.userid === guest.userid))
      .map((vswitch) => vswitch.name)
      .filter((name) => !usedByOurs.has(name)),
    leaving: [...new Set(desired.ports.map((port) => port.vswitch))].filter((name) => !usedByOurs.has(name)),
    ...(desired.kept === undefined ? {} : { kept: desired.kept }),
  };
}
