import { proxyActivities } from '@temporalio/workflow';
import { managementSentence } from '../domain/host/management-network.ts';
import type { InputOf } from '../domain/operations/operations.ts';
import { HEARTBEAT, READING_OF_A_HOST, writeActivities } from './activity-proxies.ts';
import { approvals } from './approval.ts';
import type { HostActivities } from './host-activities.ts';
import { type HostOperationResult, operateOnHost } from './host-operation.ts';
import { acceptRequest } from './operation.ts';
import { addSearchAttributes } from './run-visibility.ts';

/**
 * Give the management node its NIC on the management network, `xcat_mgt_ip` on the VSWITCH of the first flat network. A restart of the node loses
 * the NIC. Of the hosts that share a management node, the one that runs it as a guest is responsible.
 */
export async function ensureManagementNetwork(input: InputOf<'ensureManagementNetwork'>): Promise<HostOperationResult> {
  const approving = approvals();
  const { host, ...limits } = await acceptRequest('ensureManagementNetwork', input);
  addSearchAttributes({ host });
  const { planManagementNetwork } = proxyActivities<HostActivities>({
    summary: 'read and compare the management node',
    startToCloseTimeout: READING_OF_A_HOST,
    heartbeatTimeout: HEARTBEAT,
    retry: { maximumAttempts: 1 },
  });
  let elsewhere: string | undefined;
  return operateOnHost({
    ...limits,
    where: { host },
    summary: `ensure the management network of ${host}`,
    approving,
    plan: async (asks) => {
      const plan = await planManagementNetwork({ host, asks, dryRun: limits.dryRun });
      ({ elsewhere } = plan);
      return plan;
    },
    apply: (steps) =>
      writeActivities(steps.map(managementSentence).join('; ').slice(0, 190)).applyManagementNetwork({ host, steps }),
    sentence: managementSentence,
    nothing: () =>
      elsewhere === undefined ? 'nothing to do' : `nothing to do: the management node is a guest of ${elsewhere}`,
  });
}
