import { proxyActivities } from '@temporalio/workflow';
import { vswitchSentence } from '../domain/vswitch/vswitch-sentence.ts';
import { HEARTBEAT, READING_OF_A_HOST, writeActivities } from './activity-proxies.ts';
import type { HostActivities, VswitchChange } from './host-activities.ts';
import { type HostOperationResult, operateOnHost } from './host-operation.ts';
import { accepting, checked } from './operation.ts';
import { addSearchAttributes } from './run-visibility.ts';

/** Read the VSWITCH, change what differs, and read again until nothing does. */
export async function operateOnVswitch(kind: VswitchChange['kind'], input: unknown): Promise<HostOperationResult> {
  const { change, ...request } = await checked(() => accepting().acceptVswitchChange({ kind, input }));
  const { host, vswitch } = change;
  addSearchAttributes({ host, vswitches: [vswitch] });
  return operateOnHost({
    ...request,
    where: { host, vswitch },
    plan: () => reading(`read VSWITCH ${vswitch} and compare`).planVswitch(change),
    apply: (steps) => writeActivities(steps.map(vswitchSentence).join('; ')).applyVswitch({ host, steps }),
    sentence: vswitchSentence,
  });
}

function reading(summary: string): Pick<HostActivities, 'planVswitch'> {
  return proxyActivities<HostActivities>({
    summary,
    startToCloseTimeout: READING_OF_A_HOST,
    heartbeatTimeout: HEARTBEAT,
    retry: { maximumAttempts: 1 },
  });
}
