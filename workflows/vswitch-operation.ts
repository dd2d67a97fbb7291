import { proxyActivities } from '@temporalio/workflow';
import { defined } from '../domain/defined.ts';
import type { InputOf } from '../domain/operations/operations.ts';
import type { VswitchStep } from '../domain/planning/vswitch-plan.ts';
import type { FormerVswitch } from '../domain/vswitch/vswitch.ts';
import { vswitchSentence } from '../domain/vswitch/vswitch-sentence.ts';
import { HEARTBEAT, READING_OF_A_HOST, writeActivities } from './activity-proxies.ts';
import { type Approvals, approvals } from './approval.ts';
import type { HostActivities, VswitchChange } from './host-activities.ts';
import { type HostOperationResult, operateOnHost } from './host-operation.ts';
import { acceptRequest } from './operation.ts';
import { addSearchAttributes } from './run-visibility.ts';

/** Create a VSWITCH as configured, or change its uplinks. A VSWITCH of an administrator is refused. */
export async function ensureVswitch(input: InputOf<'ensureVswitch'>): Promise<HostOperationResult> {
  const approving = approvals();
  const { host, vswitch, hadRdevs, undoes: _undoes, ...options } = await acceptRequest('ensureVswitch', input);
  const change = { kind: 'ensure', host, vswitch, ...defined({ hadRdevs }) } as const;
  return operateOnVswitch(change, `ensure VSWITCH ${vswitch} on ${host}`, { approving, ...options });
}

/** Delete a VSWITCH that the host's configuration does not name; refused while a NIC is coupled or a port recorded on it, unless forced. */
export async function deleteVswitch(input: InputOf<'deleteVswitch'>): Promise<HostOperationResult> {
  const approving = approvals();
  const { host, vswitch, force, undoes: _undoes, ...options } = await acceptRequest('deleteVswitch', input);
  return operateOnVswitch({ kind: 'delete', host, vswitch, force }, `delete VSWITCH ${vswitch} of ${host}`, {
    approving,
    ...options,
  });
}

/** Read, plan and apply until the VSWITCH does not differ. */
async function operateOnVswitch(
  change: VswitchChange,
  summary: string,
  options: { approving: Approvals; giveUpAfterMinutes: number; dryRun: boolean },
): Promise<HostOperationResult> {
  const { host, vswitch } = change;
  addSearchAttributes({ host, vswitches: [vswitch] });
  const { planVswitch } = proxyActivities<HostActivities>({
    summary: `read and compare VSWITCH ${vswitch}`,
    startToCloseTimeout: READING_OF_A_HOST,
    heartbeatTimeout: HEARTBEAT,
    retry: { maximumAttempts: 1 },
  });
  let before: HostOperationResult['before'];
  const result = await operateOnHost({
    ...options,
    where: { host, vswitch },
    summary,
    plan: async (asks) => {
      const planned = await planVswitch({ ...change, asks, dryRun: options.dryRun });
      before ??= vswitchBefore(planned.steps);
      return planned;
    },
    apply: (steps) => writeActivities(steps.map(vswitchSentence).join('; ')).applyVswitch({ host, steps }),
    sentence: vswitchSentence,
  });
  return result.changed ? { ...result, ...defined({ before }) } : result;
}

/** The VSWITCH before its steps; undefined without steps. */
function vswitchBefore(steps: readonly VswitchStep[]): FormerVswitch | undefined {
  const [step] = steps;
  if (step === undefined) return undefined;
  return step.kind === 'createVswitch' ? { name: step.settings.name } : step.before;
}
