import { isCancellation, proxyLocalActivities, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { defined } from '../domain/defined.ts';
import type { DesiredPort } from '../domain/guest/desired.ts';
import { mergedSearchTerms } from '../domain/guest/search-terms.ts';
import type {
  GuestOperationType,
  HostOperationType,
  Operation,
  ReadingOf,
  ReadingType,
} from '../domain/operations/operations.ts';
import type { RestoredPort } from '../domain/operations/requests.ts';
import type { Effect } from '../domain/operations/results.ts';
import { type LeftNicdef, leftNicdefText } from '../domain/planning/left-nicdefs.ts';
import type { Wait } from '../domain/policy/verdict.ts';
import type { Vdev } from '../domain/port/vdev.ts';
import { guestWorkflowId } from '../temporal-config/names.ts';
import { searchAttributesOf, ZVM_OUTCOME } from '../temporal-config/search-attributes.ts';
import { runPath } from '../temporal-config/ui.ts';
import { type Approvals, approvals } from './approval.ts';
import { applicationFailureOf, reasonOf } from './failures.ts';
import type { RequestResult, RequestStanding } from './guest-queue-messages.ts';
import { type Governed, type GuestChange, type GuestQueues, guestQueues } from './guest-queues.ts';
import type { Accepted, RequestActivities } from './host-activities.ts';
import { type Progress, showProgress } from './progress.ts';
import { addSearchAttributes } from './run-visibility.ts';

/** The result of an operation on one guest. */
export type OperationResult = {
  /** False when everything was so already, as after a repeat. */
  changed: boolean;
  /** True when nothing was changed: the steps are planned. */
  dryRun?: boolean;
  /** The name of a dry run's plan, for `onlyIf.plan` of a request. */
  plan?: string;
  /** The effect of a dry run's plan. */
  effect?: Effect;
  /** The policy would have the plan wait, for an approval or for a window. */
  needs?: Wait['kind'];
  /** The ports that the operation names, as they are now; none after a deletion. */
  ports: (Omit<DesiredPort, 'live'> & { live: 'now' | 'atNextLogon' })[];
  /** The ports as an undo needs them; absent of an operation that changed nothing. */
  undo?: RestoredPort[];
  /** NICDEFs that stay although their ports go. */
  leaves?: LeftNicdef[];
  /** The steps that were done, in order; one sentence when there was nothing to do. */
  steps: string[];
};

/** Carry out an operation on one guest. Throws a `Refused` failure that names each field at fault. */
export async function operate(type: GuestOperationType, input: unknown): Promise<OperationResult> {
  const queues = guestQueues();
  const approving = approvals();
  return carryOut(
    queues,
    approving,
    await recordingFailure(() => requestActivities().acceptOperation({ type, input })),
  );
}

/** Carry out a change of a guest; answers the guest's ports. */
export async function carryOut(
  queues: GuestQueues,
  approving: Approvals,
  operation: Operation,
): Promise<OperationResult> {
  const { changed, plan, effect, wait, steps, undo, leaves, ...result } = await requestFrom(
    queues,
    approving,
    operation,
  );
  const ports = result.ports.map((port) => asReported(port, result.liveVdevs));
  const { dryRun } = operation;
  const planned = dryRun ? { dryRun, ...defined({ plan, effect, needs: wait?.kind }) } : {};
  return { changed, ...planned, steps, ports, ...defined({ leaves, undo }) };
}

/** Set an operation's search attributes, let the guest's run carry it out, and show its outcome; there is always a step. */
export async function requestFrom(
  queues: GuestQueues,
  approving: Approvals,
  { found, summary, ...operation }: Operation,
): Promise<RequestResult> {
  const { dryRun, host, userid } = operation;
  addSearchAttributes({ host, userid, ...found });
  const { namespace } = workflowInfo();
  const guest = guestWorkflowId(host, userid);
  const linkTo = (id: string) => ({ text: id, path: runPath(namespace, id) });
  const show = (progress: Pick<Progress, 'state' | 'reason' | 'links' | 'lists'>) =>
    showProgress({ subject: summary, links: [linkTo(guest)], ...progress });
  const running = () => show({ state: 'in progress' });
  const showStanding = (where: RequestStanding) => {
    const outcome = { waits: 'waiting', retries: 'retrying', held: 'held', begins: null } as const;
    upsertSearchAttributes([{ key: ZVM_OUTCOME, value: outcome[where.kind] }]);
    if (where.kind === 'begins') running();
    else if (where.kind === 'held') show({ state: `waits for the release of the host: ${where.why}` });
    else if (where.kind === 'retries') show({ state: 'is retried', reason: where.trouble });
    else
      show({
        state: `waits in the queue of the guest, behind ${where.behind}`,
        links: [linkTo(where.behind), linkTo(guest)],
      });
  };
  running();
  try {
    const result = await granted(queues, approving, operation, summary, showStanding, [linkTo(guest)]);
    upsertSearchAttributes([
      ...searchAttributesOf({ host, userid, ...mergedSearchTerms(found, result.found) }),
      { key: ZVM_OUTCOME, value: dryRun ? 'planned' : result.changed ? 'changed' : 'unchanged' },
    ]);
    const told = result.steps.length > 0 ? result.steps : ['nothing to do'];
    const stays = (result.leaves ?? []).map(leftNicdefText);
    show({ state: dryRun ? 'to be done' : 'done', lists: { [dryRun ? 'planned' : 'done']: told, stays } });
    return { ...result, steps: told };
  } catch (error) {
    const outcome = outcomeOf(error);
    upsertSearchAttributes([{ key: ZVM_OUTCOME, value: outcome }]);
    show({ state: outcome, reason: reasonOf(error) });
    throw error;
  }
}

/** The result of a request. One that the policy has wait leaves the guest's queue, and enters it anew at the time at which it may go on. */
async function granted(
  queues: GuestQueues,
  approving: Approvals,
  operation: GuestChange,
  summary: string,
  show: (where: RequestStanding) => void,
  links: NonNullable<Progress['links']>,
): Promise<RequestResult> {
  let governed: Governed = {};
  for (;;) {
    const answer = await queues.request(operation, summary, { show, governed });
    if (answer.kind === 'done') return answer.result;
    const { plan = '', effect, steps } = answer.result;
    const agreed = await approving.wait({ summary, plan, effect, steps, wait: answer.wait, links });
    governed = { ...defined({ consent: agreed ?? governed.consent }), acceptedAt: Date.now() };
  }
}

/** The request of a host operation in exact types. Throws a `Refused` failure that names each field at fault. */
export function acceptRequest<Type extends HostOperationType>(type: Type, input: unknown): Promise<Accepted<Type>> {
  return recordingFailure(() => requestActivities().acceptRequest({ type, input }));
}

/** The input of a reading in exact types. Throws a `Refused` failure that names each field at fault. */
export function acceptReading<Type extends ReadingType>(type: Type, input: unknown): Promise<ReadingOf<Type>> {
  return recordingFailure(() => requestActivities().acceptReading({ type, input }));
}

/** Run the first part of an operation. When it fails the outcome is recorded, and the failure of the activity is thrown. */
export async function recordingFailure<Result>(part: () => Promise<Result>): Promise<Result> {
  try {
    return await part();
  } catch (error) {
    if (isCancellation(error)) throw error;
    upsertSearchAttributes([{ key: ZVM_OUTCOME, value: outcomeOf(error) }]);
    throw applicationFailureOf(error) ?? error;
  }
}

/** Run a part whose failure or cancellation ends the run, and record the outcome as search attribute. */
export async function endingRun<Result>(part: () => Promise<Result>): Promise<Result> {
  try {
    return await part();
  } catch (error) {
    upsertSearchAttributes([{ key: ZVM_OUTCOME, value: outcomeOf(error) }]);
    throw error;
  }
}

/**
 * The worker parses requests, not the workflow: an exception of the parser would fail the workflow task, and runs would share what the parser keeps in
 * its modules.
 */
function requestActivities(): RequestActivities {
  return proxyLocalActivities<RequestActivities>({ summary: 'check the request', startToCloseTimeout: '10 seconds' });
}

/** The outcome of a failed run, as search attribute. */
export function outcomeOf(error: unknown): 'cancelled' | 'refused' | 'failed' {
  if (isCancellation(error)) return 'cancelled';
  return applicationFailureOf(error)?.type === 'Refused' ? 'refused' : 'failed';
}

/** A port with whether the running guest has its NIC now. */
export function asReported(port: DesiredPort, liveVdevs: readonly Vdev[]): OperationResult['ports'][number] {
  return { ...port, live: liveVdevs.includes(port.vdev) ? 'now' : 'atNextLogon' };
}
