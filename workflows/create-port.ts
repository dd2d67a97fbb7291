import type { z } from 'zod';
import type { CreatePortInput } from '../domain/operations/requests.ts';
import { type OperationResult, operate } from './operation.ts';

/** Make a port exist at rest: recorded, authorised, in the user directory. The guest has it at its next logon, or by attachNic at once. */
export function createPort(input: z.input<typeof CreatePortInput>): Promise<OperationResult> {
  return operate('createPort', input);
}
