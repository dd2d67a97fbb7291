import { defined } from '../defined.ts';
import { portsOfChange } from '../guest/change-ports.ts';
import type { DesiredPort } from '../guest/desired.ts';
import type { Change, PortRequest } from '../operations/requests.ts';
import { describeNetwork, sameNetwork } from '../port/port.ts';
import type { PortId, VswitchName } from '../text/identifiers.ts';
import type { Network } from '../vswitch/network.ts';
import { refuseNetwork } from '../vswitch/vswitch-choice.ts';
import { conflictingVswitches } from './authorisation-plan.ts';
import { addPort, portNumberOn, refuseMac } from './new-port.ts';
import type { PlanningContext } from './planning-context.ts';
import { refusedAdoptions } from './recorded-ports.ts';
import { type Refusal, type RefusedPort, refusal } from './refusal.ts';

/** The guest's ports after a change. Refusals of the change go to `refusals`, those of single ports of a bulk change to `refused`. */
export function portsAfter(
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
    ...defined({ address, hostname }),
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

/** Ports that a change removes. */
export function removedBy(change: Change): PortId[] {
  if (change.kind === 'deletePort') return [change.portId];
  return change.kind === 'reconcile' ? (change.removed ?? []) : [];
}

/** Refusals of VSWITCHes on which a change puts ports that cannot be right together. */
export function newConflicts(
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
      const reason = `VSWITCH ${name} is user-based: all NICs of ${guest.userid} on it share one VLAN set, but its ports need different ones (${networks.join('; ')})`;
      return refusal(field, reason, 'use a port-based VSWITCH, a trunk port, or another VSWITCH for this port');
    });
}
