import { log, proxyActivities } from '@temporalio/workflow';
import type { PortId } from '../domain/text/identifiers.ts';
import type { HostActivities, PortStatus, UnlimitedPort } from './host-activities.ts';

/** What Neutron was told; `failed` are the ports that it could not change, `unlimited` those that are up and that no QoS policy limits here. */
export type Told = { up: PortId[]; down: PortId[]; failed: PortId[]; unlimited: PortId[] };

/**
 * Tell Neutron of ports, as far as it has them otherwise: up when all about them is in order and they are to be up, down in any other case.
 * The activity is tried again while the server or the broker is away.
 */
export async function tellNeutron(
  host: string,
  statuses: readonly PortStatus[],
  inOrder: (status: PortStatus) => boolean,
): Promise<Told> {
  const told: Told = { up: [], down: [], failed: [], unlimited: [] };
  for (const [neutronHost, ofHost] of Map.groupBy(statuses, (status) => status.neutronHost)) {
    const up = ofHost.filter((status) => status.up && inOrder(status) && status.status !== 'ACTIVE');
    const down = ofHost.filter((status) => !(status.up && inOrder(status)) && status.status !== 'DOWN');
    if (up.length + down.length === 0) continue;
    const counts = [up.length > 0 ? `${up.length} up` : '', down.length > 0 ? `${down.length} down` : ''];
    const { reportPorts } = proxyActivities<HostActivities>({
      summary: `report to Neutron: ${counts.filter((text) => text !== '').join(', ')}`,
      startToCloseTimeout: '30 minutes',
      heartbeatTimeout: '10 seconds',
      retry: { initialInterval: '1 second', maximumInterval: '30 seconds', maximumAttempts: 60 },
    });
    const ids = { up: up.map((status) => status.portId), down: down.map((status) => status.portId) };
    const { failed } = await reportPorts({ host, neutronHost, ...ids });
    told.up.push(...ids.up);
    told.down.push(...ids.down);
    told.failed.push(...failed);
    for (const { portId, qosPolicy } of up) {
      if (qosPolicy === undefined) continue;
      warnUnlimited({ portId, qosPolicy });
      told.unlimited.push(portId);
    }
  }
  return told;
}

/** Warn, in the worker's log, of a port whose QoS policy limits nothing. */
export function warnUnlimited({ portId, qosPolicy }: UnlimitedPort): void {
  log.warn('the QoS policy of this port limits nothing: a VSWITCH enforces none', { port: portId, qosPolicy });
}
