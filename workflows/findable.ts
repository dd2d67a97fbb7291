import { upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { ZVM_HOST, ZVM_PORT, ZVM_USERID } from '../temporal-config/search-attributes.ts';

/** A search attribute holds 2 KB: as many port ids fit. */
export const MOST_PORTS_FOUND = 40;

/** Make a run findable by host, userid and ports; costs nothing when whoever started it has done so. */
export function findable(host: string, userid: string | undefined, portIds: readonly string[] = []): void {
  const present = workflowInfo().typedSearchAttributes;
  const ports = portIds.slice(0, MOST_PORTS_FOUND);
  const has = present.get(ZVM_PORT) ?? [];
  const known =
    present.get(ZVM_HOST) === host &&
    (userid === undefined || present.get(ZVM_USERID) === userid) &&
    ports.every((portId) => has.includes(portId));
  if (known) return;
  upsertSearchAttributes([
    { key: ZVM_HOST, value: host },
    ...(userid === undefined ? [] : [{ key: ZVM_USERID, value: userid }]),
    ...(ports.length === 0 ? [] : [{ key: ZVM_PORT, value: ports }]),
  ]);
}
