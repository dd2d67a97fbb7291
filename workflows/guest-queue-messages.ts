import { defineQuery, defineSignal } from '@temporalio/workflow';
import { portsOfChange } from '../domain/guest/change-ports.ts';
import { searchTermsOfChange } from '../domain/guest/search-terms.ts';
import type { GuestMigration } from '../domain/migration/guest-migration.ts';
import { isSingle } from '../domain/operations/batch.ts';
import type { Change } from '../domain/operations/requests.ts';
import type { Effect } from '../domain/operations/results.ts';
import type { PlanResult } from '../domain/planning/plan-result.ts';
import { VIAS, type Wait } from '../domain/policy/verdict.ts';
import type { ProbeReport } from '../domain/probe/report.ts';
import type { GuestRequest } from './guest-request.ts';
import { isAbsentOr, isRecord, isText, isTexts } from './untrusted-input.ts';

/** The answer to a request that was carried out. */
export type RequestResult = PlanResult & {
  /** The name of a dry run's plan, for a request that is to be carried out only so. */
  plan?: string;
  /** The effect of a dry run's plan. */
  effect?: Effect;
  /** The policy would have the plan wait. */
  wait?: Wait;
  /** Of an undo: what has changed since the operation that it undoes. */
  changedSince?: string[];
  /** After a probe. */
  probe?: ProbeReport;
  /** After a migration. */
  migration?: GuestMigration;
};

/** A failure as data: signals carry it from a guest run to its operation. */
export type FailureData = { type: string; message: string; details: unknown[] };

/** How a request ended. */
export type RequestOutcome =
  | { kind: 'done'; result: RequestResult }
  | { kind: 'failed'; failure: FailureData }
  | { kind: 'cancelled' }
  /** It is planned, and the policy has it wait: the result is that of a dry run. */
  | { kind: 'awaits'; wait: Wait; result: RequestResult }
  /** The guest is not free; the request was to be carried out only then. */
  | { kind: 'busy' };

/** The standing of a request without an outcome. */
export type RequestStanding =
  | { kind: 'waits'; behind: string }
  | { kind: 'begins' }
  /** An operator holds the host, in the words of `why`. */
  | { kind: 'held'; why: string }
  | { kind: 'retries'; trouble: string };

/** Sent to a guest run, which it starts where there is none: the request enters the guest's queue. */
export const enqueue = defineSignal<[GuestRequest]>('enqueue');
/** Sent to a guest run: the request of that id leaves the queue, or is rolled back when it is in progress. */
export const withdraw = defineSignal<[string]>('withdraw');
/** Sent to a guest run after a restore: the requests of the operation of that Workflow ID end, and the guest is left as it is. */
export const abandon = defineSignal<[string]>('abandon');
/** Query to a guest run: the operation in progress, and the waiting operations in order, by Workflow ID. */
export const queueOfGuest = defineQuery<{ current: string | undefined; waiting: string[] }>('queue');

/** The answer to a request: its id, how it ended, and the run of the operation that had sent it. */
export type Answer = { id: string; outcome: RequestOutcome; runId: string };

/** An answer, with the Workflow ID of the operation that it goes to. */
export type AnswerToOperation = Answer & { operation: string };

/** The part of a sent answer that the history of a guest run keeps, for later runs of the guest. */
export type AnsweredOperation = { operation: string; id: string; kind: RequestOutcome['kind']; portIds: string[] };

/** Sent to an operation by a guest run, once for each of its requests. */
export const answer = defineSignal<[string, RequestOutcome, string]>('answer');
/** Sent to a bulk operation by a worker, in place of signals of each guest run. An answer may come again. */
export const answers = defineSignal<[Answer[]]>('answers');
/** True for the guests of a window that were changed: the answer is the same however often the workflow task that gives it is done again. */
export function isAnsweredTogether({ batch, takesAnswers }: GuestRequest, outcome: RequestOutcome): boolean {
  return takesAnswers === true && !isSingle(batch) && outcome.kind === 'done' && outcome.result.changed;
}

/** Signal to an operation whose request waits, begins or is retried. */
export const standing = defineSignal<[string, RequestStanding]>('standing');
/** Signal to an operation whose guest run was terminated or failed: the request's id, and whether it was in progress. */
export const guestLost = defineSignal<[string, { began: boolean }]>('guestLost');
/** Query to a bulk operation: whether it still has a request for the guest. */
export const comesTo = defineQuery<boolean, [string]>('comesTo');

/** A week is the longest deadline of a request; rollbacks and host operations take less. */
const MOST_MINUTES = 10_080;

/** True when the workflow can work with the value; the values of the change are checked by the activity that plans it. */
export function isGuestRequest(value: unknown): value is GuestRequest {
  return (
    isRecord(value) &&
    isText(value.id) &&
    isText(value.runId) &&
    isRecord(value.operation) &&
    isText(value.operation.workflowId) &&
    isText(value.operation.firstRunId) &&
    isText(value.summary) &&
    Number.isFinite(value.acceptedAt) &&
    typeof value.giveUpAfterMinutes === 'number' &&
    value.giveUpAfterMinutes > 0 &&
    value.giveUpAfterMinutes <= MOST_MINUTES &&
    [value.keepOnFailure, value.dryRun, value.reports, value.onlyIfFree].every((flag) => typeof flag === 'boolean') &&
    isAbsentOr(value.onlyIf, isRecord) &&
    isAbsentOr(value.asks, isPolicyQuestion) &&
    [value.comesAgain, value.takesAnswers].every((mark) => isAbsentOr(mark, (flag) => flag === true)) &&
    isAbsentOr(value.batch, isBatch) &&
    isAbsentOr(value.directory, isText) &&
    isAbsentOr(value.trace, isText) &&
    isChange(value.change)
  );
}

function isPolicyQuestion(value: unknown): boolean {
  if (!isRecord(value) || !isRecord(value.caller)) return false;
  const { caller, consent, guests } = value;
  return (
    isAbsentOr(caller.by, isText) &&
    VIAS.some((via) => via === caller.via) &&
    isAbsentOr(consent, (given) => isRecord(given) && isText(given.plan) && isText(given.by)) &&
    isAbsentOr(guests, Number.isFinite)
  );
}

function isBatch(value: unknown): boolean {
  return isRecord(value) && isText(value.window) && typeof value.size === 'number';
}

/** Search attributes are made of it: texts that they can hold. */
function isChange(value: unknown): value is Change {
  if (!isRecord(value) || !isText(value.kind)) return false;
  try {
    const change = value as Change;
    const { portIds, vswitches, vlans } = searchTermsOfChange(change);
    return [portIds, vswitches, vlans, portsOfChange(change)].every(isTexts);
  } catch {
    return false;
  }
}

/** True when an operation can read the answer. */
export function isRequestOutcome(value: unknown): value is RequestOutcome {
  if (!isRecord(value)) return false;
  switch (value.kind) {
    case 'done':
      return isRequestResult(value.result);
    case 'awaits':
      return isRequestResult(value.result) && isText(value.result.plan) && isWait(value.wait);
    case 'failed':
      return isRecord(value.failure) && typeof value.failure.type === 'string' && isSentence(value.failure.message);
    default:
      return value.kind === 'cancelled' || value.kind === 'busy';
  }
}

/** Longer waits than a month are none that a policy says. */
const MOST_WAIT_MINUTES = 44_640;

function isWait(value: unknown): value is Wait {
  if (!isRecord(value) || !isTexts(value.rules)) return false;
  if (value.kind === 'window') return isTexts(value.windows) && Number.isSafeInteger(value.opensAt);
  const { withinMinutes, approvers } = value;
  return (
    value.kind === 'approval' &&
    typeof withinMinutes === 'number' &&
    withinMinutes > 0 &&
    withinMinutes <= MOST_WAIT_MINUTES &&
    Array.isArray(approvers) &&
    approvers.every(isTexts)
  );
}

function isRequestResult(value: unknown): value is RequestResult {
  return (
    isRecord(value) &&
    typeof value.changed === 'boolean' &&
    [value.ports, value.refused, value.liveVdevs, value.steps].every(Array.isArray) &&
    [value.undo, value.changedSince, value.leaves].every((list) => isAbsentOr(list, Array.isArray)) &&
    isRecord(value.found) &&
    [value.found.portIds, value.found.vswitches, value.found.vlans].every(isTexts)
  );
}

/** True when an operation can show it. */
export function isRequestStanding(value: unknown): value is RequestStanding {
  if (!isRecord(value)) return false;
  if (value.kind === 'waits') return isText(value.behind);
  if (value.kind === 'held') return isSentence(value.why);
  return value.kind === 'begins' || (value.kind === 'retries' && isSentence(value.trouble));
}

function isSentence(value: unknown): value is string {
  return typeof value === 'string';
}
