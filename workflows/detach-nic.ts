import type { z } from 'zod';
import type { DetachNicInput } from '../domain/operations/requests.ts';
import { type OperationResult, operate } from './operation.ts';

/** Take NICs off the running guest. Their ports stay recorded and come back at the next logon or by attachNic. */
export function detachNic(input: z.input<typeof DetachNicInput>): Promise<OperationResult> {
  return operate('detachNic', input);
}
