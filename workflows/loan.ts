import { defineSignal } from '@temporalio/workflow';
import { isGuestRequest, isRequestOutcome, type RequestResult } from './guest-queue-messages.ts';
import { type GuestRequest, isLendable } from './guest-request.ts';
import { isRecord, isText } from './untrusted-input.ts';

/** The activity `changeWindow` of a bulk operation, which guest runs have lent their guests to. */
export type Borrower = { workflowId: string; runId: string; activityId: string };

/** A guest run that begins with a request that the borrower carries out: until the guest is given back, the run does not touch it. */
export type Loan = { request: GuestRequest; borrower: Borrower };

/** The state in which a guest is given back. It holds no plan: anybody can send a signal, and a plan of one would grant what no rule allows. */
export type GivenBack = { requestId: string } & (
  | /** All is done, and the operation knows it. */ { kind: 'done'; result: RequestResult }
  | /** Steps of the plan that Temporal keeps may have been carried out. */ { kind: 'begun' }
  | { kind: 'untouched' }
);

/** Sent to a guest run by the worker that its guest was lent to. */
export const giveBack = defineSignal<[GivenBack]>('giveBack');

/** True when the run can work with it. */
export function isGivenBack(value: unknown): value is GivenBack {
  if (!isRecord(value) || !isText(value.requestId)) return false;
  if (value.kind === 'done') return isRequestOutcome({ kind: 'done', result: value.result });
  return value.kind === 'begun' || value.kind === 'untouched';
}

/** True for a loan that a run was started with. */
export function isLoan(value: unknown): value is Loan {
  if (!isRecord(value) || !isGuestRequest(value.request) || !isRecord(value.borrower)) return false;
  const { workflowId, runId, activityId } = value.borrower;
  return [workflowId, runId, activityId].every(isText) && isLendable(value.request);
}
