import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { taskQueueOf } from '../network/host.ts';
import { findableBy } from '../temporal-config/search-attributes.ts';
import { askedOf } from './asked.ts';
import { operationIdOf } from './operation-id.ts';

/** An operation to start. */
export type Beginning = {
  type: string;
  host: string;
  userid?: string;
  portIds?: readonly string[];
  workflowId: string;
  input: unknown;
  /** What it is for, where the request itself says no more. */
  summary: string;
  /** The same request is carried out once, whatever became of it; `digest` tells requests apart that bear the same key. */
  once?: { digest: string };
};

/** An operation that runs, or has run already. */
export type Begun = {
  id: string;
  runId: string;
  /** What runs under this id was asked for by another request. */
  clash: boolean;
};

const DIGEST = 'requestDigest';

/** Start an operation, or join the one that is there under the same Workflow ID. Throws what the Temporal client throws. */
export async function beginOperation(client: Client, beginning: Beginning): Promise<Begun> {
  const { type, host, userid, portIds = [], workflowId, input, summary, once } = beginning;
  const asked = askedOf(client.options.namespace, type, input);
  try {
    const handle = await client.workflow.start(type, {
      taskQueue: taskQueueOf(host),
      workflowId,
      workflowIdConflictPolicy: 'FAIL',
      workflowIdReusePolicy: once === undefined ? 'ALLOW_DUPLICATE' : 'REJECT_DUPLICATE',
      args: [input],
      typedSearchAttributes: findableBy({ host, userid, portIds, ...asked?.found }),
      staticSummary: asked?.summary ?? summary,
      ...(asked === undefined ? {} : { staticDetails: asked.details }),
      ...(once === undefined ? {} : { memo: { [DIGEST]: once.digest } }),
    });
    return { id: operationIdOf(workflowId), runId: handle.firstExecutionRunId, clash: false };
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    const there = await client.workflow.getHandle(workflowId).describe();
    const clash = there.type !== type || (once !== undefined && there.memo?.[DIGEST] !== once.digest);
    return { id: operationIdOf(workflowId), runId: there.runId, clash };
  }
}
