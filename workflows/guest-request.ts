import { type Batch, isSingle } from '../domain/operations/batch.ts';
import type { Change, Preconditions } from '../domain/operations/requests.ts';
import type { PolicyQuestion } from '../domain/policy/verdict.ts';
import { isWordChange } from '../domain/text/words.ts';

/** An operation, by its Workflow ID and the first run of its chain. A reset or a continue-as-new keeps both. */
export type OperationRef = { workflowId: string; firstRunId: string };

/**
 * `asRecorded`: the directory entry is taken from the tables and not read. A re-IPL leaves the directory as it was, and DirMaint would answer for
 * every guest, one after another.
 */
export type DirectoryReading = 'asRecorded';

/** One request to a guest, as it stands in the guest's queue. */
export type GuestRequest = {
  /** The same however often the request is sent: a repeated one is recognised by it. */
  id: string;
  /** The run of the operation that sends it: one that was reset asks anew what it was answered before. */
  runId: string;
  operation: OperationRef;
  /** When Temporal accepted the operation, in milliseconds of Unix time: the queue's order. */
  acceptedAt: number;
  /** One line for operators. */
  summary: string;
  change: Change;
  giveUpAfterMinutes: number;
  keepOnFailure: boolean;
  dryRun: boolean;
  onlyIf?: Preconditions;
  /** For the policy of the host. */
  asks?: PolicyQuestion;
  /** The operation will send another request to the guest: this one only plans. */
  comesAgain?: true;
  /** The window of a bulk operation that this guest is wired in. */
  batch?: Batch;
  directory?: DirectoryReading;
  /** The operation shows where its request stands. */
  reports: boolean;
  /** The `traceparent` of the operation, where somebody traces it. */
  trace?: string;
  /** Answered `busy` unless the guest is free. */
  onlyIfFree: boolean;
  /** The operation takes the signal `answers`; absent of operations of earlier builds. */
  takesAnswers?: true;
};

/** True when the change is a caller's word on ports, of which the last accepted one holds; repairs are no words. */
export function isWord({ change, dryRun }: Pick<GuestRequest, 'change' | 'dryRun'>): boolean {
  return !dryRun && isWordChange(change);
}

/** True when operations are carried out in the order in which they were accepted for changes of this kind. */
export function isOrdered({ change }: Pick<GuestRequest, 'change'>): boolean {
  return isWordChange(change);
}

/** True for a guest of a window whose change of ports the window carries out itself, when the guest has no other work. */
export function isLendable({ change, dryRun, batch }: Pick<GuestRequest, 'change' | 'dryRun' | 'batch'>): boolean {
  return !dryRun && !isSingle(batch) && change.kind !== 'probe' && change.kind !== 'migrate';
}
