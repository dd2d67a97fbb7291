import { randomUUID } from 'node:crypto';
import {
  type Client,
  WorkflowExecutionAlreadyStartedError,
  type WorkflowExecutionInfo,
  type WorkflowHandle,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { defined } from '../domain/defined.ts';
import { taskQueueOf } from '../domain/host/host.ts';
import {
  definitionOf,
  isGuestOperationType,
  OPERATIONS,
  type OperationType,
  type RequestOf,
} from '../domain/operations/operations.ts';
import type { HostName } from '../domain/text/identifiers.ts';
import { guestWorkflowId, operationIdOf, workflowIdOf } from '../temporal-config/names.ts';
import { aboutGuest, aboutPort } from '../temporal-config/saved-queries.ts';
import { is, searchAttributesOf } from '../temporal-config/search-attributes.ts';
import { listPath, markdownLink, markdownText, runPath } from '../temporal-config/ui.ts';
import type * as workflows from '../workflows/index.ts';
import { digestOf } from './digest.ts';
import { HOSTS, UNDOES } from './operations.ts';
import { clientOf, type Origin, originMemo } from './origin.ts';

/** A request for an operation, in exact types: parsed where it came in. */
export type OperationRequest = { [Type in OperationType]: { type: Type; input: RequestOf<Type> } }[OperationType];

/** The request of a type that is known only when it runs. */
export function requestOf<Type extends OperationType>(type: Type, input: RequestOf<Type>): OperationRequest {
  // TypeScript does not relate a type parameter to its member of the union.
  return { type, input } as OperationRequest;
}

/** How an operation is started. */
export type StartOptions = {
  workflowId: string;
  /** The person or program that asks for it. Temporal's histories show the name. */
  origin?: Origin | undefined;
  /** Fields of the input that are not part of what the caller asks for: the same request may have others. */
  besides?: object;
  /** The same request is carried out once, whatever became of it; `digest` tells requests apart that bear the same key. */
  once?: { digest: string };
  /**
   * The Workflow ID stands for what is changed, so that one at a time changes it: only the same request joins what runs. With a key it is
   * carried out once, as long as the server keeps the run.
   */
  lock?: { digest: string; key?: string };
};

/** An operation that runs, or has run already. */
export type StartedOperation = {
  id: string;
  runId: string;
  /** Another request has started the run of this id: one about the same thing, or one that bore the same key. */
  conflict?: 'busy' | 'key';
};

/** The digest of a request: different requests with the same key or Workflow ID differ in it. */
export function requestDigest({ type, input }: OperationRequest): string {
  return digestOf([type, Object.entries(input).toSorted(([one], [other]) => (one < other ? -1 : 1))]);
}

/**
 * The usual Workflow ID of an operation: its lock where it has one. Else `<prefix>/<host>/<subject>` with `unique` behind it, so that each has
 * its own: of three changes A, B, A the last must not join the first.
 */
export function workflowIdFor(request: OperationRequest, unique: string = randomUUID().slice(0, 13)): string {
  const { type, input } = request;
  const { idPrefix, lock } = definitionOf(type);
  if (lock !== undefined) return `${idPrefix}/${lock(input)}`;
  const { portIds } = definitionOf(type).found(input);
  const host = 'host' in input ? [input.host] : [];
  const subject = 'userid' in input ? [portIds.length === 1 ? portIds[0] : input.userid] : [];
  return [idPrefix, ...host, ...subject, unique].join('/');
}

/** One line for operators. */
export function summaryOf({ type, input }: OperationRequest): string {
  const of = 'userid' in input ? ` (${input.host})` : '';
  return `${definitionOf(type).summary(input)}${of}${input.dryRun ? ', plan only' : ''}`;
}

/** The host whose task queue an operation is on: of several hosts the first. */
export function hostOf({ input }: OperationRequest): HostName {
  if (!('hosts' in input)) return input.host;
  const [first] = input.hosts;
  if (first === undefined) throw new RangeError('the request names no host');
  return first;
}

const DIGEST = 'requestDigest';
const KEY = 'requestKey';

/** The operation that the same request has started before, by its key. Undefined when there is none, or the request has no key. */
export async function startedBefore(
  client: Client,
  { workflowId, once, lock }: StartOptions,
): Promise<StartedOperation | undefined> {
  const run =
    once !== undefined
      ? await newestRun(client, workflowId)
      : lock?.key === undefined
        ? undefined
        : await runOfKey(client, workflowId, lock.key);
  if (run === undefined) return undefined;
  const isSame = run.digest === (once ?? lock)?.digest;
  return { id: operationIdOf(workflowId), runId: run.runId, ...(isSame ? {} : { conflict: 'key' }) };
}

/** Start an operation, or join the one that runs under the same Workflow ID. Throws what the Temporal client throws. */
export async function startOperation(
  client: Client,
  request: OperationRequest,
  { workflowId, origin, besides, once, lock }: StartOptions = { workflowId: workflowIdFor(request) },
): Promise<StartedOperation> {
  const { type, input } = request;
  const id = operationIdOf(workflowId);
  const digest = (once ?? lock)?.digest;
  const hosts = 'hosts' in input ? input.hosts : undefined;
  const undoes = 'undoes' in input ? input.undoes : undefined;
  const memo = {
    ...originMemo(origin),
    ...defined({ [HOSTS]: hosts, [UNDOES]: undoes, [DIGEST]: digest, [KEY]: lock?.key }),
  };
  const asking = origin === undefined ? client : clientOf(client, origin.by);
  try {
    const handle = await asking.workflow.start(type, {
      taskQueue: taskQueueOf(hostOf(request)),
      workflowId,
      workflowIdConflictPolicy: 'FAIL',
      workflowIdReusePolicy: once === undefined ? 'ALLOW_DUPLICATE' : 'REJECT_DUPLICATE',
      args: [{ ...input, ...besides }],
      ...forOperators(client.options.namespace, request, origin),
      ...(Object.keys(memo).length === 0 ? {} : { memo }),
    });
    return { id, runId: handle.firstExecutionRunId };
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    const there = await client.workflow.getHandle(workflowId).describe();
    const isSame = there.type === type && (digest === undefined || there.memo?.[DIGEST] === digest);
    const bySameKey = once !== undefined || (lock?.key !== undefined && there.memo?.[KEY] === lock.key);
    return { id, runId: there.runId, ...(isSame ? {} : { conflict: bySameKey ? 'key' : 'busy' }) };
  }
}

/** The run of a started operation, with the type of its result. */
export function runOf<Type extends OperationType>(
  client: Client,
  _type: Type,
  { id, runId }: StartedOperation,
): WorkflowHandle<(typeof workflows)[Type]> {
  return client.workflow.getHandle<(typeof workflows)[Type]>(workflowIdOf(id), undefined, {
    firstExecutionRunId: runId,
  });
}

const MOST_LINKS = 8;

/** The part of a start that operators see, and find the run by. */
function forOperators(namespace: string, request: OperationRequest, origin: Origin | undefined) {
  const { type, input } = request;
  const { portIds, vswitches, vlans } = definitionOf(type).found(input);
  const userid = 'userid' in input ? { userid: input.userid } : {};
  return {
    typedSearchAttributes: searchAttributesOf({
      host: hostOf(request),
      by: origin?.by,
      ...userid,
      portIds,
      vswitches,
      vlans,
    }),
    staticSummary: summaryOf(request),
    staticDetails: [detailsOf(namespace, request, portIds), originText(origin)].filter((text) => text !== '').join(' '),
  };
}

function originText(origin: Origin | undefined): string {
  if (origin === undefined) return '';
  const { by, via, reason } = origin;
  const why = reason === undefined ? '' : `: ${markdownText(reason)}`;
  return `Asked for by **${markdownText(by)}** (${via})${why}`;
}

function detailsOf(namespace: string, { type, input }: OperationRequest, portIds: readonly string[]): string {
  if (type === 'wirePorts') return `${OPERATIONS.wirePorts.does}. Each guest has a run of its own.`;
  if (!isGuestOperationType(type) || !('userid' in input)) return '';
  const { host, userid, dryRun } = input;
  const link = (text: string, query: string) => markdownLink(text, listPath(namespace, query));
  const links = [
    markdownLink('the steps on z/VM', runPath(namespace, guestWorkflowId(host, userid))),
    ...portIds.slice(0, MOST_LINKS).map((portId) => link(`all about port ${portId}`, aboutPort(portId))),
    link(`all about ${userid}`, aboutGuest(host, userid)),
  ];
  const plan = dryRun ? ' Plan only, nothing is changed.' : '';
  return `Guest **${userid}** on host **${host}**.${plan} See ${links.join(', ')}.`;
}

type EarlierRun = { runId: string; digest: unknown; key: unknown };

/** The newest run under a Workflow ID. */
async function newestRun(client: Client, workflowId: string): Promise<EarlierRun | undefined> {
  try {
    return earlier(await client.workflow.getHandle(workflowId).describe());
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

/** The run under a Workflow ID that a request with this key has started. Lists are a moment late: the newest is looked at first. */
async function runOfKey(client: Client, workflowId: string, key: string): Promise<EarlierRun | undefined> {
  const newest = await newestRun(client, workflowId);
  if (newest === undefined || newest.key === key) return newest;
  for await (const run of client.workflow.list({ query: is({ name: 'WorkflowId' }, workflowId) }))
    if (run.memo?.[KEY] === key) return earlier(run);
  return undefined;
}

function earlier({ runId, memo }: Pick<WorkflowExecutionInfo, 'runId' | 'memo'>): EarlierRun {
  return { runId, digest: memo?.[DIGEST], key: memo?.[KEY] };
}
