import { proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import { vswitchSentence } from '../network/vswitch-sentence.ts';
import { findable } from './findable.ts';
import type { HostActivities, VswitchChange } from './host-activities.ts';
import { type HostOperationResult, operateOnHost } from './host-operation.ts';
import { accepting, checked } from './operation.ts';

const LONGEST_CALL = '30 minutes';

/** Read the VSWITCH, change what differs, and read again until nothing does. */
export async function operateOnVswitch(kind: VswitchChange['kind'], input: unknown): Promise<HostOperationResult> {
  const { change, ...request } = await checked(() => accepting().acceptVswitchChange({ kind, input }));
  const { host, vswitch } = change;
  findable({ host, vswitches: [vswitch] });
  return operateOnHost({
    ...request,
    where: { host, vswitch },
    plan: () => reading(`read VSWITCH ${vswitch} and compare`).planVswitch(change),
    apply: (steps) => changing(steps.map(vswitchSentence).join('; ')).applyVswitch({ host, steps }),
    sentence: vswitchSentence,
  });
}

function reading(summary: string): Pick<HostActivities, 'planVswitch'> {
  return proxyLocalActivities<HostActivities>({
    summary,
    startToCloseTimeout: LONGEST_CALL,
    retry: { maximumAttempts: 1 },
  });
}

function changing(summary: string): Pick<HostActivities, 'applyVswitch'> {
  return proxyActivities<HostActivities>({
    summary,
    startToCloseTimeout: LONGEST_CALL,
    heartbeatTimeout: '10 seconds',
    retry: { maximumAttempts: 1 },
  });
}
