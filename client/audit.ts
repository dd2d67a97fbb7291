import type { Client } from '@temporalio/client';
import { defined } from '../domain/defined.ts';
import { isOperationType, OPERATIONS } from '../domain/operations/operations.ts';
import { RESULTS } from '../domain/operations/results.ts';
import type { Decision } from './approval.ts';
import { inGroups } from './in-groups.ts';
import {
  cursorAt,
  describeOperation,
  listOperations,
  type OperationCursor,
  type OperationDetails,
  type OperationFilter,
} from './operations.ts';
import type { Origin } from './origin.ts';

/** An operation for the audit: when, by whom and why, on what, and what came of it. Absent without an origin: started at Temporal itself. */
export type AuditEntry = Partial<Origin> & {
  at: string;
  endedAt?: string;
  operation: string;
  host: string;
  userid?: string;
  portIds: string[];
  summary?: string;
  /** The operation that it undoes. */
  undoes?: string;
  /** One of OPERATION_OUTCOMES; the state of an operation without an outcome. */
  outcome: string;
  /** The last decision on a plan of it: by whom, when and why. */
  decision?: Decision;
  /** The steps that were carried out, or would be by a plan; as many lines of a bulk operation as ports were wired. */
  steps: string[];
  failure?: string;
  id: string;
  runId: string;
};

/** A page of the audit, and the place after it while more may follow. */
export type AuditPage = { entries: AuditEntry[]; next?: OperationCursor };

/** Operations that are read at the same time. */
const AT_ONCE = 8;

/** At most `limit` entries in the order of `listOperations`. Throws what the Temporal client throws. */
export async function auditPage(client: Client, filter: OperationFilter, limit: number): Promise<AuditPage> {
  const found = await listOperations(client, filter, limit);
  const details = await inGroups(found, AT_ONCE, ({ id, runId }) =>
    describeOperation(client, id, runId, { ask: false }),
  );
  const entries = details.flatMap((each) => (each === undefined ? [] : [entryOf(each)]));
  const last = found.at(-1);
  return { entries, ...(last === undefined || found.length < limit ? {} : { next: cursorAt(last) }) };
}

/** All entries after a place, page by page. */
export async function* auditTrail(
  client: Client,
  filter: OperationFilter,
  pageSize: number,
): AsyncGenerator<AuditEntry> {
  let after = filter.after;
  do {
    const { entries, next } = await auditPage(client, { ...filter, after }, pageSize);
    yield* entries;
    after = next;
  } while (after !== undefined);
}

function entryOf(operation: OperationDetails): AuditEntry {
  const {
    startedAt,
    closedAt,
    type,
    host,
    userid,
    portIds,
    summary,
    undoes,
    state,
    outcome,
    origin,
    decision,
    failure,
    id,
    runId,
  } = operation;
  return {
    at: startedAt,
    ...defined({ endedAt: closedAt }),
    ...origin,
    operation: type,
    host,
    ...defined({ userid }),
    portIds,
    ...defined({ summary, undoes }),
    outcome: outcome ?? state,
    ...defined({ decision }),
    steps: stepsOf(operation),
    ...defined({ failure: failure?.message }),
    id,
    runId,
  };
}

function stepsOf({ type, result }: OperationDetails): string[] {
  switch (isOperationType(type) ? OPERATIONS[type].result : undefined) {
    case 'ports':
    case 'steps':
      return RESULTS.steps.safeParse(result).data?.steps ?? [];
    case 'wiring':
      return (RESULTS.wiring.safeParse(result).data?.ports ?? [])
        .filter(({ outcome }) => outcome === 'wired')
        .map(
          ({ portId, userid, vdev }) =>
            `wire port ${portId} of ${userid}${vdev === undefined ? '' : ` as NIC ${vdev}`}`,
        );
    case 'reconciliation':
      return RESULTS.reconciliation.safeParse(result).data?.drifts ?? [];
    default:
      return [];
  }
}
