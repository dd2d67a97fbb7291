import { defined } from '../defined.ts';
import { portsOfChange } from '../guest/change-ports.ts';
import type { Desired, DesiredPort } from '../guest/desired.ts';
import { directoryAuthorizes } from '../host/host-capabilities.ts';
import type { Change, KnownPort, PortRequest, RestoredPort } from '../operations/requests.ts';
import { describeNetwork, sameNetwork } from '../port/port.ts';
import type { PortId, VswitchName } from '../text/identifiers.ts';
import type { Network } from '../vswitch/network.ts';
import { refuseNetwork } from '../vswitch/vswitch-choice.ts';
import { conflictingVswitches } from './authorisation-plan.ts';
import { MODERNIZE } from './grant-conflicts.ts';
import { addPort, authorisedPort, type PortsAfter, refuseMac } from './new-port.ts';
import type { PlanningContext } from './planning-context.ts';
import { refusedAdoptions } from './recorded-ports.ts';
import { type Refusal, type RefusedPort, refusal } from './refusal.ts';
import type { Attainable } from './unattainable.ts';

/** The guest's ports after a change, why the change is refused, and what is refused of a bulk change. */
export function portsAfter(change: Change, before: DesiredPort[], context: PlanningContext): Attainable {
  switch (change.kind) {
    case 'wirePorts':
      return {
        ...eachForItself(change.ports, before, (port, ports) => wirePort(port, change.live, ports, context)),
        refusals: [],
      };
    case 'reconcile': {
      const gone = new Set<string>(change.removed);
      const left = before.filter((port) => !gone.has(port.portId));
      const { ports, refused } = setWhatCanBe(change.ports, left, context);
      return { ports, refusals: [], refused: [...refusedAdoptions(portsOfChange(change), context), ...refused] };
    }
    default:
      return { ...portsOfOperation(change, before, context), refused: [] };
  }
}

function portsOfOperation(
  change: Exclude<Change, { kind: 'wirePorts' | 'reconcile' }>,
  before: DesiredPort[],
  context: PlanningContext,
): PortsAfter {
  switch (change.kind) {
    case 'createPort':
      return addPort(change.port, 'asIs', '', before, context);
    case 'attachNic':
      return inTurn<PortRequest | KnownPort>(change.ports, before, (port, ports, index) =>
        'vswitch' in port
          ? addPort(port, 'present', `ports.${index}.`, ports, context)
          : changeOne(port.portId, `ports.${index}.portId`, ports, { live: 'present' }),
      );
    case 'changeVlan':
      return changeNetwork(change, before, context);
    case 'setAdminState':
      return changeOne(change.portId, 'portId', before, { adminStateUp: change.adminStateUp });
    case 'detachNic':
      return inTurn(change.portIds, before, (portId, ports, index) =>
        changeOne(portId, `portIds.${index}`, ports, { live: 'absent' }),
      );
    case 'modernize':
      return { ports: before, refusals: [] };
    case 'deletePort':
      return { ports: before.filter((port) => port.portId !== change.portId), refusals: [] };
    case 'setPorts': {
      const gone = new Set<string>(change.removed);
      const left = before.filter(({ portId }) => !gone.has(portId));
      return inTurn(change.ports, left, (port, ports, index) =>
        setPort(port, change.live, `ports.${index}.`, ports, context),
      );
    }
    case 'restore':
      return restoredPorts(change.ports, before, context);
    case 'probe':
    case 'migrate':
      return { ports: before, refusals: [] };
  }
}

/** Ports as they were before an operation. One that has another NIC since cannot get its former one. */
function restoredPorts(
  restored: readonly RestoredPort[],
  before: readonly DesiredPort[],
  context: PlanningContext,
): PortsAfter {
  const back = new Set<string>(restored.flatMap((port) => (typeof port.before === 'string' ? [] : port.portId)));
  const gone = new Set<string>(restored.flatMap(({ portId }) => (back.has(portId) ? [] : portId)));
  const left = before.filter(({ portId }) => !gone.has(portId));
  return inTurn(restored, left, ({ portId, before: then }, ports, index) => {
    if (then === 'unwired') return { ports, refusals: refuseUnrecorded(portId, `ports.${index}.`, context) };
    if (then === 'absent') return { ports, refusals: [] };
    const { live = 'asIs', ...former } = then;
    const at = `ports.${index}.before.`;
    const own = ports.find((port) => port.portId === portId);
    if (own === undefined) return addPort({ portId, ...former }, live, at, ports, context);
    if (former.vdev !== undefined && former.vdev !== own.vdev)
      return { ports, refusals: [refuseOtherNic(portId, own.vdev, `${at}vdev`)] };
    const set = setPort({ portId, ...former }, false, at, ports, context);
    const asItWas = ({ address: _address, hostname: _hostname, ...port }: DesiredPort): DesiredPort => ({
      ...port,
      ...defined({ address: former.address, hostname: former.hostname }),
      live,
    });
    return { ...set, ports: set.ports.map((port) => (port.portId === portId ? asItWas(port) : port)) };
  });
}

function refuseUnrecorded(portId: PortId, at: string, { guest }: PlanningContext): Refusal[] {
  if (guest.recorded.some((port) => port.portId === portId)) return [];
  const reason = `port ${portId} was recorded by another program before the operation, without a NIC, and is not recorded any more`;
  return [refusal(`${at}portId`, reason, 'have that program record it again')];
}

function refuseOtherNic(portId: PortId, vdev: string, field: string): Refusal {
  const reason = `port ${portId} has been made anew since, with NIC ${vdev}`;
  return refusal(field, reason, 'delete the port first, then undo the operation again');
}

/** The parts of a change one after the other: all of them stand or fall together. */
function inTurn<Part>(
  parts: readonly Part[],
  before: DesiredPort[],
  carryOut: (part: Part, ports: DesiredPort[], index: number) => PortsAfter,
): PortsAfter {
  return parts.reduce<PortsAfter>(
    (so, part, index) => {
      const { ports, refusals } = carryOut(part, so.ports, index);
      return { ports, refusals: [...so.refusals, ...refusals] };
    },
    { ports: before, refusals: [] },
  );
}

type EachForItself = { ports: DesiredPort[]; refused: RefusedPort[] };

/** The ports of a bulk change one after the other: one that cannot be had is left as it was. */
function eachForItself(
  requests: readonly PortRequest[],
  before: DesiredPort[],
  carryOut: (request: PortRequest, ports: DesiredPort[]) => PortsAfter,
): EachForItself {
  return requests.reduce<EachForItself>(
    ({ ports, refused }, request) => {
      const after = carryOut(request, ports);
      if (after.refusals.length === 0) return { ports: after.ports, refused };
      return { ports, refused: [...refused, { portId: request.portId, refusals: after.refusals }] };
    },
    { ports: before, refused: [] },
  );
}

/** A port as it is given: created, or changed where it differs. */
function setPort(
  request: PortRequest,
  live: boolean,
  at: string,
  ports: DesiredPort[],
  context: PlanningContext,
): PortsAfter {
  const { portId, network, vswitch, mac, adminStateUp, address, hostname } = request;
  const liveness = live ? 'present' : 'asIs';
  const own = ports.find((port) => port.portId === portId);
  if (own === undefined) return addPort(request, liveness, at, ports, context);
  const moved = changeNetwork({ portId, network, vswitch }, ports, context, at);
  const taken = mac === undefined || mac === own.mac ? [] : refuseMac(mac, own, at, moved.ports, context);
  const values = defined({ mac, adminStateUp, live: liveness, address, hostname });
  return {
    ports: moved.ports.map((port) => (port.portId === portId ? { ...port, ...values } : port)),
    refusals: [...moved.refusals, ...taken],
  };
}

/**
 * Ports as they are given, each for itself: what cannot be had is left as it was, but down when it would have to be on another network.
 * Ports that cannot be right together on a user-based VSWITCH give way to those that are there and not asked for, else to the first.
 */
function setWhatCanBe(
  requests: readonly PortRequest[],
  before: DesiredPort[],
  context: PlanningContext,
): EachForItself {
  let chosen = [...requests];
  let lost: RefusedPort[] = [];
  for (let round = 0; ; round += 1) {
    const after = eachForItself(chosen, before, (request, ports) => setPort(request, true, '', ports, context));
    const conflicts = newConflicts(after.ports, before, 'network.segmentationId', context);
    const names = conflictingVswitches(after.ports, context.vswitches);
    const losers = conflicts.length === 0 ? [] : losersOn(names, chosen, after.ports, round > 0);
    const refused = [...lost, ...after.refused];
    if (losers.length === 0) return { ports: after.ports.map(downElsewhere(requests, refused)), refused };
    lost = [...lost, ...losers.map(({ portId }) => ({ portId, refusals: conflicts }))];
    chosen = chosen.filter((request) => !losers.includes(request));
  }
}

/** A port that has to leave its network and cannot goes down: the VLAN that it is on may be somebody else's by now. */
function downElsewhere(requests: readonly PortRequest[], refused: readonly RefusedPort[]) {
  return (port: DesiredPort): DesiredPort => {
    const wanted = requests.find(({ portId }) => portId === port.portId);
    if (wanted === undefined || !refused.some(({ portId }) => portId === port.portId)) return port;
    const isThere = wanted.vswitch === port.vswitch && sameNetwork(wanted.network, port.network);
    return isThere ? port : { ...port, adminStateUp: false };
  };
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

function wirePort(request: PortRequest, live: boolean, ports: DesiredPort[], context: PlanningContext): PortsAfter {
  const after = addPort(request, live ? 'present' : 'asIs', '', ports, context);
  const conflicts = newConflicts(after.ports, ports, 'network.segmentationId', context);
  return { ports: after.ports, refusals: [...after.refusals, ...conflicts] };
}

function changeOne(portId: PortId, field: string, ports: DesiredPort[], values: Partial<DesiredPort>): PortsAfter {
  if (ports.some((port) => port.portId === portId))
    return { ports: ports.map((port) => (port.portId === portId ? { ...port, ...values } : port)), refusals: [] };
  const advice = 'create it with createPort, or check host and userid';
  return { ports, refusals: [refusal(field, `port ${portId} is not recorded for this guest`, advice)] };
}

function changeNetwork(
  { portId, network, vswitch }: { portId: PortId; network: Network; vswitch?: VswitchName | undefined },
  ports: DesiredPort[],
  context: PlanningContext,
  at = '',
): PortsAfter {
  const port = ports.find((candidate) => candidate.portId === portId);
  if (port === undefined) return changeOne(portId, 'portId', ports, {});
  const to = vswitch ?? port.vswitch;
  const { port: moved, refusals } = authorisedPort({ ...port, vswitch: to, network }, at, ports, context);
  return {
    ports: ports.map((candidate) => (candidate === port ? moved : candidate)),
    refusals: [...refuseNetwork(to, network, at, context), ...refusals],
  };
}

/** Ports that a change removes. */
export function removedBy(change: Change): Desired['removed'] {
  switch (change.kind) {
    case 'deletePort':
      return [{ portId: change.portId, unwired: false }];
    case 'setPorts':
    case 'reconcile':
      return (change.removed ?? []).map((portId) => ({ portId, unwired: false }));
    case 'restore':
      return change.ports.flatMap(({ portId, before }) =>
        typeof before === 'string' ? [{ portId, unwired: before === 'unwired' }] : [],
      );
    default:
      return [];
  }
}

/** Refusals of VSWITCHes on which a change puts ports that cannot be right together. */
export function newConflicts(
  ports: readonly DesiredPort[],
  before: readonly DesiredPort[],
  field: string,
  { guest, vswitches, capabilities }: PlanningContext,
): Refusal[] {
  const advice = directoryAuthorizes(capabilities)
    ? MODERNIZE
    : 'use a port-based VSWITCH, a trunk port, or another VSWITCH for this port';
  const conflictsBefore = new Set(conflictingVswitches(before, vswitches));
  return conflictingVswitches(ports, vswitches)
    .filter((name) => !conflictsBefore.has(name))
    .map((name) => {
      const networks = ports
        .filter((port) => port.vswitch === name && port.authorization === undefined)
        .map((port) => `${port.portId}: ${describeNetwork(port.network)}`);
      const reason = `VSWITCH ${name} is user-based: all NICs of ${guest.userid} on it share one VLAN set, but its ports need different ones (${networks.join('; ')})`;
      return refusal(field, reason, advice);
    });
}
