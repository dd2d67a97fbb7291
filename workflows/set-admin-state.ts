import type { z } from 'zod';
import type { SetAdminStateInput } from '../domain/operations/requests.ts';
import { type OperationResult, operate } from './operation.ts';

/** Set a port administratively up (coupled) or down (uncoupled, also at the next logon). Its authorisation stays. */
export function setAdminState(input: z.input<typeof SetAdminStateInput>): Promise<OperationResult> {
  return operate('setAdminState', input);
}
