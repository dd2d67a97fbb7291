import type { z } from 'zod';
import type { ShownGuest } from '../domain/host/host-view.ts';
import type { ShowGuestInput } from '../domain/operations/requests.ts';
import { accepting, checked } from './operation.ts';
import { answerOf, reading } from './reading.ts';
import { setSearchAttributes } from './search-attributes.ts';

/** One guest as it is now: record, directory entry, live NICs, authorisations, and what reconciliation would do. Changes nothing. */
export async function showGuest(input: z.input<typeof ShowGuestInput>): Promise<ShownGuest> {
  const { host, userid } = await checked(() => accepting().acceptShowGuest({ input }));
  setSearchAttributes({ host, userid });
  return answerOf(reading(`read ${userid}`).showGuest({ host, userid }));
}
