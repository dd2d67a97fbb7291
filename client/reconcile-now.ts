import type { Client } from '@temporalio/client';
import { z } from 'zod';
import { reconcileScheduleId } from '../temporal-config/names.ts';
import { is, quoted, ZVM_HOST } from '../temporal-config/search-attributes.ts';
import { type Beginning, ownWorkflowId } from './begin-operation.ts';

/** What a reconciliation leaves for the next one; `checkpoint` tells what was ours. */
const Last = z.object({
  checkpoint: z.string(),
  failures: z.array(z.looseObject({ userid: z.string() })),
  unreported: z.array(z.string()).optional(),
});

/** A reconciliation of a host now, beside its Schedule; `knownBefore` goes into its input. */
export function reconcileOperation(
  host: string,
  dryRun: boolean,
): Beginning & { input: { host: string; dryRun: boolean } } {
  return {
    type: 'reconcileHost',
    host,
    workflowId: ownWorkflowId(reconcileScheduleId(host)),
    input: { host, dryRun },
    summary: `${dryRun ? 'compare' : 'reconcile'} ${host}${dryRun ? ', changing nothing' : ''}`,
  };
}

/**
 * What the last finished run of a host's Schedule knew, as input for one that is started by hand, so that it too can tell the NIC of a port
 * whose row has vanished from an administrator's.
 */
export async function knownBefore(client: Client, host: string): Promise<{ last?: z.infer<typeof Last> }> {
  const last = await lastResult(client, host);
  return last === undefined ? {} : { last };
}

/** Of the Schedule's runs alone: a dry run leaves what it finds, and does not say so to the next. */
async function lastResult(client: Client, host: string): Promise<z.infer<typeof Last> | undefined> {
  const query = [
    'WorkflowType = "reconcileHost"',
    is(ZVM_HOST, host),
    'ExecutionStatus = "Completed"',
    `WorkflowId STARTS_WITH ${quoted(`${reconcileScheduleId(host)}-2`)}`,
  ].join(' AND ');
  for await (const { workflowId, runId } of client.workflow.list({ query, pageSize: 1 })) {
    const result: unknown = await client.workflow.getHandle(workflowId, runId, { followRuns: false }).result();
    const { checkpoint, failures, unreported } = Last.parse(result);
    return { checkpoint, failures, ...(unreported === undefined ? {} : { unreported }) };
  }
  return undefined;
}
