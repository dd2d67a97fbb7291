import { CancellationScope, isCancellation, setHandler, upsertSearchAttributes } from '@temporalio/workflow';
import { defined } from '../domain/defined.ts';
import { searchTermsOfRestored } from '../domain/guest/search-terms.ts';
import type { Batch } from '../domain/operations/batch.ts';
import type { InputOf, RequestOf } from '../domain/operations/operations.ts';
import type { RestoredPort } from '../domain/operations/requests.ts';
import type { Effect } from '../domain/operations/results.ts';
import { leftNicdefText } from '../domain/planning/left-nicdefs.ts';
import { refusal } from '../domain/planning/refusal.ts';
import { strictestOf } from '../domain/policy/verdict.ts';
import type { Userid } from '../domain/text/identifiers.ts';
import { ZVM_OUTCOME } from '../temporal-config/search-attributes.ts';
import { approvals } from './approval.ts';
import { operationFailed, reasonOf, refused } from './failures.ts';
import { comesTo, type RequestResult } from './guest-queue-messages.ts';
import { type GuestQueues, guestQueues } from './guest-queues.ts';
import { planOfAll } from './guest-rounds.ts';
import { GuestWindows } from './guest-windows.ts';
import { acceptRequest, asReported, endingRun, type OperationResult } from './operation.ts';
import { showProgress } from './progress.ts';
import { addSearchAttributes } from './run-visibility.ts';

type Request = RequestOf<'restorePorts'>;
type GuestPorts = { userid: Userid; ports: RestoredPort[] };
type OfGuest = { userid: Userid; result: RequestResult };
/** The plans of the guests, the person who has approved them, and when that was. */
type GovernedUndo = { guests: number; plans: Record<string, string>; by?: string; acceptedAt?: number };

/** The work of an undo: done, or to be done. */
export type RestorePortsResult = Omit<OperationResult, 'undo'> & {
  /** After a dry run: what has changed since the operation. */
  changedSince?: string[];
  /** The ports as an undo of this undo needs them. */
  undo?: (RestoredPort & { userid: Userid })[];
};

const FROM_WORST: readonly Effect[] = ['interrupts', 'changes', 'none'];
/** The result holds so many steps: those of two thousand ports would be more than Temporal takes. */
const MOST_STEPS = 1_000;

/**
 * Take ports of one or many guests back to what was before an operation. All guests are planned first: nothing is touched when one of them is
 * refused, or when something has changed since that the caller has neither seen, in a plan that is named, nor forced.
 */
export async function restorePorts(input: InputOf<'restorePorts'>): Promise<RestorePortsResult> {
  const queues = guestQueues();
  const approving = approvals();
  let coming: Set<string> | undefined;
  setHandler(comesTo, (userid: unknown) => coming?.has(String(userid)) ?? true);
  const request = await acceptRequest('restorePorts', input);
  const { host, undoes, ports, dryRun } = request;
  const guests = byGuest(ports);
  coming = new Set(guests.map(({ userid }) => userid));
  const [only, ...others] = guests;
  const subject = others.length === 0 && only !== undefined ? { userid: only.userid } : {};
  addSearchAttributes({ host, ...subject, ...searchTermsOfRestored(ports) });
  const show = (state: string, lists: Parameters<typeof showProgress>[0]['lists'] = {}) =>
    showProgress({ subject: `undo of ${undoes}`, state, lists });
  show('is planned');
  const result = await endingRun(async () => {
    const governed: GovernedUndo = { guests: guests.length, plans: {} };
    for (;;) {
      coming = new Set(guests.map(({ userid }) => userid));
      const plans = await onGuests(guests, 'plan', (guest, batch) => ask(queues, request, guest, batch, governed));
      const planned = plannedOf(plans);
      refuseOtherwise(request, planned);
      governed.plans = Object.fromEntries(plans.map(({ userid, result: { plan = '' } }) => [userid, plan]));
      const wait = strictestOf(plans.flatMap((each) => each.result.wait ?? []));
      if (dryRun) return { ...planned, ...defined({ needs: wait?.kind }) };
      if (wait === undefined) break;
      coming = new Set();
      const { plan = '', effect, steps } = planned;
      const consent = await approving.wait({ summary: `undo of ${undoes}`, plan, effect, steps, wait });
      Object.assign(governed, { acceptedAt: Date.now(), ...(consent === undefined ? {} : { by: consent.by }) });
    }
    show('in progress');
    const done = await carriedOut(request, guests, async (guest, batch) => {
      const of = await ask(queues, request, guest, batch, governed, governed.plans[guest.userid] ?? '');
      coming?.delete(guest.userid);
      return of;
    });
    return doneOf(done);
  });
  upsertSearchAttributes([{ key: ZVM_OUTCOME, value: dryRun ? 'planned' : result.changed ? 'changed' : 'unchanged' }]);
  const stays = (result.leaves ?? []).map(leftNicdefText);
  show(dryRun ? 'to be done' : 'done', { [dryRun ? 'planned' : 'done']: result.steps, stays });
  return result;
}

function byGuest(ports: Request['ports']): GuestPorts[] {
  return [...Map.groupBy(ports, ({ userid }) => userid)].map(([userid, ofGuest]) => ({
    userid,
    ports: ofGuest.map(({ userid: _userid, ...port }) => port),
  }));
}

/** One request to one guest: its plan, or that plan and no other carried out. */
async function ask(
  queues: GuestQueues,
  { host, undoes, giveUpAfterMinutes, keepOnFailure }: Request,
  { userid, ports }: GuestPorts,
  batch: Batch | undefined,
  { plans, by, ...governed }: GovernedUndo,
  plan?: string,
): Promise<OfGuest> {
  const change = { kind: 'restore' as const, ports };
  const how = plan === undefined ? { dryRun: true, comesAgain: true as const } : { onlyIf: { plan } };
  const consent = by === undefined ? {} : { consent: { plan: plans[userid] ?? '', by } };
  const asked = { host, userid, change, giveUpAfterMinutes, keepOnFailure, ...defined({ batch }), ...how };
  const summary = `undo of ${undoes}: ports of ${userid}`;
  return { userid, result: await queues.run(asked, summary, { governed: { ...governed, ...consent } }) };
}

/** The same work on each guest, in windows whose guests share calls; answers in the order of the guests. */
async function onGuests<Result>(
  guests: readonly GuestPorts[],
  phase: 'plan' | 'apply',
  work: (guest: GuestPorts, batch: Batch | undefined) => Promise<Result>,
): Promise<Result[]> {
  const results = new Map<GuestPorts, Result>();
  await new GuestWindows(guests).run(async (guest, batch) => {
    const own = guests.length === 1 ? undefined : { ...batch, window: `${batch.window}/${phase}` };
    results.set(guest, await work(guest, own));
  });
  return guests.flatMap((guest) => results.get(guest) ?? []);
}

function plannedOf(plans: readonly OfGuest[]): RestorePortsResult {
  const effects = plans.map(({ result }) => result.effect ?? 'none');
  return {
    ...{ changed: false, dryRun: true, plan: planOfAll(plans.map(({ result }) => result.plan ?? '0')) },
    effect: FROM_WORST.find((effect) => effects.includes(effect)) ?? 'none',
    changedSince: plans.flatMap(({ result }) => result.changedSince ?? []),
    ...toldOf(plans),
  };
}

/** Throws a `Refused` failure when the plan is not the one that was named, or tells of changes that nobody has agreed to. */
function refuseOtherwise({ force, onlyIf, dryRun }: Request, { plan, changedSince = [] }: RestorePortsResult): void {
  if (onlyIf !== undefined && onlyIf.plan !== plan)
    throw refused([refusal('onlyIf.plan', 'the plan has changed since the dry run', 'make a dry run again')]);
  if (dryRun || force || onlyIf !== undefined || changedSince.length === 0) return;
  const advice = 'look at a dry run, then name its plan, or set force';
  throw refused(changedSince.map((reason) => refusal('undoes', reason, advice)));
}

/** The results of all guests. Throws the failure of the only one, or one that names those that failed, once the others are back. */
async function carriedOut(
  { host, undoes, ports }: Request,
  guests: readonly GuestPorts[],
  work: (guest: GuestPorts, batch: Batch | undefined) => Promise<OfGuest>,
): Promise<OfGuest[]> {
  const failures: { userid: Userid; error: unknown }[] = [];
  const done = await onGuests(guests, 'apply', (guest, batch) =>
    work(guest, batch).catch((error: unknown) => {
      if (CancellationScope.current().consideredCancelled || isCancellation(error)) throw error;
      failures.push({ userid: guest.userid, error });
      return undefined;
    }),
  );
  const [first] = failures;
  if (first === undefined) return done.flatMap((each) => each ?? []);
  if (guests.length === 1) throw first.error;
  const userids = failures.map(({ userid }) => userid);
  const report = {
    ...{ host, userid: first.userid, step: `undo of ${undoes} on ${guests.length} guests` },
    portIds: ports.filter(({ userid }) => userids.includes(userid)).map(({ portId }) => portId),
    reason: `${failures.length} of them failed: ${userids.join(', ')}; the first: ${reasonOf(first.error)}`,
    advice: 'correct the cause, then undo the operation again: the other guests are back already',
    done: toldOf(done.flatMap((each) => each ?? [])).steps,
  };
  throw operationFailed('StepFailed', report, 'left');
}

function doneOf(guests: readonly OfGuest[]): RestorePortsResult {
  const undo = guests.flatMap(({ userid, result }) => (result.undo ?? []).map((port) => ({ ...port, userid })));
  return {
    changed: guests.some(({ result }) => result.changed),
    ...toldOf(guests),
    ...defined({ undo: undo.length === 0 ? undefined : undo }),
  };
}

function toldOf(guests: readonly OfGuest[]): Pick<RestorePortsResult, 'ports' | 'steps' | 'leaves'> {
  const leaves = guests.flatMap(({ result }) => result.leaves ?? []);
  const all = guests.flatMap(({ result }) => result.steps);
  const more = all.length - MOST_STEPS;
  const steps = more > 0 ? [...all.slice(0, MOST_STEPS), `and ${more} more steps`] : all;
  return {
    ports: guests.flatMap(({ result }) => result.ports.map((port) => asReported(port, result.liveVdevs))),
    steps: steps.length === 0 ? ['nothing to do'] : steps,
    ...(leaves.length === 0 ? {} : { leaves }),
  };
}
