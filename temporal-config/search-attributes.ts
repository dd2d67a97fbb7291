import { defineSearchAttributeKey, type SearchAttributePair } from '@temporalio/common';
import { scheduledRunPrefix } from './names.ts';

// Workflows import this file, so it may import nothing that the workflow sandbox does not allow.

/** The z/VM host a workflow works on. */
export const ZVM_HOST = defineSearchAttributeKey('ZvmHost', 'KEYWORD');

/** The guest's userid. */
export const ZVM_USERID = defineSearchAttributeKey('ZvmUserid', 'KEYWORD');

/** The outcome of a closed workflow, in the words of its result; `waiting`, `retrying`, `awaiting-approval` or `awaiting-window` of an open one. */
export const ZVM_OUTCOME = defineSearchAttributeKey('ZvmOutcome', 'KEYWORD');

/** The outcomes of an open operation that the policy has wait. */
export const AWAITING_OUTCOMES = ['awaiting-approval', 'awaiting-window'] as const;

/** The person or program that asked for the workflow: a token's name, or `user@machine`. */
export const ZVM_BY = defineSearchAttributeKey('ZvmBy', 'KEYWORD');

/** The person who has approved the operation, where a policy asked for it. */
export const ZVM_APPROVED_BY = defineSearchAttributeKey('ZvmApprovedBy', 'KEYWORD');

// Temporal's SQL visibility has columns for at most 3 keyword lists per namespace: the three below use them all.

/** The ports a workflow touches. */
export const ZVM_PORT = defineSearchAttributeKey('ZvmPort', 'KEYWORD_LIST');

/** The virtual switches a workflow touches. */
export const ZVM_VSWITCH = defineSearchAttributeKey('ZvmVswitch', 'KEYWORD_LIST');

/** The VLANs a workflow touches. */
export const ZVM_VLAN = defineSearchAttributeKey('ZvmVlan', 'KEYWORD_LIST');

/** The number of drifted guests that a reconciliation found. */
export const ZVM_DRIFTED = defineSearchAttributeKey('ZvmDrifted', 'INT');

/** Every search attribute that a server of this project must know. */
export const SEARCH_ATTRIBUTES = [
  ZVM_HOST,
  ZVM_USERID,
  ZVM_OUTCOME,
  ZVM_BY,
  ZVM_APPROVED_BY,
  ZVM_PORT,
  ZVM_VSWITCH,
  ZVM_VLAN,
  ZVM_DRIFTED,
] as const;

/** The terms by which a run is found. */
export type SearchTerms = {
  host: string;
  by?: string | undefined;
  userid?: string | undefined;
  portIds?: readonly string[] | undefined;
  vswitches?: readonly string[] | undefined;
  vlans?: readonly string[] | undefined;
};

// A search attribute holds 2 KB.
export const MOST_PORTS = 40;
const MOST_VSWITCHES = 100;
const MOST_VLANS = 150;

/** The search attributes of a run. Empty ones are left out; lists are cut to the size that fits. */
export function searchAttributesOf({
  host,
  by,
  userid,
  portIds = [],
  vswitches = [],
  vlans = [],
}: SearchTerms): SearchAttributePair[] {
  return [
    { key: ZVM_HOST, value: host },
    ...(by === undefined ? [] : [{ key: ZVM_BY, value: by }]),
    ...(userid === undefined ? [] : [{ key: ZVM_USERID, value: userid }]),
    ...listed(ZVM_PORT, portIds, MOST_PORTS),
    ...listed(ZVM_VSWITCH, vswitches, MOST_VSWITCHES),
    ...listed(ZVM_VLAN, vlans, MOST_VLANS),
  ];
}

function listed(key: typeof ZVM_PORT, values: readonly string[], most: number): SearchAttributePair[] {
  return values.length === 0 ? [] : [{ key, value: values.slice(0, most) }];
}

/** A text as a literal of Temporal's visibility queries. */
export function quoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/** A condition: the search attribute has the value, or a list contains it. */
export function is({ name }: { name: string }, value: string): string {
  return `${name} = ${quoted(value)}`;
}

/** The condition of a query for the runs of a host's Schedule of reconciliation. */
export function runsOfSchedule(host: string): string {
  return `WorkflowType = "reconcileHost" AND ${is(ZVM_HOST, host)} AND WorkflowId STARTS_WITH ${quoted(scheduledRunPrefix(host))}`;
}
