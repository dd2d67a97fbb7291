import type { z } from 'zod';
import type { ShownGuest } from '../domain/host/host-view.ts';
import type { ShowGuestInput, ShowHostInput } from '../domain/operations/requests.ts';
import { displayActivities, unwrapped } from './activity-proxies.ts';
import type { ShownHost } from './host-activities.ts';
import { accepting, checked } from './operation.ts';
import { addSearchAttributes } from './run-visibility.ts';

/** Show a whole z/VM system as it is now: VSWITCHes, guests and ports, record beside z/VM. Changes nothing. */
export async function showHost(input: z.input<typeof ShowHostInput>): Promise<ShownHost> {
  const { host } = await checked(() => accepting().acceptShowHost({ input }));
  addSearchAttributes({ host });
  return unwrapped(displayActivities(`read ${host}`).showHost({ host }));
}

/** Show one guest as it is now: record, directory entry, live NICs, authorisations, and the repair that reconciliation would make. Changes nothing. */
export async function showGuest(input: z.input<typeof ShowGuestInput>): Promise<ShownGuest> {
  const { host, userid } = await checked(() => accepting().acceptShowGuest({ input }));
  addSearchAttributes({ host, userid });
  return unwrapped(displayActivities(`read ${userid}`).showGuest({ host, userid }));
}

/** Do nothing. The run's history names, by its identity, the worker of the host that is there to do work. */
export async function probeWorker(): Promise<void> {}
