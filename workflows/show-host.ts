import type { z } from 'zod';
import type { ShowHostInput } from '../domain/operations/requests.ts';
import type { ShownHost } from './host-activities.ts';
import { accepting, checked } from './operation.ts';
import { answerOf, reading } from './reading.ts';
import { setSearchAttributes } from './search-attributes.ts';

/** A whole z/VM system as it is now: VSWITCHes, guests and ports, record beside z/VM. Changes nothing. */
export async function showHost(input: z.input<typeof ShowHostInput>): Promise<ShownHost> {
  const { host } = await checked(() => accepting().acceptShowHost({ input }));
  setSearchAttributes({ host });
  return answerOf(reading(`read ${host}`).showHost({ host }));
}
