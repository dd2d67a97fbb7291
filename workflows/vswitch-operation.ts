import { proxyLocalActivities } from '@temporalio/workflow';
import { vswitchSentence } from '../network/vswitch-sentence.ts';
import { changing, LONGEST_STAGE } from './changing.ts';
import { findable } from './findable.ts';
import type { HostActivities, VswitchChange } from './host-activities.ts';
import { type HostOperationResult, operateOnHost } from './host-operation.ts';
import { accepting, checked } from './operation.ts';

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
    startToCloseTimeout: LONGEST_STAGE,
    retry: { maximumAttempts: 1 },
  });
}
