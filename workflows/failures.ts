import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  ChildWorkflowFailure,
  TimeoutFailure,
} from '@temporalio/common';
import { describeRefusals, type Refusal, refusal } from '../domain/planning/refusal.ts';
import { fieldPage } from '../domain/planning/refused-field.ts';
import type { Mac } from '../domain/port/mac.ts';
import { messageOf } from '../domain/text/error-message.ts';
import type { FailureData } from './guest-queue-messages.ts';
import type { PlannedChange } from './host-activities.ts';
import { isRecord } from './untrusted-input.ts';

/** The types of failures. Callers see the first three. */
export type FailureType =
  /** The request cannot be granted; nothing was touched. Details: the refusals, each with its field and the section about it (docs/errors). */
  | 'Refused'
  /** A step failed permanently. Details: a FailureReport. */
  | 'StepFailed'
  /** A step failed transiently until the operation's deadline. Details: a FailureReport. */
  | 'DeadlineExceeded'
  /** A recorded address or port number belongs to another port too. Only inside operations; details: the addresses, the refusals. */
  | 'AddressConflict'
  /** The operation that sent the request has ended. Only inside guest runs. */
  | 'OperationEnded'
  /** An operator holds the host: nothing was begun. Only inside runs, which wait for the release. */
  | 'Held';

/** A failed step, and the state of the guest after it. */
export type FailureReport = {
  host: string;
  userid: string;
  portIds: readonly string[];
  step: string;
  reason: string;
  advice: string;
  /** The section of the documentation about it. */
  page?: string | undefined;
  /** True when the guest is in the state before the operation. */
  undone: boolean;
  /** The steps carried out before the failed one, as sentences; rolled back when `undone` is true. */
  done: readonly string[];
};

/** The fate of the steps that a failed operation had carried out. */
export type RollbackOutcome = 'nothing' | 'undone' | 'kept' | 'left';

const ROLLBACK_OUTCOMES: Readonly<Record<RollbackOutcome, string>> = {
  nothing: 'Nothing had been done yet.',
  undone: 'The operation was rolled back: the guest is in the state before it.',
  kept: 'The steps carried out were kept, as requested: reconciliation compares the guest with its record.',
  left: 'The steps carried out were not rolled back: reconciliation compares the guest with its record.',
};

const KNOWN_TYPES: readonly FailureType[] = [
  'Refused',
  'StepFailed',
  'DeadlineExceeded',
  'AddressConflict',
  'OperationEnded',
  'Held',
];

type Where = { host: string; userid?: string; portIds?: readonly string[]; vswitch?: string };

/** A workflow's failure: a sentence for operators, without a stack trace. */
function failing(options: { type: FailureType; message: string; details: unknown[] }): ApplicationFailure {
  const failure = ApplicationFailure.create({ ...options, nonRetryable: true });
  failure.stack = '';
  return failure;
}

/** A permanent failure with its refusals; names the fields in the message. */
export function refused(refusals: readonly Refusal[], where?: Where): ApplicationFailure {
  const place = where === undefined ? '' : ` ${sayWhere(where)}. Nothing was touched.`;
  return failing({
    type: 'Refused',
    message: `${describeRefusals(refusals)}.${place}`,
    details: [refusals.map((each) => ({ ...each, page: fieldPage(each.field) }))],
  });
}

/** The same failure with the place where it was refused. */
export function refusedAt(failure: ApplicationFailure, where: Where): ApplicationFailure {
  const [refusals] = failure.details ?? [];
  return Array.isArray(refusals) ? refused(refusals, where) : failure;
}

/** A permanent failure of an operation on a guest. */
export function operationFailed(
  type: 'StepFailed' | 'DeadlineExceeded',
  report: Omit<FailureReport, 'undone'>,
  rollback: RollbackOutcome,
): ApplicationFailure {
  const message = `${sayTrouble(type, report)} ${sayWhere(report)}. ${ROLLBACK_OUTCOMES[rollback]}`;
  const undone = rollback === 'nothing' || rollback === 'undone';
  return failing({ type, message, details: [{ ...report, page: report.page ?? type, undone }] });
}

/** The failure of a step with the outcome of the rollback. */
export function withRollback(failure: ApplicationFailure, isRolledBack: boolean): ApplicationFailure {
  const report: unknown = failure.details?.[0];
  if (!isFailureReport(report)) return failure;
  const type = failure.type === 'DeadlineExceeded' ? 'DeadlineExceeded' : 'StepFailed';
  return operationFailed(type, report, isRolledBack ? 'undone' : 'left');
}

function isFailureReport(report: unknown): report is FailureReport {
  return typeof report === 'object' && report !== null && 'undone' in report && 'advice' in report;
}

/** The failure of an operation on a host: permanent, or transient until the deadline. `summary` names the work where the error names no step. */
export function hostFailed(
  where: { host: string; vswitch?: string },
  summary: string,
  error: unknown,
): ApplicationFailure {
  const type = isRetryable(error) ? 'DeadlineExceeded' : 'StepFailed';
  const trouble = permanently(troubleOf(error, summary));
  return failing({
    type,
    message: `${sayTrouble(type, trouble)} ${sayWhere(where)}.`,
    details: [{ ...where, ...trouble, page: trouble.page ?? type }],
  });
}

type Trouble = { step: string; reason: string; advice: string; page?: string | undefined };

/** Step, reason and advice of an error. `summary` names the work where the error names no step. */
export function troubleOf(error: unknown, summary: string): Trouble {
  const { page } = detailOf(error);
  return { step: failedStep(error) ?? summary, reason: shortReasonOf(error), advice: adviceOn(error), page };
}

/** The same trouble when no retry follows: the advice adds that an operator starts the operation again. */
export function permanently(trouble: Trouble): Trouble {
  return { ...trouble, advice: `${trouble.advice}, then start the operation again` };
}

/** A trouble as sentences: step, reason, advice. */
export function sayTrouble(
  verdict: 'StepFailed' | 'DeadlineExceeded' | 'transient',
  { step, reason, advice }: Trouble,
): string {
  const begin = { StepFailed: 'Failed', DeadlineExceeded: 'Deadline exceeded', transient: 'Transient failure' }[
    verdict
  ];
  return `${begin}: ${step}: ${reason.replace(/\.$/, '')}. What to do: ${advice}.`;
}

/** A failure as data. */
export function failureData({ type, message, details }: ApplicationFailure): FailureData {
  return { type: type ?? 'StepFailed', message, details: details ?? [] };
}

/** The failure that the data describe; an unknown type becomes `StepFailed`. */
export function failureFrom({ type, message, details }: FailureData): ApplicationFailure {
  const known = KNOWN_TYPES.find((each) => each === type) ?? 'StepFailed';
  return failing({ type: known, message, details: Array.isArray(details) ? details : [] });
}

/** The failure of a workflow whose input has a malformed field. */
export function malformed(field: string): ApplicationFailure {
  return refused([
    refusal(
      field,
      'is malformed',
      'start the workflow as described in docs/workflows.md, or by zvmnet or the HTTP API',
    ),
  ]);
}

/** The advice for an operator on the cause of a failure. */
function adviceOn(error: unknown): string {
  const { advice } = detailOf(error);
  return advice ?? (isRetryable(error) ? 'check that the management node and z/VM answer' : 'correct the cause');
}

function sayWhere({ host, userid, portIds = [], vswitch }: Where): string {
  const [first] = portIds;
  const ports = portIds.length > 1 ? `, ports ${first} and ${portIds.length - 1} more` : `, port ${first}`;
  const guest = userid === undefined ? '' : `, userid ${userid}`;
  return `Host ${host}${guest}${first === undefined ? '' : ports}${vswitch === undefined ? '' : `, VSWITCH ${vswitch}`}`;
}

/** The ApplicationFailure inside the error of an activity or child workflow. */
export function applicationFailureOf(error: unknown): ApplicationFailure | undefined {
  if (error instanceof ApplicationFailure) return error;
  if (error instanceof ActivityFailure || error instanceof ChildWorkflowFailure)
    return applicationFailureOf(error.cause);
  return undefined;
}

/** True for a transient failure: one not marked permanent, a timeout, or a lost worker. */
export function isRetryable(error: unknown): boolean {
  if (error instanceof ActivityFailure && error.cause instanceof TimeoutFailure) return true;
  const failure = applicationFailureOf(error);
  return failure !== undefined && failure.nonRetryable !== true;
}

/** True when xCAT rejects the password. A run that has begun its steps waits for a worker that has the right one. */
export function isUnauthorised(error: unknown): boolean {
  return detailOf(error).code === 'unauthorised';
}

/** The addresses and port numbers of an `AddressConflict` failure, and the refusals to answer when no others can be chosen. */
export type AddressConflict = { macs: Mac[]; ports: string[]; refusals: Refusal[] };

/** Parse an `AddressConflict` failure; undefined for any other. */
export function addressConflictOf(error: unknown): AddressConflict | undefined {
  const failure = applicationFailureOf(error);
  if (failure?.type !== 'AddressConflict') return undefined;
  const [macs, refusals, ports] = failure.details ?? [];
  return {
    macs: (macs ?? []) as Mac[],
    ports: Array.isArray(ports) ? ports.map(String) : [],
    refusals: (refusals ?? []) as Refusal[],
  };
}

/** The pause that xCAT or a proxy in front of it requested (Retry-After), in milliseconds. */
export function requestedPause(error: unknown): number {
  const delay = applicationFailureOf(error)?.nextRetryDelay;
  return typeof delay === 'number' ? delay : 0;
}

/** True for failures that no retry of the same request can cure. */
export function endsRequest(error: unknown): boolean {
  const type = applicationFailureOf(error)?.type;
  return type === 'Refused' || type === 'AddressConflict' || type === 'OperationEnded';
}

/** True when the operation that sent the request has ended. */
export function isOperationEnded(error: unknown): boolean {
  return applicationFailureOf(error)?.type === 'OperationEnded';
}

/** True when the host is held. */
export function isHeld(error: unknown): boolean {
  return applicationFailureOf(error)?.type === ('Held' satisfies FailureType);
}

/** The hold of a failure for which `isHeld` is true, in words: `zvm1 is held by anna: CHG1`. */
export function heldBy(error: unknown): string {
  return detailOf(error).reason ?? reasonOf(error);
}

/** True when z/VM refused a coupling as not authorised: SMAPI's 212/8 (docs/reference/smcli.md 5.1). */
export function isNotAuthorised(error: unknown): boolean {
  const [detail] = applicationFailureOf(error)?.details ?? [];
  return isRecord(detail) && detail.rc === 212 && detail.rs === 8;
}

/** Ids of the steps that an activity had carried out before it failed or was cancelled. */
export function doneBefore(error: unknown): string[] {
  return stepIds(error, 'carriedOut');
}

/** Ids of further steps that a failed activity may have carried out. */
export function possiblyDone(error: unknown): string[] {
  return stepIds(error, 'possibly');
}

function stepIds(error: unknown, list: 'carriedOut' | 'possibly'): string[] {
  return detailsOf(error).flatMap((detail) => {
    const ids = detail[list];
    return Array.isArray(ids) ? ids.map(String) : [];
  });
}

/** The plan that an activity had begun to carry out when it failed, was cancelled, or was lost with its worker. */
export function plannedBefore(error: unknown): PlannedChange | undefined {
  const planned = detailsOf(error).find((detail) => isRecord(detail.planned))?.planned;
  return planned as PlannedChange | undefined;
}

/** The details of a failed or cancelled activity; of a lost one those of its last heartbeat. */
function detailsOf(error: unknown): Record<string, unknown>[] {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  const cancelled = cause instanceof CancelledFailure ? cause.details : undefined;
  const kept = cause instanceof TimeoutFailure ? [cause.lastHeartbeatDetails] : undefined;
  return (applicationFailureOf(error)?.details ?? cancelled ?? kept ?? []).filter(isRecord);
}

/** Sentences of the steps that a failed operation had carried out. */
export function stepsBefore({ details }: ApplicationFailure): string[] {
  const report = details?.[0];
  const done = typeof report === 'object' && report !== null && 'done' in report ? report.done : undefined;
  return Array.isArray(done) ? done.map(String) : [];
}

/** The failure of steps that a worker had begun when it was stopped. */
export function leftByWorker(): ApplicationFailure {
  const reason = 'the worker was stopped before z/VM had answered';
  const details = [{ code: 'unreachable', reason, advice: 'start a worker of the host' }];
  return ApplicationFailure.create({ type: 'StepFailed', message: reason, details });
}

/** True when the outcome of the steps is unknown: the answer was lost, or the worker that waited for it. */
export function hasLostAnswer(error: unknown): boolean {
  if (error instanceof ActivityFailure && error.cause instanceof TimeoutFailure) return true;
  // A worker that stops reports so activities that outlast its grace period (Temporal's SDK core).
  if (
    error instanceof ActivityFailure &&
    error.cause instanceof ApplicationFailure &&
    error.cause.type === 'WorkerShutdown'
  )
    return true;
  return ['unreachable', 'timeout', 'bad-answer'].includes(detailOf(error).code ?? '');
}

/** The step on z/VM that an activity failed at, if the failure is of a step. */
function failedStep(error: unknown): string | undefined {
  const { code, operation } = detailOf(error);
  // Other codes name the failed call to xCAT, not the step.
  return code === 'smapi' || code === 'refused' ? operation : undefined;
}

/** The reason of an error with the advice, as a sentence. */
export function reasonOf(error: unknown): string {
  const failure = applicationFailureOf(error);
  if (failure !== undefined) return failure.message;
  if (error instanceof ActivityFailure && error.cause instanceof Error) return error.cause.message;
  return messageOf(error);
}

/** The reason of an error alone. */
function shortReasonOf(error: unknown): string {
  const { reason, code, operation } = detailOf(error);
  if (reason === undefined) return reasonOf(error);
  return failedStep(error) === undefined && code !== undefined && operation !== undefined
    ? `${operation}: ${reason}`
    : reason;
}

type Detail = { code?: string; operation?: string; reason?: string; advice?: string; page?: string };

function detailOf(error: unknown): Detail {
  const detail: unknown = applicationFailureOf(error)?.details?.[0];
  if (typeof detail !== 'object' || detail === null) return {};
  const texts = Object.entries(detail).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return Object.fromEntries(texts);
}
