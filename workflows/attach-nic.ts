import type { z } from 'zod';
import type { AttachNicInput } from '../domain/operations/requests.ts';
import { type OperationResult, operate } from './operation.ts';

/** Make ports live on the running guest, creating those that do not exist. On a guest that is logged off they come with its next logon. */
export function attachNic(input: z.input<typeof AttachNicInput>): Promise<OperationResult> {
  return operate('attachNic', input);
}
