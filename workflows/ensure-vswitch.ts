import type { z } from 'zod';
import type { EnsureVswitchInput } from '../domain/operations/requests.ts';
import type { HostOperationResult } from './host-operation.ts';
import { operateOnVswitch } from './vswitch-operation.ts';

/** Make a VSWITCH what the host's configuration says: create it, or change its uplinks. An administrator's is refused. */
export function ensureVswitch(input: z.input<typeof EnsureVswitchInput>): Promise<HostOperationResult> {
  return operateOnVswitch('ensure', input);
}
