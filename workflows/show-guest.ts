import { proxyLocalActivities } from '@temporalio/workflow';
import type { z } from 'zod';
import type { ShownGuest } from '../network/host-view.ts';
import type { ShowGuestInput } from '../network/requests.ts';
import { findable } from './findable.ts';
import type { HostActivities } from './host-activities.ts';
import { accepting, checked } from './operation.ts';

/** One guest as it is now: record, directory entry, live NICs, authorisations, and what reconciliation would do. Changes nothing. */
export async function showGuest(input: z.input<typeof ShowGuestInput>): Promise<ShownGuest> {
  const { host, userid } = await checked(() => accepting().acceptShowGuest({ input }));
  findable({ host, userid });
  const { showGuest: read } = proxyLocalActivities<HostActivities>({
    summary: `read ${userid}`,
    startToCloseTimeout: '30 minutes',
    scheduleToCloseTimeout: '10 minutes',
  });
  return checked(() => read({ host, userid }));
}
