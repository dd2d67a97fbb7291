import type { Change, KnownPort, PortRequest } from '../operations/requests.ts';
import type { Vdev } from '../port/vdev.ts';
import type { PortId } from '../text/identifiers.ts';

/** The ports that a change names. */
export function portsOfChange(change: Change): PortId[] {
  switch (change.kind) {
    case 'createPort':
      return [change.port.portId];
    case 'attachNic':
    case 'wirePorts':
    case 'restore':
      return change.ports.map((port: { portId: PortId }) => port.portId);
    case 'setPorts':
    case 'reconcile':
      return [...change.ports.map((port) => port.portId), ...(change.removed ?? [])];
    case 'detachNic':
      return change.portIds;
    case 'modernize':
    case 'probe':
    case 'migrate':
      return [];
    default:
      return [change.portId];
  }
}

/** True of a change that takes ports away and does nothing else. */
export function isRemoval(change: Change): boolean {
  switch (change.kind) {
    case 'deletePort':
      return true;
    case 'setPorts':
      return change.ports.length === 0;
    case 'restore':
      return change.ports.every(({ before }) => before === 'absent');
    default:
      return false;
  }
}

/** The vdevs that a change names. */
export function claimedVdevs(change: Change): { portId: PortId; vdev: Vdev }[] {
  if (!('ports' in change)) return [];
  if (change.kind === 'restore')
    return change.ports.flatMap(({ portId, before }) =>
      typeof before === 'string' || before.vdev === undefined ? [] : [{ portId, vdev: before.vdev }],
    );
  return change.ports.flatMap((port: PortRequest | KnownPort) =>
    'vdev' in port && port.vdev !== undefined ? [{ portId: port.portId, vdev: port.vdev }] : [],
  );
}
