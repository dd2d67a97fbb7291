import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { FailureType } from '../workflows/failures.ts';
import type { OperationRef } from '../workflows/guest-request.ts';
import type { TemporalOperations } from './temporal-operations.ts';

// A terminated operation is noticed within a minute, also while xCAT does not answer.
const LOOK_MS = 20_000;

/**
 * Run work for an operation as long as it is open: `stop` is aborted once it has ended without having been answered. Throws the failure
 * `OperationEnded` when it has ended before. Work without an operation goes on whatever happens.
 */
export async function whileOperationIsOpen<Result>(
  operations: Pick<TemporalOperations, 'isOpen'>,
  operation: OperationRef | undefined,
  signal: AbortSignal,
  work: (stop: AbortSignal) => Promise<Result>,
): Promise<Result> {
  if (operation === undefined) return work(signal);
  const { client } = Context.current();
  if (!(await operations.isOpen(client, operation))) throw operationEnded(operation);
  const ended = new AbortController();
  const look = () =>
    operations.isOpen(client, operation).then(
      (isOpen) => {
        if (!isOpen) ended.abort(operationEnded(operation));
      },
      // Temporal does not answer: the activity's own result cannot reach it either.
      () => undefined,
    );
  const looking = setInterval(() => void look(), LOOK_MS);
  try {
    return await work(AbortSignal.any([signal, ended.signal]));
  } catch (error) {
    if (ended.signal.aborted && !signal.aborted) throw carrying(error, operation);
    throw error;
  } finally {
    clearInterval(looking);
  }
}

function operationEnded({ workflowId }: OperationRef, details: unknown[] = []): ApplicationFailure {
  const message = `operation ${workflowId} has ended`;
  const type = 'OperationEnded' satisfies FailureType;
  const failure = ApplicationFailure.create({ type, message, nonRetryable: true, details });
  failure.stack = '';
  return failure;
}

/** The failure of work that was stopped, with the steps that it had carried out. */
function carrying(error: unknown, operation: OperationRef): ApplicationFailure {
  return operationEnded(operation, error instanceof ApplicationFailure ? (error.details ?? []) : []);
}
