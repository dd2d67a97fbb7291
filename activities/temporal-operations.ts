import type { Context } from '@temporalio/activity';
import { singleFlight } from '../backend/waiting.ts';
import { taskQueueOf } from '../domain/host/host.ts';
import { GUEST_OPERATION_TYPES } from '../domain/operations/operations.ts';
import type { Userid } from '../domain/text/identifiers.ts';
import { decodePayloads } from '../temporal-config/payloads.ts';
import { AWAITING_OUTCOMES, ZVM_OUTCOME, ZVM_USERID } from '../temporal-config/search-attributes.ts';
import type { OperationRef } from '../workflows/guest-request.ts';
import type { EarlierOperation, EarlierRuns, PlaceInOrder } from '../workflows/host-activities.ts';
import { carriedOutBefore, type GuestRun, guestRunsOf } from './earlier-runs.ts';
import { createRounds } from './rounds.ts';

type Client = Context['client'];
type Listed = { workflowId: string; runId: string; type: string; startedAt: number; userid: string | undefined };
/** The guests that an operation's request names. */
type Concerned = ReadonlySet<string>;

const ON_ONE_GUEST: readonly string[] = GUEST_OPERATION_TYPES;
const TYPES = [...ON_ONE_GUEST, 'wirePorts', 'restorePorts'];
const TYPE_LIST = TYPES.map((type) => `"${type}"`).join(', ');
const AWAITING: readonly string[] = AWAITING_OUTCOMES;
// An operation is in the list a moment after its acceptance, mostly within 100 ms.
const LIST_PAUSES_MS = [30, 60, 120, 250, 500, 1_000, 2_000];
const QUERY_LIMIT_MS = 5_000;
const LOOK_IS_GOOD_MS = 1_000;
const MOST_REQUESTS_KEPT = 5_000;

/** Temporal's own knowledge of the operations of one host. */
export type TemporalOperations = {
  /** True while the operation has not ended; a reset one goes on in its newest run. */
  isOpen(client: Client, operation: OperationRef): Promise<boolean>;
  /**
   * Open operations of the guest that were accepted before `operation`, and that the guest's run does not know. One that awaits an approval or a
   * window has no place in the order until then.
   */
  earlier(client: Client, userid: Userid, operation: OperationRef, order: PlaceInOrder): Promise<EarlierOperation[]>;
  /**
   * The work of guest runs before `run` that were open at `since`, in milliseconds of Unix time, or later. Undefined when there was none. A
   * `single` guest does not wait for the long list that the guests of a window share.
   */
  carriedOut(client: Client, run: GuestRun, since: number, single: boolean): Promise<EarlierRuns | undefined>;
};

/** Create the view of one host's operations; requests that wait together share one list. */
export function createTemporalOperations(host: string): TemporalOperations {
  const taskQueue = taskQueueOf(host);
  const requests = new Map<string, Concerned>();
  const listOpen = createRounds((client: Client) =>
    list(client, `TaskQueue = "${taskQueue}" AND ExecutionStatus = "Running" AND WorkflowType IN (${TYPE_LIST})`),
  );

  const asked = new Map<string, { client: Client; since: number }>();
  /** Guests that ask at the same moment share a list of their runs. */
  const listAsked = singleFlight(async () => {
    const guests = [...asked];
    asked.clear();
    const [first] = guests;
    if (first === undefined) return [];
    const since = Math.min(...guests.map(([, each]) => each.since));
    return guestRunsOf(
      first[1].client,
      guests.map(([workflowId]) => workflowId),
      since,
    );
  });
  const listGuestRuns = (client: Client, { workflowId }: GuestRun, since: number) => {
    asked.set(workflowId, { client, since: Math.min(since, asked.get(workflowId)?.since ?? since) });
    return listAsked();
  };

  /** Whom an operation concerns, by the input that it was started with; that never changes. */
  const concernedBy = async (client: Client, { workflowId, runId }: Listed): Promise<Concerned> => {
    const known = requests.get(runId);
    if (known !== undefined) return known;
    const concerned = await readRequest(client, workflowId, runId);
    if (requests.size >= MOST_REQUESTS_KEPT) requests.clear();
    requests.set(runId, concerned);
    return concerned;
  };

  const lookedAt = new Map<string, { at: number; isOpen: Promise<boolean> }>();
  /** Guests of a bulk operation look at it at the same moment. */
  const isOpenNow = (client: Client, operation: OperationRef): Promise<boolean> => {
    const key = `${operation.workflowId} ${operation.firstRunId}`;
    const known = lookedAt.get(key);
    if (known !== undefined && Date.now() - known.at < LOOK_IS_GOOD_MS) return known.isOpen;
    const looked = { at: Date.now(), isOpen: isOpen(client, operation) };
    if (lookedAt.size >= MOST_REQUESTS_KEPT) lookedAt.clear();
    lookedAt.set(key, looked);
    return looked.isOpen;
  };

  return {
    isOpen: isOpenNow,
    carriedOut: (client, run, since, single) =>
      carriedOutBefore(client, run, since, single ? undefined : (each, from) => listGuestRuns(client, each, from)),
    async earlier(client, userid, operation, { acceptedAt, known }) {
      const open = await listWithItself(client, operation, listOpen);
      const before = open.filter(
        ({ workflowId, startedAt }) =>
          startedAt < acceptedAt && workflowId !== operation.workflowId && !known.includes(workflowId),
      );
      const found = await Promise.all(
        before.map(async (each): Promise<EarlierOperation[]> => {
          if (each.userid !== undefined && each.userid !== userid) return [];
          if (each.userid === undefined && !(await concernedBy(client, each)).has(userid)) return [];
          if (ON_ONE_GUEST.includes(each.type)) return [{ workflowId: each.workflowId, isCertain: false }];
          return (await comes(client, each, userid)) ? [{ workflowId: each.workflowId, isCertain: true }] : [];
        }),
      );
      return found.flat();
    },
  };
}

async function isOpen(client: Client, { workflowId, firstRunId }: OperationRef): Promise<boolean> {
  const run = await openRun(client, workflowId);
  const first = run?.raw.workflowExecutionInfo?.firstRunId;
  return run !== undefined && (first === firstRunId || first === undefined || first === '');
}

/** The open run of a Workflow ID, of which Temporal knows at once, unlike its list; undefined when there is none. */
export async function openRun(client: Client, workflowId: string) {
  try {
    const run = await client.workflow.getHandle(workflowId).describe();
    return run.status.name === 'RUNNING' ? run : undefined;
  } catch (error) {
    if (isMissingRun(error)) return undefined;
    throw error;
  }
}

/** True of the answer that there is no such run, or no open one to signal. */
export function isMissingRun(error: unknown): boolean {
  return error instanceof Error && error.name === 'WorkflowNotFoundError';
}

/** The list is behind: it is believed once the operation itself is in it, or after some seconds. */
async function listWithItself(
  client: Client,
  { workflowId }: OperationRef,
  listOpen: (client: Client) => Promise<Listed[]>,
): Promise<Listed[]> {
  let open = await listOpen(client);
  for (const pause of LIST_PAUSES_MS) {
    if (open.some((each) => each.workflowId === workflowId)) break;
    await new Promise((resolve) => setTimeout(resolve, pause));
    open = await listOpen(client);
  }
  return open;
}

async function list(client: Client, query: string): Promise<Listed[]> {
  const found: Listed[] = [];
  for await (const { workflowId, runId, type, startTime, typedSearchAttributes } of client.workflow.list({ query })) {
    if (AWAITING.includes(typedSearchAttributes.get(ZVM_OUTCOME) ?? '')) continue;
    const userid = typedSearchAttributes.get(ZVM_USERID);
    found.push({ workflowId, runId, type, startedAt: startTime.getTime(), userid });
  }
  return found;
}

/** A bulk operation comes to its guests one after another; one that does not answer is taken to come. */
async function comes(client: Client, { workflowId, runId }: Listed, userid: Userid): Promise<boolean> {
  try {
    const answer: unknown = await client.withDeadline(Date.now() + QUERY_LIMIT_MS, () =>
      client.workflow.getHandle(workflowId, runId).query('comesTo', userid),
    );
    return answer !== false;
  } catch {
    return true;
  }
}

/** The guests in the request that an operation was started with, read from the first event of its history. */
async function readRequest(client: Client, workflowId: string, runId: string): Promise<Concerned> {
  const { history } = await client.workflowService.getWorkflowExecutionHistory({
    namespace: client.options.namespace,
    execution: { workflowId, runId },
    maximumPageSize: 1,
  });
  const payloads = history?.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads;
  const [input] = await decodePayloads(client, payloads);
  return concernedOf(input);
}

function concernedOf(input: unknown): Concerned {
  const request = fieldsOf(input);
  const ports = Array.isArray(request.ports) ? request.ports.map(fieldsOf) : [];
  const userids = [request.userid, ...ports.map((port) => port.userid)].flatMap((userid) =>
    typeof userid === 'string' ? [userid.toUpperCase()] : [],
  );
  return new Set(userids);
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}
