import type { Context } from '@temporalio/activity';
import { is, quoted } from '../temporal-config/search-attributes.ts';
import type { EarlierRuns } from '../workflows/host-activities.ts';
import { EarlierRunsSchema, readGuestRunHistory } from './guest-run-history.ts';

type Client = Context['client'];

/** A run of a guest. */
export type GuestRun = { workflowId: string; runId: string };
/** A run of a guest as Temporal's list has it; `closedAt` in milliseconds of Unix time, absent while it is open. */
export type ListedGuestRun = GuestRun & { startedAt: number; closedAt: number | undefined };

const LIST_PAUSES_MS = [30, 60, 120, 250, 500, 1_000, 2_000];
/** Temporal takes long queries, but not any: the runs of so many guests at once. */
const MOST_GUESTS = 100;
const MOST_RUNS = 100;

/** The runs of these guests that are open, or were at `since`, in milliseconds of Unix time. */
export async function guestRunsOf(
  client: Client,
  workflowIds: readonly string[],
  since: number,
): Promise<ListedGuestRun[]> {
  const open = `(ExecutionStatus = "Running" OR CloseTime >= ${quoted(new Date(since).toISOString())})`;
  const found: ListedGuestRun[] = [];
  for (let from = 0; from < workflowIds.length; from += MOST_GUESTS) {
    const guests = workflowIds.slice(from, from + MOST_GUESTS).map(quoted);
    found.push(...(await list(client, `WorkflowId IN (${guests.join(', ')}) AND ${open}`)));
  }
  return found;
}

/**
 * Read what the runs of a guest before `run` have carried out, as far as they were open at `since`, in milliseconds of Unix time, or later.
 * Undefined when there was none. Temporal's list is behind, but it takes the runs of one Workflow ID in their order: once `run` is in it, those
 * before it are too. `listShared` is a list that other guests share; without it Temporal lists the runs of this guest alone.
 */
export async function carriedOutBefore(
  client: Client,
  run: GuestRun,
  since: number,
  listShared?: (run: GuestRun, since: number) => Promise<ListedGuestRun[]>,
): Promise<EarlierRuns | undefined> {
  const read =
    listShared === undefined
      ? () => list(client, is({ name: 'WorkflowId' }, run.workflowId), MOST_RUNS)
      : () => listShared(run, since);
  const runs = await earlierRuns(run, read);
  const relevant = runs.filter(({ closedAt }) => closedAt === undefined || closedAt >= since);
  if (relevant.length === 0) return undefined;
  const found: EarlierRuns = { words: {}, answered: [] };
  for (const { runId } of relevant.toSorted((one, other) => one.startedAt - other.startedAt)) {
    const { words, answered } = await carriedOutBy(client, { workflowId: run.workflowId, runId });
    found.answered.push(...answered);
    for (const [portId, word] of Object.entries(words)) {
      const before = found.words[portId];
      if (before === undefined || before.acceptedAt < word.acceptedAt) found.words[portId] = word;
    }
  }
  return found;
}

async function earlierRuns(
  { workflowId, runId }: GuestRun,
  read: () => Promise<ListedGuestRun[]>,
): Promise<ListedGuestRun[]> {
  for (let attempt = 0; ; attempt += 1) {
    const runs = (await read()).filter((run) => run.workflowId === workflowId);
    const others = runs.filter((run) => run.runId !== runId);
    if (others.length < runs.length || attempt >= LIST_PAUSES_MS.length) return others;
    await new Promise((resolve) => setTimeout(resolve, LIST_PAUSES_MS[attempt]));
  }
}

async function list(client: Client, query: string, most = Number.POSITIVE_INFINITY): Promise<ListedGuestRun[]> {
  const runs: ListedGuestRun[] = [];
  for await (const { workflowId, runId, startTime, closeTime } of client.workflow.list({ query })) {
    runs.push({ workflowId, runId, startedAt: startTime.getTime(), closedAt: closeTime?.getTime() });
    if (runs.length >= most) break;
  }
  return runs;
}

/** A run that was terminated has no result: its history tells the same. One that continued as new has given all to the next. */
async function carriedOutBy(client: Client, { workflowId, runId }: GuestRun): Promise<EarlierRuns> {
  const handle = client.workflow.getHandle(workflowId, runId, { followRuns: false });
  const { status } = await handle.describe();
  if (status.name === 'CONTINUED_AS_NEW') return { words: {}, answered: [] };
  if (status.name === 'COMPLETED') {
    const result = EarlierRunsSchema.safeParse(await handle.result()).data;
    if (result !== undefined) return result;
  }
  return readGuestRunHistory(client, workflowId, runId);
}
