import type { z } from 'zod';
import { SetAdminStateInput } from '../network/requests.ts';
import { type OperationResult, operate, parseInput } from './operation.ts';

/** Set a port administratively up (coupled) or down (uncoupled, also at the next logon). Its authorisation stays. */
export async function setAdminState(input: z.input<typeof SetAdminStateInput>): Promise<OperationResult> {
  const { host, userid, giveUpAfterMinutes, keepOnFailure, dryRun, ...request } = parseInput(SetAdminStateInput, input);
  const common = { host, userid, giveUpAfterMinutes, keepOnFailure, dryRun };
  return operate(
    common,
    { kind: 'setAdminState', ...request },
    [request.portId],
    `set port ${request.portId} of ${userid} ${request.adminStateUp ? 'up' : 'down'}`,
  );
}
