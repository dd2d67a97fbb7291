import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  ChildWorkflowFailure,
  TimeoutFailure,
} from '@temporalio/common';
import { describeRefusals, type Refusal, refusal } from '../domain/planning/refusal.ts';
import type { Mac } from '../domain/port/mac.ts';
import { isRecord } from './incoming.ts';

/** Failure types that callers and operators meet. */
export type FailureType =
  /** The request cannot be granted; nothing was touched. Details: the refusals, each with its field. */
  | 'Refused'
  /** A step failed for good. Details: a FailureReport. */
  | 'StepFailed'
  /** A step went on failing for now until the operation's time was over. Details: a FailureReport. */
  | 'DeadlineExceeded'
  /** An address that was to be recorded is somebody else's too. Inside of operations only; details: the addresses, the refusals. */
  | 'AddressConflict'
  /** The operation that a request is of has ended meanwhile. Inside of guest runs only. */
  | 'OperationEnded';

/** A failure as data: signals carry it from a guest run to its operation. */
export type FailureData = { type: string; message: string; details: unknown[] };

/** What failed, and what became of the guest. */
export type FailureReport = {
  host: string;
  userid: string;
  portIds: readonly string[];
  step: string;
  reason: string;
  advice: string;
  /** True when the guest is as it was before the operation. */
  undone: boolean;
  /** What was done before the step that failed, as sentences; undone since when `undone` says so. */
  done: readonly string[];
};

/** What became of what an operation had done when it failed. */
export type RollbackOutcome = 'nothing' | 'undone' | 'kept' | 'left';

const ROLLBACK_OUTCOMES: Readonly<Record<RollbackOutcome, string>> = {
  nothing: 'Nothing had been done yet.',
  undone: 'What the operation had done was undone: the guest is as it was before.',
  kept: 'What the operation had done was left, as asked: reconciliation compares the guest with its record.',
  left: 'What the operation had done is not undone: reconciliation compares the guest with its record.',
};

const KNOWN_TYPES: readonly FailureType[] = [
  'Refused',
  'StepFailed',
  'DeadlineExceeded',
  'AddressConflict',
  'OperationEnded',
];

type Where = { host: string; userid?: string; portIds?: readonly string[]; vswitch?: string };

/** What workflows fail with: a sentence for operators, and no stack trace that they would have to read past. */
function failing(options: { type: FailureType; message: string; details: unknown[] }): ApplicationFailure {
  const failure = ApplicationFailure.create({ ...options, nonRetryable: true });
  failure.stack = '';
  return failure;
}

/** A permanent failure with its refusals; names the fields in the message. */
export function refused(refusals: readonly Refusal[], where?: Where): ApplicationFailure {
  const place = where === undefined ? '' : ` ${sayWhere(where)}. Nothing was touched.`;
  return failing({ type: 'Refused', message: `${describeRefusals(refusals)}.${place}`, details: [refusals] });
}

/** The same failure, saying also where it was refused. */
export function refusedAt(failure: ApplicationFailure, where: Where): ApplicationFailure {
  const [refusals] = failure.details ?? [];
  return Array.isArray(refusals) ? refused(refusals, where) : failure;
}

/** A permanent failure of an operation on a guest. */
export function operationFailed(
  type: 'StepFailed' | 'DeadlineExceeded',
  report: Omit<FailureReport, 'undone'>,
  outcome: RollbackOutcome,
): ApplicationFailure {
  const message = `${sayTrouble(type, report)} ${sayWhere(report)}. ${ROLLBACK_OUTCOMES[outcome]}`;
  const undone = outcome === 'nothing' || outcome === 'undone';
  return failing({ type, message, details: [{ ...report, undone }] });
}

/** The failure of a step, saying what became of the steps before it. */
export function withRollback(failure: ApplicationFailure, isRolledBack: boolean): ApplicationFailure {
  const report: unknown = failure.details?.[0];
  if (!isFailureReport(report)) return failure;
  const type = failure.type === 'DeadlineExceeded' ? 'DeadlineExceeded' : 'StepFailed';
  return operationFailed(type, report, isRolledBack ? 'undone' : 'left');
}

function isFailureReport(report: unknown): report is FailureReport {
  return typeof report === 'object' && report !== null && 'undone' in report && 'advice' in report;
}

/** The failure of an operation on a host that cannot be finished; says whether trying went on for too long. */
export function hostFailed(
  where: { host: string; vswitch?: string },
  what: string,
  error: unknown,
): ApplicationFailure {
  const type = isRetryable(error) ? 'DeadlineExceeded' : 'StepFailed';
  const trouble = permanently(troubleOf(error, what));
  return failing({
    type,
    message: `${sayTrouble(type, trouble)} ${sayWhere(where)}.`,
    details: [{ ...where, ...trouble }],
  });
}

type Trouble = { step: string; reason: string; advice: string };

/** The parts that a failure is told in; `what` was being done, where the failure names no step itself. */
export function troubleOf(error: unknown, what: string): Trouble {
  return { step: failedStep(error) ?? what, reason: shortReasonOf(error), advice: adviceOn(error) };
}

/** The same, when nobody tries again: somebody has to. */
export function permanently(trouble: Trouble): Trouble {
  return { ...trouble, advice: `${trouble.advice}, then start the operation again` };
}

/** A trouble as sentences: what, why, and what to do. */
export function sayTrouble(
  verdict: 'StepFailed' | 'DeadlineExceeded' | 'transient',
  { step, reason, advice }: Trouble,
): string {
  const begin = { StepFailed: 'Failed', DeadlineExceeded: 'Gave up', transient: 'Fails for now' }[verdict];
  return `${begin}: ${step}: ${reason.replace(/\.$/, '')}. What to do: ${advice}.`;
}

/** A failure as data. */
export function failureData({ type, message, details }: ApplicationFailure): FailureData {
  return { type: type ?? 'StepFailed', message, details: details ?? [] };
}

/** The failure that the data are of; of a type that is not known, a failed step. */
export function failureFrom({ type, message, details }: FailureData): ApplicationFailure {
  const known = KNOWN_TYPES.find((each) => each === type) ?? 'StepFailed';
  return failing({ type: known, message, details: Array.isArray(details) ? details : [] });
}

/** The failure of a workflow that was started, or continued, with something that it cannot work with. */
export function malformed(what: string): ApplicationFailure {
  return refused([
    refusal(
      what,
      'is not of the form that this workflow takes',
      'start it as docs/workflows.md says, or by zvmnet or the HTTP API',
    ),
  ]);
}

/** What an operator can do about the cause of a failure. */
function adviceOn(error: unknown): string {
  const { advice } = detailOf(error);
  return advice ?? (isRetryable(error) ? 'see that the management node and z/VM answer' : 'correct the cause');
}

function sayWhere({ host, userid, portIds = [], vswitch }: Where): string {
  const [first] = portIds;
  const ports = portIds.length > 1 ? `, ports ${first} and ${portIds.length - 1} more` : `, port ${first}`;
  const guest = userid === undefined ? '' : `, userid ${userid}`;
  return `Host ${host}${guest}${first === undefined ? '' : ports}${vswitch === undefined ? '' : `, VSWITCH ${vswitch}`}`;
}

/** The ApplicationFailure inside what an activity or child threw. */
export function applicationFailureOf(error: unknown): ApplicationFailure | undefined {
  if (error instanceof ApplicationFailure) return error;
  if (error instanceof ActivityFailure || error instanceof ChildWorkflowFailure)
    return applicationFailureOf(error.cause);
  return undefined;
}

/** True when the failure is for now: not marked permanent, a timeout, or a worker that went away. */
export function isRetryable(error: unknown): boolean {
  if (error instanceof ActivityFailure && error.cause instanceof TimeoutFailure) return true;
  const failure = applicationFailureOf(error);
  return failure !== undefined && failure.nonRetryable !== true;
}

/** True when xCAT does not know the password: for who is half-way, a worker that has the right one is worth waiting for. */
export function isUnauthorised(error: unknown): boolean {
  return detailOf(error).code === 'unauthorised';
}

/** The addresses and port numbers of a `AddressConflict` failure, and the refusals that it comes to when no others can be chosen. */
export type AddressConflict = { macs: Mac[]; ports: string[]; refusals: Refusal[] };

/** Read a `AddressConflict` failure; undefined for any other. */
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

/** How long xCAT, or a proxy in front of it, asked to be left alone; milliseconds. */
export function askedPause(error: unknown): number {
  const delay = applicationFailureOf(error)?.nextRetryDelay;
  return typeof delay === 'number' ? delay : 0;
}

/** True for failures that no other try of the same request can help. */
export function endsRequest(error: unknown): boolean {
  const type = applicationFailureOf(error)?.type;
  return type === 'Refused' || type === 'AddressConflict' || type === 'OperationEnded';
}

/** True when the operation that is worked for has ended meanwhile. */
export function isOperationEnded(error: unknown): boolean {
  return applicationFailureOf(error)?.type === 'OperationEnded';
}

/** Ids of the steps that an activity had carried out before the step that it failed at, or was cancelled at. */
export function doneBefore(error: unknown): string[] {
  return stepIds(error, 'carriedOut');
}

/** Ids of the steps that an activity may have carried out beside these, when it failed. */
export function possiblyDone(error: unknown): string[] {
  return stepIds(error, 'possibly');
}

function stepIds(error: unknown, list: 'carriedOut' | 'possibly'): string[] {
  const cancelled =
    error instanceof ActivityFailure && error.cause instanceof CancelledFailure ? error.cause : undefined;
  const details: unknown[] = (applicationFailureOf(error) ?? cancelled)?.details ?? [];
  const lists = details.map((detail) => (isRecord(detail) ? detail[list] : undefined));
  return lists.flatMap((ids) => (Array.isArray(ids) ? ids.map(String) : []));
}

/** Sentences of the steps that an operation had carried out before it failed. */
export function stepsBefore({ details }: ApplicationFailure): string[] {
  const report = details?.[0];
  const done = typeof report === 'object' && report !== null && 'done' in report ? report.done : undefined;
  return Array.isArray(done) ? done.map(String) : [];
}

/** True when nobody has said what became of the steps: their answer was lost, or the worker that waited for it. */
export function hasLostAnswer(error: unknown): boolean {
  if (error instanceof ActivityFailure && error.cause instanceof TimeoutFailure) return true;
  // What a worker says of steps that it cannot wait for any longer, since it stops (Temporal's SDK core).
  if (
    error instanceof ActivityFailure &&
    error.cause instanceof ApplicationFailure &&
    error.cause.type === 'WorkerShutdown'
  )
    return true;
  return ['unreachable', 'timeout', 'bad-answer'].includes(detailOf(error).code ?? '');
}

/** The step on z/VM that an activity failed at, if it was one. */
function failedStep(error: unknown): string | undefined {
  const { code, operation } = detailOf(error);
  // Others name the call to xCAT that failed, whatever step it was for.
  return code === 'smapi' || code === 'refused' ? operation : undefined;
}

/** The sentence that says why, with what can be done about it. */
export function reasonOf(error: unknown): string {
  const failure = applicationFailureOf(error);
  if (failure !== undefined) return failure.message;
  if (error instanceof ActivityFailure && error.cause instanceof Error) return error.cause.message;
  return error instanceof Error ? error.message : String(error);
}

/** Why, and no more. */
function shortReasonOf(error: unknown): string {
  const { reason, code, operation } = detailOf(error);
  if (reason === undefined) return reasonOf(error);
  return failedStep(error) === undefined && code !== undefined && operation !== undefined
    ? `${operation}: ${reason}`
    : reason;
}

function detailOf(error: unknown): { code?: string; operation?: string; reason?: string; advice?: string } {
  const detail: unknown = applicationFailureOf(error)?.details?.[0];
  if (typeof detail !== 'object' || detail === null) return {};
  const texts = Object.entries(detail).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return Object.fromEntries(texts);
}
