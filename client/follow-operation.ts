import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { z } from 'zod';
import { guestWorkflowId, workflowIdOf } from '../temporal-config/names.ts';
import { currentDetails, describeOperation, type OperationDetails } from './operations.ts';
import type { StartedOperation } from './start-operation.ts';

/** Progress of a run, as it answers the query; of those that answer none, their current details in Markdown. */
const Progress = z.object({
  subject: z.string(),
  state: z.string(),
  reason: z.string().optional(),
  lists: z
    .object({
      now: z.array(z.string()).optional(),
      done: z.array(z.string()).optional(),
      planned: z.array(z.string()).optional(),
    })
    .default({}),
});
export type Progress = z.infer<typeof Progress>;

/** The standing of a running operation. */
export const Standing = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('works'), progress: Progress }),
  z.object({ kind: z.literal('details'), markdown: z.string() }),
  /** Another operation holds the guest. */
  z.object({ kind: z.literal('waits'), behind: z.string() }),
]);
export type Standing = z.infer<typeof Standing>;

const LOOK_MS = 400;

/**
 * Wait until an operation has ended, and tell where it stands whenever that changes. Answers undefined when `signal` ends the waiting first:
 * the operation goes on.
 */
export async function followOperation(
  client: Client,
  started: Pick<StartedOperation, 'id' | 'runId'>,
  guest: { host: string; userid: string } | undefined,
  tell: (standing: Standing) => void,
  signal: AbortSignal,
): Promise<OperationDetails | undefined> {
  const watching = new AbortController();
  const watched = watch(client, started.id, guest, tell, watching.signal);
  try {
    return await endOf(client, started, signal);
  } finally {
    watching.abort();
    // A request that is tried again after the connection was closed would end the process.
    await watched;
  }
}

/**
 * The operation once it has ended; one that is reset goes on in another run. Undefined when `signal` ends the waiting first: the operation goes
 * on.
 */
export async function endOf(
  client: Client,
  { id, runId }: Pick<StartedOperation, 'id' | 'runId'>,
  signal: AbortSignal,
): Promise<OperationDetails | undefined> {
  const handle = client.workflow.getHandle(workflowIdOf(id), runId);
  // The result is read below. The signal ends the request too, which is else open for twenty seconds.
  await client.withAbortSignal(signal, () => handle.result()).catch(() => undefined);
  if (signal.aborted) return undefined;
  const details = await describeOperation(client, id, runId);
  if (details?.state !== 'running' || details.runId === runId) return details;
  return endOf(client, { id, runId: details.runId }, signal);
}

async function watch(
  client: Client,
  id: string,
  guest: { host: string; userid: string } | undefined,
  tell: (standing: Standing) => void,
  signal: AbortSignal,
): Promise<void> {
  let told = '';
  while (!signal.aborted) {
    const standing = await standingOf(client, id, guest).catch(() => undefined);
    const text = JSON.stringify(standing);
    if (standing !== undefined && text !== told && !signal.aborted) {
      told = text;
      tell(standing);
    }
    await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** The standing of an operation now: its own, or that of its guest's run while that works for it. Undefined when no worker answers soon. */
export async function standingOf(
  client: Client,
  id: string,
  guest: { host: string; userid: string } | undefined,
): Promise<Standing | undefined> {
  const own = workflowIdOf(id);
  const run = guest === undefined ? undefined : guestWorkflowId(guest.host, guest.userid);
  const holder = run === undefined ? undefined : await holderOf(client, run);
  const isElsewhere = holder !== undefined && holder !== own;
  const progress = await progressOf(client, holder === undefined || run === undefined || isElsewhere ? own : run);
  // One that awaits an approval or a window shows its plan: it is in nobody's queue.
  if (isElsewhere && progress?.lists.planned === undefined) return { kind: 'waits', behind: holder };
  if (progress !== undefined) return { kind: 'works', progress };
  const markdown = await currentDetails(client, id);
  return markdown === undefined ? undefined : { kind: 'details', markdown };
}

/** The progress that a run answers with. Undefined when it knows no such query, or no worker answers soon. */
async function progressOf(client: Client, workflowId: string): Promise<Progress | undefined> {
  try {
    const handle = client.workflow.getHandle(workflowId);
    return Progress.safeParse(await client.withDeadline(Date.now() + 3_000, () => handle.query('runProgress'))).data;
  } catch {
    return undefined;
  }
}

const Queue = z.object({ current: z.string().optional() });

/** The operation whose request a guest's run carries out now. Undefined when there is none, or no worker answers soon. */
async function holderOf(client: Client, guestRun: string): Promise<string | undefined> {
  try {
    const handle = client.workflow.getHandle(guestRun);
    const answer = await client.withDeadline(Date.now() + 3_000, () => handle.query('queue'));
    return Queue.safeParse(answer).data?.current;
  } catch {
    return undefined;
  }
}
