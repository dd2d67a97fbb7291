import type { z } from 'zod';
import type { ChangeVlanInput } from '../domain/operations/requests.ts';
import { type OperationResult, operate } from './operation.ts';

/** Put a port on another VLAN, on none (flat), or on another VSWITCH. On a user-based VSWITCH the live NIC is interrupted once; on a port-based one not at all. */
export function changeVlan(input: z.input<typeof ChangeVlanInput>): Promise<OperationResult> {
  return operate('changeVlan', input);
}
