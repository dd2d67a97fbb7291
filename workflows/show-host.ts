import type { z } from 'zod';
import type { ShowHostInput } from '../domain/operations/requests.ts';
import { findable } from './findable.ts';
import type { ShownHost } from './host-activities.ts';
import { accepting, checked } from './operation.ts';
import { answerOf, reading } from './reading.ts';

/** A whole z/VM system as it is now: VSWITCHes, guests and ports, record beside z/VM. Changes nothing. */
export async function showHost(input: z.input<typeof ShowHostInput>): Promise<ShownHost> {
  const { host } = await checked(() => accepting().acceptShowHost({ input }));
  findable({ host });
  return answerOf(reading(`read ${host}`).showHost({ host }));
}
