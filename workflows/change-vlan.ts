import type { z } from 'zod';
import { describeNetwork } from '../network/port.ts';
import { ChangeVlanInput } from '../network/requests.ts';
import { type OperationResult, operate, parseInput } from './operation.ts';

/** Put a port on another VLAN, or on none (flat). On a running guest the NIC is interrupted once, for as long as z/VM needs. */
export async function changeVlan(input: z.input<typeof ChangeVlanInput>): Promise<OperationResult> {
  const { host, userid, giveUpAfterMinutes, keepOnFailure, dryRun, ...request } = parseInput(ChangeVlanInput, input);
  const common = { host, userid, giveUpAfterMinutes, keepOnFailure, dryRun };
  return operate(
    common,
    { kind: 'changeVlan', ...request },
    [request.portId],
    `put port ${request.portId} of ${userid} on ${describeNetwork(request.network)}`,
  );
}
