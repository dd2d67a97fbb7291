import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { z } from 'zod';
import { guestWorkflowId } from '../temporal-config/names.ts';
import type { Begun } from './begin-operation.ts';
import { workflowIdOf } from './operation-id.ts';
import { currentDetails, describeOperation, type OperationDetails } from './operations.ts';

/** Where a running operation stands. */
export type Standing = {
  /** What the operation says of itself, in Markdown. */
  details: string | undefined;
  /** What the run that holds its guest says, when that run is this operation's. */
  steps: string | undefined;
  /** The operation that holds the guest, while this one waits for its turn. */
  waitsFor: string | undefined;
};

const LOOK_MS = 400;

/**
 * Wait until an operation has ended, and tell where it stands whenever that changes. Answers undefined when `signal` ends the waiting first:
 * the operation goes on.
 */
export async function followOperation(
  client: Client,
  begun: Pick<Begun, 'id' | 'runId'>,
  guest: { host: string; userid: string } | undefined,
  tell: (standing: Standing) => void,
  signal: AbortSignal,
): Promise<OperationDetails | undefined> {
  const watching = new AbortController();
  const watched = watch(client, begun.id, guest, tell, watching.signal);
  try {
    return await endOf(client, begun, signal);
  } finally {
    watching.abort();
    // A request that is tried again after the connection was closed would end the process.
    await watched;
  }
}

/** The operation once it has ended; one that is reset goes on in another run. */
async function endOf(
  client: Client,
  { id, runId }: Pick<Begun, 'id' | 'runId'>,
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

/** Where an operation stands now: what it says, and what the run of its guest says for it. */
export async function standingOf(
  client: Client,
  id: string,
  guest: { host: string; userid: string } | undefined,
): Promise<Standing> {
  const details = await currentDetails(client, id);
  if (guest === undefined) return { details, steps: undefined, waitsFor: undefined };
  const run = guestWorkflowId(guest.host, guest.userid);
  const holder = await holderOf(client, run);
  if (holder === undefined) return { details, steps: undefined, waitsFor: undefined };
  if (holder !== workflowIdOf(id)) return { details, steps: undefined, waitsFor: holder };
  return { details, steps: await currentDetails(client, run), waitsFor: undefined };
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
