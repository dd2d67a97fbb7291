import type { components } from './api.js';

/** An operation: a change in progress, or an ended one. */
export type Operation = components['schemas']['Operation'];

export type Waiting = {
  /** The longest wait; 300 by default. */
  timeoutSeconds?: number;
  /** True to wait on while the operation awaits an approval or a window, or while its host is held. */
  whileDeferred?: boolean;
  signal?: AbortSignal;
};

/** An operation has ended without success, wholly or in part. */
export class OperationFailed extends Error {
  override readonly name = 'OperationFailed';
  readonly operation: Operation;

  constructor(operation: Operation) {
    const { id, state, outcome, failure } = operation;
    super(failure?.message ?? `operation ${id} is ${state === 'completed' ? `${outcome} in part` : state}`);
    this.operation = operation;
  }
}

/** The wait for an operation was over before the operation: it goes on. */
export class OperationOpen extends Error {
  override readonly name = 'OperationOpen';
  readonly operation: Operation;
  /** `deferred`: it awaits an approval or a window, or its host is held. */
  readonly reason: 'deferred' | 'timeout';

  constructor(operation: Operation, reason: OperationOpen['reason']) {
    const { id, outcome = operation.state } = operation;
    super(`operation ${id} goes on (${outcome}): ${reason === 'timeout' ? 'the time for the wait is over' : reason}`);
    this.operation = operation;
    this.reason = reason;
  }
}

const DEFERRED: readonly (string | undefined)[] = ['awaiting-approval', 'awaiting-window', 'held'];
const UNSUCCESSFUL: readonly (string | undefined)[] = ['failed', 'refused'];
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 2_000;
const DEFAULT_SECONDS = 300;

/** Wait until an operation has ended with success. Throws OperationFailed, OperationOpen, and what `read` throws. */
export async function endOf(read: () => Promise<Operation>, waiting: Waiting): Promise<Operation> {
  const { timeoutSeconds = DEFAULT_SECONDS, whileDeferred = false, signal } = waiting;
  const until = Date.now() + timeoutSeconds * 1_000;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    const operation = await read();
    const { state, outcome, result } = operation;
    if (state === 'completed' && (!UNSUCCESSFUL.includes(outcome) || isDryRun(result))) return operation;
    if (state !== 'running') throw new OperationFailed(operation);
    if (!whileDeferred && DEFERRED.includes(outcome)) throw new OperationOpen(operation, 'deferred');
    if (Date.now() + pause > until) throw new OperationOpen(operation, 'timeout');
    await passed(pause, signal);
  }
}

/** A dry run succeeds, whatever its plan. */
function isDryRun(result: unknown): boolean {
  return typeof result === 'object' && result !== null && 'dryRun' in result && result.dryRun === true;
}

/** Wait for some time. Throws the reason of the signal when it is aborted. */
export function passed(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason);
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener('abort', stop, { once: true });
  });
}
