import type { Context } from '@temporalio/activity';
import { is } from '../temporal-config/visibility.ts';
import type { EarlierRuns } from '../workflows/host-activities.ts';
import { EarlierRunsSchema, readGuestRunHistory } from './guest-run-history.ts';

type Client = Context['client'];
type Run = { runId: string; startedAt: number; closedAt: number | undefined };

const LIST_PAUSES_MS = [30, 60, 120, 250, 500, 1_000, 2_000, 4_000];
const MOST_RUNS = 50;

/**
 * Read what the runs of a guest before `runId` have carried out, as far as they were open at `since`, in milliseconds of Unix time, or later.
 * Temporal's list is behind, but all runs of a Workflow ID are listed in their order: once the run itself is in it, those before it are too.
 */
export async function readEarlierRuns(
  client: Client,
  workflowId: string,
  { runId, since }: { runId: string; since: number },
): Promise<EarlierRuns> {
  const runs = await earlierRuns(client, workflowId, runId);
  const relevant = runs.filter(({ closedAt }) => closedAt === undefined || closedAt >= since);
  const found: EarlierRuns = { words: {}, answered: [] };
  for (const run of relevant.toSorted((one, other) => one.startedAt - other.startedAt)) {
    const { words, answered } = await carriedOutBy(client, workflowId, run.runId);
    found.answered.push(...answered);
    for (const [portId, word] of Object.entries(words)) {
      const before = found.words[portId];
      if (before === undefined || before.acceptedAt < word.acceptedAt) found.words[portId] = word;
    }
  }
  return found;
}

async function earlierRuns(client: Client, workflowId: string, runId: string): Promise<Run[]> {
  for (let attempt = 0; ; attempt += 1) {
    const runs = await listRuns(client, workflowId);
    const others = runs.filter((run) => run.runId !== runId);
    if (others.length < runs.length || attempt >= LIST_PAUSES_MS.length) return others;
    await new Promise((resolve) => setTimeout(resolve, LIST_PAUSES_MS[attempt]));
  }
}

async function listRuns(client: Client, workflowId: string): Promise<Run[]> {
  const runs: Run[] = [];
  for await (const { runId, startTime, closeTime } of client.workflow.list({
    query: is({ name: 'WorkflowId' }, workflowId),
  })) {
    runs.push({ runId, startedAt: startTime.getTime(), closedAt: closeTime?.getTime() });
    if (runs.length >= MOST_RUNS) break;
  }
  return runs;
}

/** A run that was terminated has no result: its history tells the same. One that continued as new has given all to the next. */
async function carriedOutBy(client: Client, workflowId: string, runId: string): Promise<EarlierRuns> {
  const handle = client.workflow.getHandle(workflowId, runId, { followRuns: false });
  const { status } = await handle.describe();
  if (status.name === 'CONTINUED_AS_NEW') return { words: {}, answered: [] };
  if (status.name === 'COMPLETED') {
    const result = EarlierRunsSchema.safeParse(await handle.result()).data;
    if (result !== undefined) return result;
  }
  return readGuestRunHistory(client, workflowId, runId);
}
