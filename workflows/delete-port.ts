import type { z } from 'zod';
import { DeletePortInput } from '../network/requests.ts';
import { type OperationResult, operate, parseInput } from './operation.ts';

/** Undo a port completely: no NIC, directory entry, authorisation or row is left that no other port of the guest needs. */
export async function deletePort(input: z.input<typeof DeletePortInput>): Promise<OperationResult> {
  const { host, userid, giveUpAfterMinutes, keepOnFailure, dryRun, ...request } = parseInput(DeletePortInput, input);
  const common = { host, userid, giveUpAfterMinutes, keepOnFailure, dryRun };
  return operate(
    common,
    { kind: 'deletePort', portId: request.portId },
    [request.portId],
    `delete port ${request.portId} of ${userid}`,
  );
}
