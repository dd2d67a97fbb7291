import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow';
import type { HostActivities } from './host-activities.ts';
import { HEARTBEAT, STAGE } from './timeouts.ts';

/**
 * Activities that change z/VM. They are never repeated as they are: granting a second time drops live NICs (contract xcat.md 4.6); the plan
 * is made anew instead. Whoever cancels waits for what z/VM has been asked for: it is carried out all the same, and only then can be undone.
 */
export function changing(
  summary: string,
): Pick<HostActivities, 'applySteps' | 'applyVswitch' | 'applyManagementNetwork'> {
  return proxyActivities<HostActivities>({
    summary,
    startToCloseTimeout: STAGE,
    heartbeatTimeout: HEARTBEAT,
    retry: { maximumAttempts: 1 },
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  });
}
