import { defineSearchAttributeKey } from '@temporalio/common';

// Workflows import this file, so it may import nothing that the workflow sandbox does not allow.

/** The z/VM host a workflow works on. */
export const ZVM_HOST = defineSearchAttributeKey('ZvmHost', 'KEYWORD');

/** The guest's userid. */
export const ZVM_USERID = defineSearchAttributeKey('ZvmUserid', 'KEYWORD');

/** How the workflow ended, in the words of its result. */
export const ZVM_OUTCOME = defineSearchAttributeKey('ZvmOutcome', 'KEYWORD');

// Temporal's SQL visibility has columns for at most 3 keyword lists per namespace: the three below use them all.

/** The ports a workflow touches. */
export const ZVM_PORT = defineSearchAttributeKey('ZvmPort', 'KEYWORD_LIST');

/** The virtual switches a workflow touches. */
export const ZVM_VSWITCH = defineSearchAttributeKey('ZvmVswitch', 'KEYWORD_LIST');

/** The VLANs a workflow touches. */
export const ZVM_VLAN = defineSearchAttributeKey('ZvmVlan', 'KEYWORD_LIST');

/** How many guests a reconciliation found drifted. */
export const ZVM_DRIFTED = defineSearchAttributeKey('ZvmDrifted', 'INT');

/** Every search attribute that a server of this project must know. */
export const SEARCH_ATTRIBUTES = [
  ZVM_HOST,
  ZVM_USERID,
  ZVM_OUTCOME,
  ZVM_PORT,
  ZVM_VSWITCH,
  ZVM_VLAN,
  ZVM_DRIFTED,
] as const;
