import { defined } from '../defined.ts';
import { type GivenAnew, stuckPorts, unclearBecause } from '../drift/unclear-ports.ts';
import { portsOfChange } from '../guest/change-ports.ts';
import type { Desired } from '../guest/desired.ts';
import type { PortField, ReadablePort, RecordedPort } from '../guest/guest.ts';
import type { Change, PortRequest } from '../operations/requests.ts';
import type { PortId } from '../text/identifiers.ts';
import type { PlanningContext } from './planning-context.ts';
import { type Refusal, type RefusedPort, refusal } from './refusal.ts';

type GuestContext = Pick<PlanningContext, 'guest' | 'vswitches'>;

const ADVICE = 'set the network of the port by changeVlan, correct its record, or delete the port';

/** Refusals of a change that names recorded ports by id alone, and does not give anew what nobody can read of them. */
export function refuseUnclear(change: Change, { guest, vswitches }: GuestContext): Refusal[] {
  return namedById(change).flatMap(({ portId, field }) => {
    const port = guest.recorded.find((candidate) => candidate.portId === portId);
    const reason = port === undefined ? undefined : unclearBecause(port, guest, vswitches, givenBy(change));
    return reason === undefined ? [] : [refusal(field, leftAsItIs(portId, reason), ADVICE)];
  });
}

/** The record of a port that a change makes readable again, with what it gives anew. */
export function repairedPort(change: Change, { guest, vswitches }: GuestContext): ReadablePort | undefined {
  if (change.kind !== 'changeVlan' && change.kind !== 'setAdminState') return undefined;
  const port = guest.recorded.find((candidate) => candidate.portId === change.portId);
  if (port === undefined || unclearBecause(port, guest, vswitches) === undefined) return undefined;
  const { unreadable: _unreadable, network, ...readable } = port;
  if (change.kind === 'changeVlan')
    return { ...readable, network: change.network, ...defined({ vswitch: change.vswitch }) };
  return network.type === 'unreadable' ? undefined : { ...readable, network, adminStateUp: change.adminStateUp };
}

/** Refusals of a port that is given whole, when its NIC cannot be told from what is recorded and given. */
export function refuseUnreadable(
  request: PortRequest,
  port: RecordedPort | undefined,
  at: string,
  { guest, vswitches }: GuestContext,
): Refusal[] {
  const fields: PortField[] = ['vswitch', 'network', 'adminStateUp'];
  if (request.vdev !== undefined) fields.push('vdev');
  if (request.mac !== undefined) fields.push('mac');
  const anew = { fields, authorisation: true };
  const reason = port === undefined ? undefined : unclearBecause(port, guest, vswitches, anew);
  if (reason === undefined) return [];
  const advice = 'give vdev and mac too, correct the record, or delete the port';
  return [refusal(`${at}portId`, leftAsItIs(request.portId, reason), advice)];
}

/**
 * Refusals of ports whose authorisation would reach a port that nobody can read: ports of a bulk change are left out, another
 * change is refused that names one. Others stay as they are.
 */
export function refuseStuck(
  change: Change,
  { ports, removed }: Desired,
  { guest, vswitches }: GuestContext,
): { refusals: Refusal[]; refused: RefusedPort[] } {
  const stuck = stuckPorts(ports, removed, guest, vswitches);
  const advice = 'correct the record of that port first, or use another VSWITCH';
  if (change.kind === 'reconcile' || change.kind === 'wirePorts') {
    const refused = stuck.map(({ port: { portId }, reason }) => ({
      portId,
      refusals: [refusal('network', reason, advice)],
    }));
    return { refusals: [], refused };
  }
  const named = new Set<string>(portsOfChange(change));
  const field = change.kind === 'changeVlan' ? 'network' : 'vswitch';
  const own = stuck.filter(({ port }) => named.has(port.portId));
  return { refusals: own.map(({ reason }) => refusal(field, reason, advice)), refused: [] };
}

function namedById(change: Change): { portId: PortId; field: string }[] {
  switch (change.kind) {
    case 'changeVlan':
    case 'setAdminState':
      return [{ portId: change.portId, field: 'portId' }];
    case 'detachNic':
      return change.portIds.map((portId, index) => ({ portId, field: `portIds.${index}` }));
    case 'attachNic':
      return change.ports.flatMap((port, index) =>
        'vswitch' in port ? [] : [{ portId: port.portId, field: `ports.${index}.portId` }],
      );
    default:
      return [];
  }
}

function givenBy(change: Change): GivenAnew {
  if (change.kind === 'setAdminState') return { fields: ['adminStateUp'], authorisation: false };
  if (change.kind !== 'changeVlan') return { fields: [], authorisation: false };
  return { fields: change.vswitch === undefined ? ['network'] : ['network', 'vswitch'], authorisation: true };
}

function leftAsItIs(portId: PortId, reason: string): string {
  return `port ${portId} stays unchanged: ${reason}`;
}
