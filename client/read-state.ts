import { gunzipSync } from 'node:zlib';
import type { Client } from '@temporalio/client';
import { taskQueueOf } from '../domain/host/host.ts';
import { type GuestView, HostView, type ShownGuest } from '../domain/host/host-view.ts';
import { ZVM_HOST, ZVM_USERID } from '../temporal-config/search-attributes.ts';
import type { listVswitches, showGuest, showHost } from '../workflows/index.ts';
import { guestsInProgress } from './guests-in-progress.ts';

/** The time limit of a reading; its caller gets an error after it. */
const LONGEST_READING = '2 minutes';

/**
 * A host as it is now. Callers of one generation share a reading that runs. A caller that knows of a change gives a generation of its own, so
 * that it never gets the state before. Throws the failure of the workflow.
 */
export async function readHostView(client: Client, host: string, generation = ''): Promise<HostView> {
  const reading = await client.workflow.start<typeof showHost>('showHost', {
    ...readingOf(host, `show/${host}${generation === '' ? '' : `@${generation}`}`),
    args: [{ host }],
    staticSummary: `read ${host}`,
  });
  const { view } = await reading.result();
  const read = HostView.parse(JSON.parse(gunzipSync(Buffer.from(view, 'base64')).toString()));
  const drifted = read.guests.filter(({ drift }) => drift.length > 0).map(({ userid }) => userid);
  if (drifted.length === 0) return read;
  const { startTime } = await reading.describe();
  const inProgress = await guestsInProgress(client, host, drifted, startTime);
  return { ...read, guests: read.guests.map((guest) => (inProgress.has(guest.userid) ? beingChanged(guest) : guest)) };
}

/** A difference on a guest that is being changed is no drift. */
function beingChanged(guest: GuestView): GuestView {
  return { ...guest, inProgress: true, drift: [], ports: guest.ports.map((port) => ({ ...port, drift: [] })) };
}

/** The present state of a guest, as of a host. Throws the workflow's failure. */
export function readGuestView(client: Client, host: string, userid: string, generation = ''): Promise<ShownGuest> {
  return client.workflow.execute<typeof showGuest>('showGuest', {
    ...readingOf(host, `show/${host}/${userid}${generation === '' ? '' : `/${generation}`}`),
    args: [{ host, userid }],
    typedSearchAttributes: [
      { key: ZVM_HOST, value: host },
      { key: ZVM_USERID, value: userid },
    ],
    staticSummary: `read ${userid} on ${host}`,
  });
}

/** The VSWITCHes of a host, each with all that z/VM says of it. */
export async function readVswitches(client: Client, host: string) {
  const { vswitches } = await client.workflow.execute<typeof listVswitches>('listVswitches', {
    ...readingOf(host, `list-vswitches/${host}`),
    args: [{ host }],
    staticSummary: `list the VSWITCHes of ${host}`,
  });
  return vswitches;
}

function readingOf(host: string, workflowId: string) {
  return {
    taskQueue: taskQueueOf(host),
    workflowId,
    workflowIdConflictPolicy: 'USE_EXISTING' as const,
    workflowRunTimeout: LONGEST_READING,
    typedSearchAttributes: [{ key: ZVM_HOST, value: host }],
  };
}
