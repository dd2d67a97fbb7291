import type { z } from 'zod';
import type { DeletePortInput } from '../domain/operations/requests.ts';
import { type OperationResult, operate } from './operation.ts';

/** Undo a port completely: no NIC, directory entry, authorisation or row is left that no other port of the guest needs. */
export function deletePort(input: z.input<typeof DeletePortInput>): Promise<OperationResult> {
  return operate('deletePort', input);
}
