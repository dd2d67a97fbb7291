import { vswitchWorkflowId } from '../temporal-config/names.ts';
import { type Beginning, requestDigest } from './begin-operation.ts';

/**
 * An operation on a VSWITCH as it is started. Its Workflow ID is the VSWITCH's, so that one at a time changes it; a dry run is another request
 * than the change itself.
 */
export function vswitchOperation(
  type: 'ensureVswitch' | 'deleteVswitch',
  host: string,
  vswitch: string,
  how: object,
): Beginning {
  const name = vswitch.toUpperCase();
  const input = { host, vswitch: name, ...how };
  return {
    type,
    host,
    workflowId: vswitchWorkflowId(host, name),
    lock: { digest: requestDigest({ type, input }) },
    input,
    summary: `${type === 'ensureVswitch' ? 'ensure' : 'delete'} VSWITCH ${name} on ${host}`,
  };
}
