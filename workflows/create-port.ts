import type { z } from 'zod';
import { CreatePortInput } from '../network/requests.ts';
import { type OperationResult, operate, parseInput } from './operation.ts';

/** Make a port exist at rest: recorded, authorised, in the user directory. The guest has it at its next logon, or by attachNic at once. */
export async function createPort(input: z.input<typeof CreatePortInput>): Promise<OperationResult> {
  const { host, userid, giveUpAfterMinutes, keepOnFailure, dryRun, ...request } = parseInput(CreatePortInput, input);
  const common = { host, userid, giveUpAfterMinutes, keepOnFailure, dryRun };
  return operate(
    common,
    { kind: 'createPort', port: request },
    [request.portId],
    `create port ${request.portId} of ${userid} on ${request.vswitch}`,
  );
}
