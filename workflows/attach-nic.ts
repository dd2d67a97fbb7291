import type { z } from 'zod';
import { AttachNicInput } from '../network/requests.ts';
import { type OperationResult, operate, parseInput } from './operation.ts';

/** Make ports live on the running guest, creating those that do not exist. On a guest that is logged off they come with its next logon. */
export async function attachNic(input: z.input<typeof AttachNicInput>): Promise<OperationResult> {
  const { host, userid, giveUpAfterMinutes, keepOnFailure, dryRun, ...request } = parseInput(AttachNicInput, input);
  const common = { host, userid, giveUpAfterMinutes, keepOnFailure, dryRun };
  return operate(
    common,
    { kind: 'attachNic', ports: request.ports },
    request.ports.map((port) => port.portId),
    `attach ${request.ports.length} NIC(s) to ${userid}`,
  );
}
