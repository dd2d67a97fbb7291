import { sleep, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { ZVM_OUTCOME } from '../temporal-config/search-attributes.ts';

const LONGEST_REASON = 120;

/** Wait before the next try; whoever looks sees for how long and why, and finds the run by `retrying`. */
export async function pausing(milliseconds: number, reason: string): Promise<void> {
  if (workflowInfo().typedSearchAttributes.get(ZVM_OUTCOME) !== 'retrying')
    upsertSearchAttributes([{ key: ZVM_OUTCOME, value: 'retrying' }]);
  const why = reason.length > LONGEST_REASON ? `${reason.slice(0, LONGEST_REASON - 1)}…` : reason;
  await sleep(milliseconds, { summary: `${Math.round(milliseconds / 1_000)} s, then again: ${why}` });
}

/** What a run says of itself while it waits. */
export function triedAgain(deadline: number): string {
  return `is tried again until ${new Date(deadline).toISOString().replace(/\.\d+/, '')}`;
}
