import type { Client } from '@temporalio/client';
import type { z } from 'zod';
import { defined } from '../domain/defined.ts';
import { HOST_OPERATIONS } from '../domain/operations/host-operations.ts';
import { runsOfSchedule } from '../temporal-config/search-attributes.ts';
import type { OperationRequest } from './start-operation.ts';

/** The part of a result that the next reconciliation takes: `checkpoint` tells what was ours. */
const Last = HOST_OPERATIONS.reconcileHost.input.shape.last.unwrap();

/** A reconciliation of a host now, beside its Schedule; `knownBefore` goes into its input besides. */
export function reconcileRequest(host: string, dryRun: boolean): OperationRequest {
  return { type: 'reconcileHost', input: HOST_OPERATIONS.reconcileHost.input.parse({ host, dryRun }) };
}

/**
 * The state that the last finished run of a host's Schedule left, as input for one that is started by hand, so that it too can tell the NIC of
 * a port whose row has vanished from an administrator's.
 */
export async function knownBefore(client: Client, host: string): Promise<{ last?: z.infer<typeof Last> }> {
  return defined({ last: await lastResult(client, host) });
}

/** Of the Schedule's runs alone: a dry run leaves what it finds, and does not say so to the next. */
async function lastResult(client: Client, host: string): Promise<z.infer<typeof Last> | undefined> {
  const query = `${runsOfSchedule(host)} AND ExecutionStatus = "Completed"`;
  for await (const { workflowId, runId } of client.workflow.list({ query, pageSize: 1 })) {
    const result: unknown = await client.workflow.getHandle(workflowId, runId, { followRuns: false }).result();
    const { checkpoint, failures, unreported, isUnconfirmed } = Last.parse(result);
    return { checkpoint, failures, ...defined({ unreported, isUnconfirmed }) };
  }
  return undefined;
}
