import { upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import {
  type RunAttributes,
  searchAttributePairs,
  ZVM_HOST,
  ZVM_PORT,
  ZVM_USERID,
  ZVM_VLAN,
  ZVM_VSWITCH,
} from '../temporal-config/search-attributes.ts';

/** Add to the search attributes of this run. No command where the start has set them. */
export function setSearchAttributes(by: RunAttributes): void {
  const present = workflowInfo().typedSearchAttributes;
  const lists = [
    [present.get(ZVM_PORT), by.portIds],
    [present.get(ZVM_VSWITCH), by.vswitches],
    [present.get(ZVM_VLAN), by.vlans],
  ] as const;
  const known =
    present.get(ZVM_HOST) === by.host &&
    (by.userid === undefined || present.get(ZVM_USERID) === by.userid) &&
    lists.every(([before = [], now = []]) => now.every((value) => before.includes(value)));
  if (known) return;
  const [portIds, vswitches, vlans] = lists.map(([before = [], now = []]) => [...new Set([...now, ...before])]);
  upsertSearchAttributes(searchAttributePairs({ ...by, portIds, vswitches, vlans }));
}
