import { sleep, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { MEMO } from '../temporal-config/names.ts';
import {
  type SearchTerms,
  searchAttributesOf,
  ZVM_HOST,
  ZVM_OUTCOME,
  ZVM_PORT,
  ZVM_USERID,
  ZVM_VLAN,
  ZVM_VSWITCH,
} from '../temporal-config/search-attributes.ts';
import { markdownLink, runPath } from '../temporal-config/ui.ts';
import { callerOfRun } from './caller.ts';

const LONGEST_REASON = 120;

/** Add search attributes to the run and keep those that it has. Adds no event to the history when the starter has set them all. */
export function addSearchAttributes(terms: SearchTerms): void {
  const present = workflowInfo().typedSearchAttributes;
  const lists = [
    [present.get(ZVM_PORT), terms.portIds],
    [present.get(ZVM_VSWITCH), terms.vswitches],
    [present.get(ZVM_VLAN), terms.vlans],
  ] as const;
  const known =
    present.get(ZVM_HOST) === terms.host &&
    (terms.userid === undefined || present.get(ZVM_USERID) === terms.userid) &&
    lists.every(([before = [], now = []]) => now.every((value) => before.includes(value)));
  if (known) return;
  const [portIds, vswitches, vlans] = lists.map(([before = [], now = []]) => [...new Set([...now, ...before])]);
  upsertSearchAttributes(searchAttributesOf({ ...terms, portIds, vswitches, vlans }));
}

/** Wait before the next attempt. The timer shows the length and the reason; the outcome `retrying` makes the run searchable. */
export async function pauseBeforeRetry(milliseconds: number, reason: string): Promise<void> {
  if (workflowInfo().typedSearchAttributes.get(ZVM_OUTCOME) !== 'retrying')
    upsertSearchAttributes([{ key: ZVM_OUTCOME, value: 'retrying' }]);
  const why = reason.length > LONGEST_REASON ? `${reason.slice(0, LONGEST_REASON - 1)}…` : reason;
  await sleep(milliseconds, { summary: `retry after ${Math.round(milliseconds / 1_000)} s: ${why}` });
}

/** The state of a run that retries, as words for its current details. */
export function retriedUntil(deadline: number): string {
  return `is retried until ${new Date(deadline).toISOString().replace(/\.\d+/, '')}`;
}

/**
 * The part of a repair's start as a child workflow that operators see: it is found by the terms and by the caller of this run, and its details name this
 * run. It waits for no person: this run would wait with it.
 */
export function asChild(terms: SearchTerms) {
  const { namespace, workflowId, runId, memo } = workflowInfo();
  const origin = memo?.[MEMO.origin];
  return {
    typedSearchAttributes: searchAttributesOf({ ...terms, by: callerOfRun().by }),
    memo: { [MEMO.unattended]: true, ...(origin === undefined ? {} : { [MEMO.origin]: origin }) },
    staticDetails: `Started by ${markdownLink(workflowId, runPath(namespace, workflowId, runId))}.`,
  };
}
