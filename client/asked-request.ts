import type { Client } from '@temporalio/client';
import { isOperationType, parseRequest } from '../domain/operations/operations.ts';
import { workflowIdOf } from '../temporal-config/names.ts';
import { decodePayloads } from '../temporal-config/payloads.ts';
import { type OperationRequest, requestOf } from './start-operation.ts';

/** Fields of an input that are true at its start alone: the conditions of the request, and the state that was known then. */
const OF_ITS_TIME = new Set(['onlyIf', 'last']);

/**
 * The request that an operation was started with, to be made again: read from the first event of its history. Undefined where that is no
 * request of today. Throws what the Temporal client throws.
 */
export async function askedRequest(
  client: Client,
  { id, runId, type }: { id: string; runId: string; type: string },
  dryRun: boolean,
): Promise<OperationRequest | undefined> {
  if (!isOperationType(type)) return undefined;
  const { history } = await client.workflowService.getWorkflowExecutionHistory({
    namespace: client.options.namespace,
    execution: { workflowId: workflowIdOf(id), runId },
    maximumPageSize: 1,
  });
  const started = history?.events?.[0]?.workflowExecutionStartedEventAttributes;
  const [input] = await decodePayloads(client, started?.input?.payloads);
  if (typeof input !== 'object' || input === null) return undefined;
  const lasting = Object.entries(input).filter(([name]) => !OF_ITS_TIME.has(name));
  const parsed = parseRequest(type, { ...Object.fromEntries(lasting), dryRun });
  return parsed.accepted ? requestOf(type, parsed.request) : undefined;
}
