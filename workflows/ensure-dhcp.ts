import { proxyActivities } from '@temporalio/workflow';
import { searchTermsOfChange } from '../domain/guest/search-terms.ts';
import type { InputOf } from '../domain/operations/operations.ts';
import { HEARTBEAT, READING_OF_A_HOST } from './activity-proxies.ts';
import { approvals } from './approval.ts';
import { guestQueues } from './guest-queues.ts';
import type { HostActivities } from './host-activities.ts';
import { onceReleased } from './host-operation.ts';
import { acceptRequest, carryOut, type OperationResult, recordingFailure } from './operation.ts';
import { Releases } from './releases.ts';

/**
 * Give the host's DHCP node a live NIC on each VSWITCH, authorised as trunk for the VLANs in use there. The DHCP service on the node, or Neutron's
 * DHCP agent there, manages leases itself.
 */
export async function ensureDhcp(input: InputOf<'ensureDhcp'>): Promise<OperationResult> {
  const queues = guestQueues();
  const releases = new Releases();
  const approving = approvals();
  const request = await acceptRequest('ensureDhcp', input);
  const { planDhcp } = proxyActivities<HostActivities>({
    summary: `plan the NICs of the DHCP node of ${request.host}`,
    startToCloseTimeout: READING_OF_A_HOST,
    heartbeatTimeout: HEARTBEAT,
    scheduleToCloseTimeout: Math.ceil(request.giveUpAfterMinutes * 60_000),
    retry: { nonRetryableErrorTypes: ['Held'] },
  });
  const plan = () => planDhcp({ host: request.host, dryRun: request.dryRun });
  const { userid, ports } = await recordingFailure(() => onceReleased(releases, `serve DHCP on ${request.host}`, plan));
  const change = { kind: 'setPorts' as const, ports, live: true };
  const found = searchTermsOfChange(change);
  return carryOut(queues, approving, { ...request, userid, change, found, summary: `serve DHCP from ${userid}` });
}
