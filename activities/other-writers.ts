import type { Context } from '@temporalio/activity';
import { BackendError } from '../backend/backend-error.ts';
import type { Reading } from '../backend/reading.ts';
import type { Userid } from '../domain/text/identifiers.ts';
import { guestWorkflowId } from '../temporal-config/names.ts';
import type { HostRuntime } from './host-runtime.ts';
import { openRun } from './temporal-operations.ts';

type Client = Context['client'];

/**
 * Throws a transient BackendError while a guest run of another member of the SSI cluster is open. Members share the user directory, and the
 * guest may have belonged to the other one until a moment ago: that run carries its steps out to its end, and plans none for a guest that has
 * left. Called after the guest was read, so a run that begins later reads that the guest belongs here.
 */
export async function refuseBesideOtherWriters(
  { rules, memberHosts }: HostRuntime,
  client: Client,
  userid: Userid,
  { capabilities }: Pick<Reading, 'capabilities'>,
): Promise<void> {
  const zhcps = (capabilities?.ssi?.members ?? []).flatMap(({ zhcp }) => zhcp ?? []);
  const others = zhcps.filter((zhcp) => zhcp !== rules.zhcpNode);
  if (others.length === 0) return;
  const hosts = await memberHosts(client, others);
  const runs = hosts.map((host) => guestWorkflowId(host, userid));
  const open = await Promise.all(runs.map((workflowId) => openRun(client, workflowId)));
  const writer = runs.find((_, index) => open[index] !== undefined);
  if (writer === undefined) return;
  const operation = `begin to change ${userid}`;
  const message = `${operation}: the guest run ${writer} of another member of the SSI cluster is still at work on it`;
  const advice = 'wait for it; when it waits for a member that is down, cancel its operation';
  throw new BackendError({ code: 'busy', operation, message, advice });
}
