import { proxyActivities } from '@temporalio/workflow';
import type { z } from 'zod';
import { managementSentence } from '../domain/host/management-network.ts';
import type { EnsureManagementNetworkInput } from '../domain/operations/requests.ts';
import { changing } from './changing.ts';
import type { HostActivities } from './host-activities.ts';
import { type HostOperationResult, operateOnHost } from './host-operation.ts';
import { accepting, checked } from './operation.ts';
import { setSearchAttributes } from './search-attributes.ts';
import { HEARTBEAT, READING_OF_A_HOST } from './timeouts.ts';

/**
 * Give the management node its NIC on the management network, `xcat_mgt_ip` on the VSWITCH of the first flat network: after its restart too,
 * which loses it. Hosts that share a management node leave it to the one that it is a guest of.
 */
export async function ensureManagementNetwork(
  input: z.input<typeof EnsureManagementNetworkInput>,
): Promise<HostOperationResult> {
  const { host, ...limits } = await checked(() => accepting().acceptManagementNetwork({ input }));
  setSearchAttributes({ host });
  const { planManagementNetwork } = proxyActivities<HostActivities>({
    summary: 'read the management node and compare',
    startToCloseTimeout: READING_OF_A_HOST,
    heartbeatTimeout: HEARTBEAT,
    retry: { maximumAttempts: 1 },
  });
  let elsewhere: string | undefined;
  return operateOnHost({
    ...limits,
    where: { host },
    summary: `ensure the management network of ${host}`,
    plan: async () => {
      const plan = await planManagementNetwork({ host });
      ({ elsewhere } = plan);
      return plan.steps;
    },
    apply: (steps) =>
      changing(steps.map(managementSentence).join('; ').slice(0, 190)).applyManagementNetwork({ host, steps }),
    sentence: managementSentence,
    nothing: () =>
      elsewhere === undefined
        ? 'nothing to do: it is so already'
        : `nothing to do here: the management node is a guest of ${elsewhere}`,
  });
}
