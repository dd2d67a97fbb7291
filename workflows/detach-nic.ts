import type { z } from 'zod';
import { DetachNicInput } from '../network/requests.ts';
import { type OperationResult, operate, parseInput } from './operation.ts';

/** Take NICs off the running guest. Their ports stay recorded and come back at the next logon or by attachNic. */
export async function detachNic(input: z.input<typeof DetachNicInput>): Promise<OperationResult> {
  const { host, userid, giveUpAfterMinutes, keepOnFailure, dryRun, ...request } = parseInput(DetachNicInput, input);
  const common = { host, userid, giveUpAfterMinutes, keepOnFailure, dryRun };
  return operate(
    common,
    { kind: 'detachNic', portIds: request.portIds },
    request.portIds,
    `detach ${request.portIds.length} NIC(s) from ${userid}`,
  );
}
