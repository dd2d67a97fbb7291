import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { z } from 'zod';
import { defined } from '../domain/defined.ts';
import { failureText } from '../domain/drift/repair-subject.ts';
import { HostCapabilities } from '../domain/host/host-capabilities.ts';
import { ReportsOnly } from '../domain/host/repair-mode.ts';
import { ReportedFailure } from '../domain/operations/results.ts';
import { operationIdOf } from '../temporal-config/names.ts';
import { runsOfSchedule, ZVM_OUTCOME } from '../temporal-config/search-attributes.ts';
import { describeOperation } from './operations.ts';

/** Health of a host's reconciliation: the ends of its last runs. */
export type ReconciliationHealth = {
  /** End of the last run that read and compared the host. */
  lastSuccess?: string;
  /** The present failure: why the last run that has ended could not read the host, or the guests that it could not repair. */
  failure?: { at: string; reason: string };
};

const Unrepaired = z.object({ failures: z.array(ReportedFailure).min(1) });

/** The health of a host's reconciliation, from the ended runs of its Schedule. */
export async function reconciliationHealth(client: Client, host: string): Promise<ReconciliationHealth> {
  const last = await newestEnded(client, host, 'ExecutionStatus != "Running" AND ExecutionStatus != "ContinuedAsNew"');
  if (last === undefined) return {};
  const completed =
    last.status === 'COMPLETED' ? last : await newestEnded(client, host, 'ExecutionStatus = "Completed"');
  const isWell = last.status === 'COMPLETED' && last.outcome !== 'failed';
  return {
    ...defined({ lastSuccess: completed?.at }),
    ...(isWell ? {} : { failure: { at: last.at, reason: await reasonOf(client, last) } }),
  };
}

const Capable = z.object({ capabilities: HostCapabilities });
const Reporting = z.object({ reportsOnly: ReportsOnly.optional() });
/** Guests of a host, as a reconciliation has found and left them; `foreign` counts NICs, grants and VSWITCHes. */
export const Found = z.object({
  examined: z.number().int(),
  drifted: z.number().int(),
  repaired: z.number().int(),
  failed: z.number().int(),
  foreign: z.number().int(),
});
export type Found = z.infer<typeof Found>;

/** The capabilities of a host and its guests, as the last run of its Schedule that has ended read them; null before the first. `reportsOnly`: why it repaired nothing. */
export async function lastSurvey(
  client: Client,
  host: string,
): Promise<{ capabilities: HostCapabilities | null; found: Found | null; reportsOnly?: ReportsOnly }> {
  const run = await newestEnded(client, host, 'ExecutionStatus = "Completed"');
  if (run === undefined) return NOTHING_READ;
  try {
    const result: unknown = await client.workflow.getHandle(run.workflowId, run.runId).result();
    return {
      capabilities: Capable.safeParse(result).data?.capabilities ?? null,
      found: Found.safeParse(result).data ?? null,
      ...defined({ reportsOnly: Reporting.safeParse(result).data?.reportsOnly }),
    };
  } catch (error) {
    // Its history may be gone already, while it is still listed.
    if (error instanceof WorkflowNotFoundError) return NOTHING_READ;
    throw error;
  }
}

const NOTHING_READ = { capabilities: null, found: null };

type Ended = { workflowId: string; runId: string; status: string; outcome: string | undefined; at: string };

/** Of the Schedule's runs alone, the last that ended first. */
async function newestEnded(client: Client, host: string, how: string): Promise<Ended | undefined> {
  const query = `${runsOfSchedule(host)} AND ${how}`;
  for await (const run of client.workflow.list({ query, pageSize: 1 })) {
    const { workflowId, runId, status, typedSearchAttributes, closeTime, startTime } = run;
    const outcome = typedSearchAttributes.get(ZVM_OUTCOME);
    return { workflowId, runId, status: status.name, outcome, at: (closeTime ?? startTime).toISOString() };
  }
  return undefined;
}

async function reasonOf(client: Client, { workflowId, runId, status }: Ended): Promise<string> {
  const run = await describeOperation(client, operationIdOf(workflowId), runId, { ask: false });
  if (run?.failure !== undefined) return run.failure.message;
  const unrepaired = Unrepaired.safeParse(run?.result).data;
  const [first] = unrepaired?.failures ?? [];
  if (unrepaired === undefined || first === undefined) return `its last run has ended as ${status.toLowerCase()}`;
  const more = unrepaired.failures.length - 1;
  return `${failureText(first)}${more === 0 ? '' : `; and ${more} more that could not be repaired`}`;
}
