import { proxyActivities } from '@temporalio/workflow';
import type { z } from 'zod';
import type { EnsureDhcpInput } from '../domain/operations/requests.ts';
import { HEARTBEAT, READING_OF_A_HOST } from './activity-proxies.ts';
import { guestQueues } from './guest-queues.ts';
import type { HostActivities } from './host-activities.ts';
import { accepting, carryOut, checked, type OperationResult } from './operation.ts';

/**
 * Give the host's DHCP node a live NIC on each VSWITCH, authorised as trunk for the VLANs in use there. The DHCP service on the node, or Neutron's
 * DHCP agent there, manages leases itself.
 */
export async function ensureDhcp(input: z.input<typeof EnsureDhcpInput>): Promise<OperationResult> {
  const queues = guestQueues();
  const request = await checked(() => accepting().acceptEnsureDhcp({ input }));
  const { planDhcp } = proxyActivities<HostActivities>({
    summary: `plan the NICs of the DHCP node of ${request.host}`,
    startToCloseTimeout: READING_OF_A_HOST,
    heartbeatTimeout: HEARTBEAT,
    scheduleToCloseTimeout: `${request.giveUpAfterMinutes} minutes`,
  });
  const { userid, ports } = await checked(() => planDhcp({ host: request.host }));
  const portIds = ports.map((port) => port.portId);
  const change = { kind: 'setPorts' as const, ports, live: true };
  return carryOut(queues, { ...request, userid, change, portIds, summary: `serve DHCP from ${userid}` });
}
