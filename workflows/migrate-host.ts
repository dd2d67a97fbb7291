import {
  CancellationScope,
  continueAsNew,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import { defined } from '../domain/defined.ts';
import type { BackendKind } from '../domain/host/host.ts';
import type { GuestMigration } from '../domain/migration/guest-migration.ts';
import type { Batch } from '../domain/operations/batch.ts';
import type { InputOf, RequestOf } from '../domain/operations/operations.ts';
import { refusal } from '../domain/planning/refusal.ts';
import type { Wait } from '../domain/policy/verdict.ts';
import type { Userid } from '../domain/text/identifiers.ts';
import { ZVM_OUTCOME } from '../temporal-config/search-attributes.ts';
import { HEARTBEAT, READING_OF_A_HOST, unwrapped } from './activity-proxies.ts';
import { approvals } from './approval.ts';
import { malformed, reasonOf, refused } from './failures.ts';
import { type Granted, type GuestQueues, guestQueues } from './guest-queues.ts';
import {
  addAsked,
  type CarriedRounds,
  governedBy,
  inRounds,
  isCarriedRounds,
  planOfAll,
  waitingWork,
} from './guest-rounds.ts';
import type { HostActivities, MigrationPlan } from './host-activities.ts';
import { acceptRequest, endingRun, outcomeOf as outcomeOfFailure } from './operation.ts';
import { listed } from './progress.ts';
import { addSearchAttributes } from './run-visibility.ts';
import { isRecord, isText, isTexts } from './untrusted-input.ts';

export type MigrateHostResult = {
  host: string;
  from: BackendKind;
  to: BackendKind;
  dryRun: boolean;
  /** The name of a dry run's plan, for `onlyIf.plan` of a request. */
  plan?: string;
  /** The policy would have the plan of a dry run wait. */
  needs?: Wait['kind'];
  /** In the order in which they were finished. */
  guests: GuestMigration[];
};

/** The state that the next run continues from. */
type CarriedMigration = CarriedRounds<Userid> & {
  from: BackendKind;
  /** Guests to come in this round, and those that are done. */
  userids: Userid[];
  done: GuestMigration[];
  /** The plan of each guest, where the plan of all is told or asked for. */
  plans: Record<string, string>;
  needs?: Wait['kind'];
};

const MOST_LINES = 20;
// 2,000 guests with several reasons each fit into a result.
const LONGEST_REASON = 300;
const MOST_REASONS = 3;

/**
 * Bring the record of a host to its shadow backend, each guest by its own run, which keeps all others from the guest meanwhile. Safe to repeat: a
 * guest that is brought stays as it is. One that cannot be brought says why, and hinders no other. Where the host has a policy, or a plan is named, all
 * guests are planned before the first is brought.
 */
export async function migrateHost(
  input: InputOf<'migrateHost'>,
  carried?: CarriedMigration,
): Promise<MigrateHostResult> {
  const queues = guestQueues();
  const approving = approvals();
  const { isGoverned = false, ...request } = await acceptRequest('migrateHost', input);
  const { host, to, dryRun, onlyIf } = request;
  addSearchAttributes({ host });
  const isPlanning = !dryRun && (isGoverned || onlyIf !== undefined);
  const state = carriedState(carried) ?? (await endingRun(() => begun(request, isPlanning)));
  const show = () => setCurrentDetails(detailsOf(request, state));
  show();
  const left = await endingRun(() =>
    inRounds(state.userids, state, {
      begins: () => {
        if (!state.isPlanning) refuseOtherPlan(request, state);
      },
      work: async (userid, batch) => {
        await (state.isPlanning ? planGuest : migrateGuest)({ queues, request, batch, state }, userid);
        show();
      },
      decide: (asked) => {
        refuseOtherPlan(request, state);
        return approving.wait(waitingWork(asked, `bring the record of ${host} to ${to}`));
      },
    }),
  );
  if (left.length > 0) await continueAsNew<typeof migrateHost>(input, { ...state, userids: left });
  const { from, done, needs } = state;
  upsertSearchAttributes([{ key: ZVM_OUTCOME, value: outcomeOf(done) }]);
  const planned = dryRun ? { plan: planOfAll(Object.values(state.plans)), ...defined({ needs }) } : {};
  return { host, from, to, dryRun, ...planned, guests: done };
}

async function begun(request: RequestOf<'migrateHost'>, isPlanning: boolean): Promise<CarriedMigration> {
  const { from, userids } = await planOf(request);
  return { from, userids, done: [], plans: {}, guests: userids.length, isPlanning, next: [], consents: {} };
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

type Work = {
  queues: GuestQueues;
  request: RequestOf<'migrateHost'>;
  batch: Batch;
  state: CarriedMigration;
};

async function planGuest(work: Work, userid: Userid): Promise<void> {
  const { state } = work;
  await orNotBrought(state, userid, async () => {
    const { result } = await asked(work, userid, { dryRun: true });
    if (result.plan !== undefined) state.plans[userid] = result.plan;
    if (result.wait !== undefined) addAsked(state, userid, result, result.wait);
    state.next.push(userid);
  });
}

async function migrateGuest(work: Work, userid: Userid): Promise<void> {
  const { request, state } = work;
  const { dryRun, onlyIf } = request;
  await orNotBrought(state, userid, async () => {
    const named = onlyIf && { onlyIf: { plan: state.plans[userid] ?? '' } };
    const answer = await asked(work, userid, { dryRun, ...named });
    const { plan, wait, migration } = answer.result;
    if (answer.kind === 'awaits') {
      addAsked(state, userid, answer.result, answer.wait);
      state.next.push(userid);
      return;
    }
    if (migration === undefined) throw new Error('its guest run is of a version without migrations');
    if (dryRun && plan !== undefined) state.plans[userid] = plan;
    if (wait !== undefined && state.needs !== 'approval') state.needs = wait.kind;
    state.done.push({ ...migration, left: migration.left.slice(0, MOST_REASONS).map(shortened) });
  });
}

/** A guest's failure hinders no other: it is told beside what the others have come to. */
async function orNotBrought(state: CarriedMigration, userid: Userid, part: () => Promise<void>): Promise<void> {
  try {
    await part();
  } catch (error) {
    if (CancellationScope.current().consideredCancelled || isCancellation(error)) throw error;
    const outcome = outcomeOfFailure(error) === 'refused' ? 'incomplete' : 'failed';
    state.done.push({ userid, outcome, ports: 0, steps: [], left: [shortened(reasonOf(error))] });
  }
}

function asked(
  { queues, request: { host, giveUpAfterMinutes }, state, batch }: Work,
  userid: Userid,
  how: { dryRun: boolean; onlyIf?: { plan: string } },
): Promise<Granted> {
  const change = { kind: 'migrate' as const };
  const summary = `${how.dryRun ? 'compare' : 'bring'} the record of ${userid}${how.dryRun ? '' : ' over'}`;
  const request = { host, userid, change, giveUpAfterMinutes, keepOnFailure: true, batch, ...how };
  return queues.request(request, summary, { governed: governedBy(state, userid) });
}

/** Throws a `Refused` failure when the guests' plans are not the plan that was named. */
function refuseOtherPlan({ onlyIf }: RequestOf<'migrateHost'>, { plans }: CarriedMigration): void {
  if (onlyIf === undefined || onlyIf.plan === planOfAll(Object.values(plans))) return;
  throw refused([refusal('onlyIf.plan', 'the plan has changed since the dry run', 'make a dry run again')]);
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

function detailsOf(
  { host, to }: RequestOf<'migrateHost'>,
  { done, guests, isPlanning, next }: CarriedMigration,
): string {
  const lines = done.flatMap(({ userid, left }) => left.map((reason) => `${userid}: ${reason}`));
  const count = isPlanning ? `planned: **${next.length}**` : `**${done.length}**`;
  return [`${count} of ${guests} guests of **${host}**, to ${to}`, ...listed('Not brought', lines, MOST_LINES)].join(
    '\n\n',
  );
}

function carriedState(carried: unknown): CarriedMigration | undefined {
  if (carried === undefined) return undefined;
  const isDone = (guest: unknown) => isRecord(guest) && isText(guest.userid) && isText(guest.outcome);
  const isRight = isRecord(carried) && isCarriedRounds(carried) && isTexts(carried.userids) && isRecord(carried.plans);
  if (!isRight || !Array.isArray(carried.done) || !carried.done.every(isDone)) throw malformed('carried');
  return { ...(carried as CarriedMigration) };
}
