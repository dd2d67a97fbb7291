import { taskQueueOf } from '../../domain/host/host.ts';
import { guestWorkflowId } from '../../temporal-config/names.ts';
import type { Environment } from './environment.ts';

/** A word that is accepted, and is in no list that the guest's run looks at, unless it `isListed`. `arrives` puts it into the guest's queue; answers its outcome. */
export async function lateWord(
  { client, host }: Environment,
  userid: string,
  kind: 'changeVlan' | 'createPort',
  asked: { portId: string; network: object },
  isListed = false,
) {
  const workflowId = guestWorkflowId(host, userid);
  const late = await client.workflow.start(kind, {
    ...(isListed
      ? { taskQueue: taskQueueOf(host), startDelay: '10 minutes' }
      : { taskQueue: `${taskQueueOf(host)}-without-worker` }),
    workflowId: `late/${host}/${userid}`,
    args: [{ host, userid, ...asked }],
  });
  const change = kind === 'createPort' ? { kind, port: asked } : { kind, ...asked };
  const { startTime } = await late.describe();
  return {
    async arrives(then: () => Promise<void> = async () => undefined) {
      await client.workflow.signalWithStart('convergeGuest', {
        ...{ taskQueue: taskQueueOf(host), workflowId, args: [{ host, userid }] },
        signal: 'enqueue',
        signalArgs: [
          {
            ...{ id: 'late/0', runId: late.firstExecutionRunId, acceptedAt: startTime.getTime(), summary: 'late' },
            operation: { workflowId: late.workflowId, firstRunId: late.firstExecutionRunId },
            change,
            ...{ giveUpAfterMinutes: 1, keepOnFailure: false, dryRun: false, reports: false, onlyIfFree: false },
          },
        ],
      });
      await then();
      const result = (await client.workflow.getHandle(workflowId).result()) as { requests: { outcome: string }[] };
      await late.terminate();
      return result.requests.at(-1)?.outcome;
    },
  };
}
