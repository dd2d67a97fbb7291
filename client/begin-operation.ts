import { randomUUID } from 'node:crypto';
import {
  type Client,
  WorkflowExecutionAlreadyStartedError,
  type WorkflowExecutionInfo,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { taskQueueOf } from '../domain/host/host.ts';
import { is } from '../temporal-config/search-attributes.ts';
import { toldToOperators } from './asked.ts';
import { digestOf } from './digest.ts';
import { operationIdOf } from './operation-id.ts';
import { HOSTS } from './operations.ts';

/** An operation to start. */
export type Beginning = {
  type: string;
  host: string;
  /** Where it is of several hosts: all of them. */
  hosts?: readonly string[];
  userid?: string;
  portIds?: readonly string[];
  workflowId: string;
  input: unknown;
  /** What it is for, where the request itself says no more. */
  summary: string;
  /** The same request is carried out once, whatever became of it; `digest` tells requests apart that bear the same key. */
  once?: { digest: string };
  /**
   * The Workflow ID stands for what is changed, so that one at a time changes it: only the same request joins what runs. With a key it is
   * carried out once, as long as the server keeps the run.
   */
  lock?: { digest: string; key?: string };
};

/** An operation that runs, or has run already. */
export type Begun = {
  id: string;
  runId: string;
  /** What runs under this id was asked for by another request: `key`, by one that bore the same key. */
  clash: boolean | 'key';
};

/** What tells requests apart that bear the same key, or the same Workflow ID. */
export function requestDigest({ type, input }: Pick<Beginning, 'type' | 'input'>): string {
  return digestOf([type, input]);
}

/** A Workflow ID that no other operation has. */
export function ownWorkflowId(prefix: string): string {
  return `${prefix}/${randomUUID().slice(0, 13)}`;
}

const DIGEST = 'requestDigest';
const KEY = 'requestKey';

/** The operation that the same request has begun before, by its key. Undefined when there is none, or the request has no key. */
export async function begunBefore(client: Client, beginning: Beginning): Promise<Begun | undefined> {
  const { workflowId, once, lock } = beginning;
  const digest = (once ?? lock)?.digest;
  const run = await earlierRun(client, beginning);
  if (run === undefined) return undefined;
  return { id: operationIdOf(workflowId), runId: run.runId, clash: run.digest === digest ? false : 'key' };
}

/** Start an operation, or join the one that runs under the same Workflow ID. Throws what the Temporal client throws. */
export async function beginOperation(client: Client, beginning: Beginning): Promise<Begun> {
  const { type, host, hosts, userid, portIds = [], workflowId, input, summary, once, lock } = beginning;
  const id = operationIdOf(workflowId);
  const memo = {
    ...(hosts === undefined ? {} : { [HOSTS]: hosts }),
    ...((once ?? lock) === undefined ? {} : { [DIGEST]: (once ?? lock)?.digest }),
    ...(lock?.key === undefined ? {} : { [KEY]: lock.key }),
  };
  try {
    const handle = await client.workflow.start(type, {
      taskQueue: taskQueueOf(host),
      workflowId,
      workflowIdConflictPolicy: 'FAIL',
      workflowIdReusePolicy: once === undefined ? 'ALLOW_DUPLICATE' : 'REJECT_DUPLICATE',
      args: [input],
      ...toldToOperators(client.options.namespace, { type, host, userid, portIds, input, summary }),
      ...(Object.keys(memo).length === 0 ? {} : { memo }),
    });
    return { id, runId: handle.firstExecutionRunId, clash: false };
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    const there = await client.workflow.getHandle(workflowId).describe();
    const digest = (once ?? lock)?.digest;
    const same = there.type === type && (digest === undefined || there.memo?.[DIGEST] === digest);
    const bySameKey = once !== undefined || (lock?.key !== undefined && there.memo?.[KEY] === lock.key);
    return { id, runId: there.runId, clash: !same && (bySameKey ? 'key' : true) };
  }
}

type EarlierRun = { runId: string; digest: unknown; key: unknown };

async function earlierRun(client: Client, { workflowId, once, lock }: Beginning): Promise<EarlierRun | undefined> {
  if (once !== undefined) return runOf(client, workflowId);
  return lock?.key === undefined ? undefined : runOfKey(client, workflowId, lock.key);
}

/** The newest run under a Workflow ID. */
async function runOf(client: Client, workflowId: string): Promise<EarlierRun | undefined> {
  try {
    return earlier(await client.workflow.getHandle(workflowId).describe());
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

/** The run under a Workflow ID that a request with this key has started. Lists are a moment late: the newest is looked at first. */
async function runOfKey(client: Client, workflowId: string, key: string): Promise<EarlierRun | undefined> {
  const newest = await runOf(client, workflowId);
  if (newest === undefined || newest.key === key) return newest;
  for await (const run of client.workflow.list({ query: is({ name: 'WorkflowId' }, workflowId) }))
    if (run.memo?.[KEY] === key) return earlier(run);
  return undefined;
}

function earlier({ runId, memo }: Pick<WorkflowExecutionInfo, 'runId' | 'memo'>): EarlierRun {
  return { runId, digest: memo?.[DIGEST], key: memo?.[KEY] };
}
