import {
  CancellationScope,
  continueAsNew,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { BackendKind } from '../domain/host/host.ts';
import type { GuestMigration } from '../domain/migration/guest-migration.ts';
import type { InputOf, RequestOf } from '../domain/operations/operations.ts';
import type { Userid } from '../domain/text/identifiers.ts';
import { ZVM_OUTCOME } from '../temporal-config/search-attributes.ts';
import { HEARTBEAT, READING_OF_A_HOST, unwrapped } from './activity-proxies.ts';
import { malformed, reasonOf } from './failures.ts';
import { type GuestQueues, guestQueues } from './guest-queues.ts';
import { GuestWindows } from './guest-windows.ts';
import type { HostActivities, MigrationPlan } from './host-activities.ts';
import { acceptRequest, endingRun } from './operation.ts';
import { listed } from './progress.ts';
import { addSearchAttributes } from './run-visibility.ts';
import { isRecord, isText, isTexts } from './untrusted-input.ts';

export type MigrateHostResult = {
  host: string;
  from: BackendKind;
  to: BackendKind;
  dryRun: boolean;
  /** In the order in which they were finished. */
  guests: GuestMigration[];
};

/** The state that the next run continues from: guests to come, and those that are done. */
type Carried = { plan: MigrationPlan; done: GuestMigration[] };

const MOST_LINES = 20;
// 2,000 guests with several reasons each fit into a result.
const LONGEST_REASON = 300;
const MOST_REASONS = 3;

/**
 * Bring the record of a host to its shadow backend, each guest by its own run, which keeps all others from the guest meanwhile. Safe to repeat: a
 * guest that is brought stays as it is. One that cannot be brought says why, and hinders no other.
 */
export async function migrateHost(input: InputOf<'migrateHost'>, carried?: Carried): Promise<MigrateHostResult> {
  const queues = guestQueues();
  const request = await acceptRequest('migrateHost', input);
  const { host, to, dryRun } = request;
  addSearchAttributes({ host });
  const { plan, done } = carriedState(carried) ?? { plan: await endingRun(() => planOf(request)), done: [] };
  const { from, userids } = plan;
  const total = done.length + userids.length;
  const show = () => setCurrentDetails(detailsOf(request, done, total));
  show();
  const windows = new GuestWindows(userids);
  await endingRun(() =>
    windows.run(
      async (userid) => {
        done.push(await migrated(queues, request, userid));
        show();
      },
      () => workflowInfo().continueAsNewSuggested,
    ),
  );
  const { left } = windows;
  if (left.length > 0) await continueAsNew<typeof migrateHost>(input, { plan: { from, userids: left }, done });
  upsertSearchAttributes([{ key: ZVM_OUTCOME, value: outcomeOf(done) }]);
  return { host, from, to, dryRun, guests: done };
}

function planOf({ host, to, userids }: RequestOf<'migrateHost'>): Promise<MigrationPlan> {
  const { planMigration } = proxyActivities<HostActivities>({
    summary: 'find the guests whose record is to be brought over',
    startToCloseTimeout: READING_OF_A_HOST,
    heartbeatTimeout: HEARTBEAT,
    retry: { initialInterval: '1 second', maximumInterval: '30 seconds' },
  });
  return unwrapped(planMigration({ host, to, ...(userids && { userids }) }));
}

async function migrated(
  queues: GuestQueues,
  { host, giveUpAfterMinutes, dryRun }: RequestOf<'migrateHost'>,
  userid: Userid,
): Promise<GuestMigration> {
  const change = { kind: 'migrate' as const };
  const summary = `${dryRun ? 'compare' : 'bring'} the record of ${userid}${dryRun ? '' : ' over'}`;
  try {
    const asked = { host, userid, change, giveUpAfterMinutes, keepOnFailure: true, dryRun };
    const { migration } = await queues.run(asked, summary);
    if (migration === undefined) return failed(userid, 'its guest run is of a version without migrations');
    return { ...migration, left: migration.left.slice(0, MOST_REASONS).map(shortened) };
  } catch (error) {
    if (CancellationScope.current().consideredCancelled || isCancellation(error)) throw error;
    return failed(userid, reasonOf(error));
  }
}

function failed(userid: Userid, reason: string): GuestMigration {
  return { userid, outcome: 'failed', ports: 0, steps: [], left: [shortened(reason)] };
}

function shortened(reason: string): string {
  return reason.length <= LONGEST_REASON ? reason : `${reason.slice(0, LONGEST_REASON)}…`;
}

function outcomeOf(done: readonly GuestMigration[]): string {
  const has = (outcome: GuestMigration['outcome']) => done.some((guest) => guest.outcome === outcome);
  if (has('failed')) return 'failed';
  if (has('incomplete')) return 'refused';
  if (has('planned')) return 'planned';
  return has('migrated') ? 'changed' : 'unchanged';
}

function detailsOf({ host, to }: RequestOf<'migrateHost'>, done: readonly GuestMigration[], total: number): string {
  const lines = done.flatMap(({ userid, left }) => left.map((reason) => `${userid}: ${reason}`));
  return [
    `**${done.length}** of ${total} guests of **${host}**, to ${to}`,
    ...listed('Not brought', lines, MOST_LINES),
  ].join('\n\n');
}

function carriedState(carried: unknown): Carried | undefined {
  if (carried === undefined) return undefined;
  const isDone = (guest: unknown) => isRecord(guest) && isText(guest.userid) && isText(guest.outcome);
  if (!isRecord(carried) || !isRecord(carried.plan) || !isTexts(carried.plan.userids)) throw malformed('carried');
  if (!Array.isArray(carried.done) || !carried.done.every(isDone)) throw malformed('carried');
  return carried as Carried;
}
