import { log, proxyActivities } from '@temporalio/workflow';
import type { PortId } from '../domain/text/identifiers.ts';
import type { HostActivities, PortStatus, UnlimitedPort } from './host-activities.ts';

/** Ports by the status reported; `failed` are those that Neutron could not change, `unlimited` those up whose QoS policy limits nothing here. */
export type StatusReport = { up: PortId[]; down: PortId[]; failed: PortId[]; unlimited: PortId[] };

/**
 * Report to Neutron each port whose status there differs: up when the port is in order and is to be up, else down. The activity is retried while
 * the server or the broker is away.
 */
export async function reportStatuses(
  host: string,
  statuses: readonly PortStatus[],
  inOrder: (status: PortStatus) => boolean,
): Promise<StatusReport> {
  const report: StatusReport = { up: [], down: [], failed: [], unlimited: [] };
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
    report.up.push(...ids.up);
    report.down.push(...ids.down);
    report.failed.push(...failed);
    for (const { portId, qosPolicy } of up) {
      if (qosPolicy === undefined) continue;
      warnUnlimited({ portId, qosPolicy });
      report.unlimited.push(portId);
    }
  }
  return report;
}

/** Warn, in the worker's log, of a port whose QoS policy limits nothing. */
export function warnUnlimited({ portId, qosPolicy }: UnlimitedPort): void {
  log.warn('the QoS policy of the port has no effect: a VSWITCH enforces none', { port: portId, qosPolicy });
}
