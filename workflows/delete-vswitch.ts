import type { z } from 'zod';
import type { DeleteVswitchInput } from '../domain/operations/requests.ts';
import type { HostOperationResult } from './host-operation.ts';
import { operateOnVswitch } from './vswitch-operation.ts';

/** Delete a VSWITCH that the host's configuration names no more; refused while a NIC is coupled or a port recorded on it, unless forced. */
export function deleteVswitch(input: z.input<typeof DeleteVswitchInput>): Promise<HostOperationResult> {
  return operateOnVswitch('delete', input);
}
