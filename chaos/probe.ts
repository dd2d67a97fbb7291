import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, WorkflowFailedError } from '@temporalio/client';
import { addressOf, type GuestPlace, HOST, probeOf, TASK_QUEUE } from './places.ts';

/** Probe whether each guest can still be changed, by creating and deleting a separate port. Answers a sentence for each failed probe. */
export async function stuckGuests(client: Client, guests: readonly GuestPlace[], limitMs: number): Promise<string[]> {
  const found = await Promise.all(guests.map((guest) => probe(client, guest, limitMs)));
  return found.flatMap((each) => each ?? []);
}

async function probe(client: Client, guest: GuestPlace, limitMs: number): Promise<string | undefined> {
  const place = probeOf(guest);
  const { portId, vswitch } = place;
  const target = { host: HOST, userid: guest.userid, portId };
  const requests = [
    { type: 'createPort', input: { ...target, vswitch, ...addressOf(place), network: { type: 'flat' } } },
    { type: 'deletePort', input: target },
  ];
  for (const { type, input } of requests) {
    const workflowId = `probe/${guest.userid}/${type}/${randomUUID()}`;
    try {
      const handle = await client.workflow.start(type, { taskQueue: TASK_QUEUE, workflowId, args: [input] });
      const ended = await Promise.race([handle.result().then(() => true), sleep(limitMs, false, { ref: false })]);
      if (!ended) return `${guest.userid} cannot be changed: ${workflowId} has not ended`;
    } catch (error) {
      const reason = error instanceof WorkflowFailedError ? error.cause?.message : String(error);
      return `${guest.userid} cannot be changed: ${workflowId}: ${reason}`;
    }
  }
  return undefined;
}
