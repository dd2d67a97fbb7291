import { isCancellation } from '@temporalio/workflow';

/**
 * Wait for all parts of a run, also when some have failed: who is cancelled lets its guests be taken back first. Throws what one of them
 * failed with, rather than that it was cancelled.
 */
export async function allEnded(parts: readonly Promise<void>[]): Promise<void> {
  const settled = await Promise.allSettled(parts);
  const errors = settled.flatMap((part) => (part.status === 'rejected' ? [part.reason] : []));
  if (errors.length > 0) throw errors.find((error) => !isCancellation(error)) ?? errors[0];
}
