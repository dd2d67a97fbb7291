import { workflowInfo } from '@temporalio/workflow';
import type { Userid } from '../domain/text/identifiers.ts';
import { runPath } from '../temporal-config/ui.ts';
import { failureFrom, malformed, stepsBefore } from './failures.ts';
import { emptyQueue, type GuestQueue, type QueueState } from './guest-queue.ts';
import { isGuestRequest, type RequestOutcome } from './guest-queue-messages.ts';
import type { GuestRequest } from './guest-request.ts';
import type { EarlierRuns } from './host-activities.ts';
import { isLoan, type Loan } from './loan.ts';
import { showProgress } from './progress.ts';
import type { RequestWork } from './request-work.ts';
import { isAbsentOr, isRecord, isText } from './untrusted-input.ts';

/** A guest. `lent`: the run begins with a request that a window carries out. */
export type ConvergeGuestInput = { host: string; userid: Userid; lent?: Loan };

/** One request of a guest run, as its result names it. */
export type Finished = { operation: string; summary: string; outcome: Outcome; steps: string[] };
type Outcome = (typeof FROM_WORST)[number];

/** The result of a guest run: its last fifty requests in the order of their ends, and the knowledge for its next run. */
export type ConvergeGuestResult = {
  host: string;
  userid: string;
  requests: Finished[];
  /** When the last request that changed something ended, in milliseconds of Unix time. */
  changedAt?: number;
} & EarlierRuns;

/** The state that the next run continues from. */
export type GuestRunState = QueueState & {
  current?: RequestWork;
  /** The request in progress was withdrawn as the run ended. */
  isWithdrawn?: boolean;
  finished: Finished[];
};

const MOST_STEPS = 40;
const MOST_LINKS = 40;

/** Show the state of a guest's run, its queue, and the requests that it has carried out. */
export function showGuestRun(
  { host, userid }: ConvergeGuestInput,
  state: string,
  queue: GuestQueue,
  finished: readonly Finished[],
): void {
  const { namespace } = workflowInfo();
  const waiting = queue.inOrder();
  const ended = finished.toReversed();
  const operations = [...waiting.map(({ operation }) => operation.workflowId), ...ended.map((each) => each.operation)];
  showProgress({
    ...{ subject: `${userid} on ${host}`, state },
    links: operations.slice(0, MOST_LINKS).map((id) => ({ text: id, path: runPath(namespace, id) })),
    lists: {
      waiting: waiting.map(({ summary }) => summary),
      ended: ended.map(({ summary, outcome }) => `${outcome}: ${summary}`),
    },
  });
}

/** A request as the result of its guest run names it. */
export function finishedOf(
  { operation, summary }: GuestRequest,
  outcome: RequestOutcome,
  work?: RequestWork,
): Finished {
  const steps =
    'result' in outcome
      ? outcome.result.steps
      : outcome.kind === 'failed'
        ? stepsBefore(failureFrom(outcome.failure))
        : (work?.forward.done ?? []);
  return { operation: operation.workflowId, summary, outcome: outcomeOf(outcome), steps: steps.slice(0, MOST_STEPS) };
}

function outcomeOf(outcome: RequestOutcome): Outcome {
  switch (outcome.kind) {
    case 'done':
      if (outcome.result.plan !== undefined) return 'planned';
      return outcome.result.changed ? 'changed' : 'unchanged';
    case 'failed':
      return outcome.failure.type === 'Refused' ? 'refused' : 'failed';
    default:
      return outcome.kind;
  }
}

const FROM_WORST = ['failed', 'refused', 'cancelled', 'changed', 'awaits', 'planned', 'unchanged', 'busy'] as const;

/** A run is found by the worst of its requests. */
export function worst(finished: readonly Finished[]): Outcome {
  return FROM_WORST.find((outcome) => finished.some((each) => each.outcome === outcome)) ?? 'unchanged';
}

/** The input of a guest run. Throws a `Refused` failure when it is malformed. */
export function acceptedInput(input: unknown): ConvergeGuestInput {
  if (!isRecord(input) || !isText(input.host) || !isText(input.userid)) throw malformed('input');
  const { host, userid, lent } = input;
  if (lent !== undefined && !isLoan(lent)) throw malformed('lent');
  return { host, userid: userid as Userid, ...(lent === undefined ? {} : { lent }) };
}

/** The state that the run before has handed over. Throws a `Refused` failure when it is malformed. */
export function acceptedState(carried: unknown): GuestRunState {
  if (carried === undefined) return { ...emptyQueue(), finished: [] };
  if (!isGuestRunState(carried)) throw malformed('carried');
  return carried;
}

function isGuestRunState(carried: unknown): carried is GuestRunState {
  return (
    isRecord(carried) &&
    Array.isArray(carried.waiting) &&
    carried.waiting.every(isGuestRequest) &&
    [carried.answered, carried.finished].every(Array.isArray) &&
    isRecord(carried.words) &&
    isRecord(carried.waits) &&
    isAbsentOr(carried.current, (work) => isRecord(work) && isGuestRequest(work.request) && isRecord(work.forward))
  );
}
