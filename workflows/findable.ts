import { upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { ZVM_HOST, ZVM_PORT, ZVM_USERID } from '../temporal-config/search-attributes.ts';

/** Make a run findable by host, userid and ports; costs nothing when whoever started it has done so. */
export function findable(host: string, userid: string | undefined, portIds: readonly string[] = []): void {
  const present = workflowInfo().typedSearchAttributes;
  if (present.get(ZVM_HOST) === host && (userid === undefined || present.get(ZVM_USERID) === userid)) return;
  upsertSearchAttributes([
    { key: ZVM_HOST, value: host },
    ...(userid === undefined ? [] : [{ key: ZVM_USERID, value: userid }]),
    ...(portIds.length === 0 ? [] : [{ key: ZVM_PORT, value: [...portIds] }]),
  ]);
}
