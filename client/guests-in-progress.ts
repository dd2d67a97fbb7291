import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { ZVM_HOST, ZVM_OUTCOME, ZVM_USERID } from '../temporal-config/search-attributes.ts';
import { is, quoted } from '../temporal-config/visibility.ts';
import { guestWorkflowId } from '../temporal-config/workflow-ids.ts';

/** So many guests are looked up one by one, which is exact; lists are a moment late. */
const MOST_ONE_BY_ONE = 20;
/**
 * Of these guests those that are being changed, or were while they were read: what is not yet as it is recorded is on its way. One whose run is in
 * trouble is not among them. `since` is when the reading began, by Temporal's clock.
 */
export async function guestsInProgress(
  client: Client,
  host: string,
  userids: readonly string[],
  since: Date,
): Promise<Set<string>> {
  const found = userids.length > MOST_ONE_BY_ONE ? listed(client, host, since) : oneByOne(client, host, userids);
  const inProgress = new Set<string>();
  for await (const { userid, run } of found) if (isInProgress(run, since)) inProgress.add(userid);
  return inProgress;
}

type Run = Pick<
  Awaited<ReturnType<ReturnType<Client['workflow']['getHandle']>['describe']>>,
  'status' | 'closeTime' | 'typedSearchAttributes'
>;

function isInProgress({ status, closeTime, typedSearchAttributes }: Run, since: Date): boolean {
  const outcome = typedSearchAttributes.get(ZVM_OUTCOME);
  if (status.name === 'RUNNING') return outcome !== 'retrying';
  return status.name === 'COMPLETED' && outcome === 'changed' && closeTime !== undefined && closeTime >= since;
}

async function* oneByOne(client: Client, host: string, userids: readonly string[]) {
  const runs = userids.map(async (userid) => {
    try {
      return { userid, run: await client.workflow.getHandle(guestWorkflowId(host, userid)).describe() };
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return undefined;
      throw error;
    }
  });
  for (const found of await Promise.all(runs)) if (found !== undefined) yield found;
}

async function* listed(client: Client, host: string, since: Date) {
  const query = [
    'WorkflowType = "convergeGuest"',
    is(ZVM_HOST, host),
    `(ExecutionStatus = "Running" OR CloseTime >= ${quoted(since.toISOString())})`,
  ].join(' AND ');
  for await (const run of client.workflow.list({ query, pageSize: 1_000 })) {
    const userid = run.typedSearchAttributes.get(ZVM_USERID);
    if (userid !== undefined) yield { userid, run };
  }
}
