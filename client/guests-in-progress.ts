import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { z } from 'zod';
import { guestWorkflowId } from '../temporal-config/names.ts';
import { is, quoted, ZVM_HOST, ZVM_OUTCOME, ZVM_USERID } from '../temporal-config/search-attributes.ts';

/** Most guests that are looked up one by one, which is exact: Temporal's lists lag. */
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
  for await (const { userid, run } of found) if (await isInProgress(client, run, since)) inProgress.add(userid);
  return inProgress;
}

type Run = Pick<
  Awaited<ReturnType<ReturnType<Client['workflow']['getHandle']>['describe']>>,
  'workflowId' | 'runId' | 'status' | 'closeTime' | 'typedSearchAttributes'
>;

const Queue = z.object({ current: z.string().optional(), waiting: z.array(z.string()) });
const Ended = z.object({ changedAt: z.number().optional() });
const ANSWER_MS = 3_000;

async function isInProgress(client: Client, run: Run, since: Date): Promise<boolean> {
  const { status, closeTime, typedSearchAttributes, workflowId, runId } = run;
  const outcome = typedSearchAttributes.get(ZVM_OUTCOME);
  const handle = client.workflow.getHandle(workflowId, runId, { followRuns: false });
  if (status.name === 'RUNNING') return outcome !== 'retrying' && outcome !== 'held' && (await hasWork(client, handle));
  if (status.name !== 'COMPLETED' || outcome !== 'changed' || closeTime === undefined || closeTime < since)
    return false;
  // The run ends a moment after its last change.
  const { changedAt } = Ended.safeParse(await handle.result()).data ?? {};
  return changedAt === undefined || changedAt >= since.getTime();
}

/** A run that has answered is open for a moment; one that does not say what it does is taken to be at work. */
async function hasWork(client: Client, handle: ReturnType<Client['workflow']['getHandle']>): Promise<boolean> {
  try {
    const answer = await client.withDeadline(Date.now() + ANSWER_MS, () => handle.query('queue'));
    const queue = Queue.safeParse(answer).data;
    return queue === undefined || queue.current !== undefined || queue.waiting.length > 0;
  } catch {
    return true;
  }
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
