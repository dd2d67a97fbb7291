import type { z } from 'zod';
import type { DeleteVswitchInput } from '../network/requests.ts';
import { operateOnVswitch, type VswitchOperationResult } from './vswitch-operation.ts';

/** Delete a VSWITCH of the host's configuration; refused while a NIC is coupled or a port recorded on it, unless forced. */
export function deleteVswitch(input: z.input<typeof DeleteVswitchInput>): Promise<VswitchOperationResult> {
  return operateOnVswitch('delete', input);
}
