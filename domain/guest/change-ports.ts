import type { Change, KnownPort, PortRequest } from '../operations/requests.ts';
import type { Vdev } from '../port/vdev.ts';
import type { PortId } from '../text/identifiers.ts';

/** The ports that a change names. */
export function portsOfChange(change: Change): PortId[] {
  switch (change.kind) {
    case 'createPort':
      return [change.port.portId];
    case 'attachNic':
    case 'setPorts':
    case 'wirePorts':
      return change.ports.map((port: PortRequest | KnownPort) => port.portId);
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

/** The vdevs that a change names. */
export function claimedVdevs(change: Change): { portId: PortId; vdev: Vdev }[] {
  if (!('ports' in change)) return [];
  return change.ports.flatMap((port: PortRequest | KnownPort) =>
    'vdev' in port && port.vdev !== undefined ? [{ portId: port.portId, vdev: port.vdev }] : [],
  );
}
