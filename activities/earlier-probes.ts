import type { Context } from '@temporalio/activity';
import { taskQueueOf } from '../domain/host/host.ts';
import { RESULTS } from '../domain/operations/results.ts';
import type { HostRuntime } from './host-runtime.ts';

type Client = Context['client'];

/** Answers of one probe that are not in a later one, as of a guest that was logged off, count too. */
const MOST_PROBES = 10;

/**
 * The answers of the host's last probes, from their results in Temporal: a worker that has just started knows none, and the last reconciliation
 * may have begun before the last probe ended. Later ones come by themselves.
 */
export function createEarlierProbes({ rules, backend }: HostRuntime): { recall(client: Client): Promise<void> } {
  const query = `TaskQueue = "${taskQueueOf(rules.host)}" AND WorkflowType = "probeHost" AND ExecutionStatus = "Completed"`;
  let isRecalled = false;
  return {
    async recall(client) {
      if (isRecalled) return;
      let left = MOST_PROBES;
      for await (const { workflowId, runId } of client.workflow.list({ query, pageSize: MOST_PROBES })) {
        const result: unknown = await client.workflow.getHandle(workflowId, runId).result();
        const report = RESULTS.probe.safeParse(result).data?.report;
        if (report !== undefined) backend.answers.take(report.record);
        left -= 1;
        if (left === 0) break;
      }
      isRecalled = true;
    },
  };
}
