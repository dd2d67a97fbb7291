import type { HostReading, Reading } from '../backend/reading.ts';
import { defined } from '../domain/defined.ts';
import { looksDown } from '../domain/drift/admin-state.ts';
import { type Drift, driftOf, type SurveyedGuest } from '../domain/drift/drift.ts';
import type { Finding } from '../domain/drift/finding.ts';
import { misleadingNicdefs } from '../domain/drift/misleading-nicdefs.ts';
import { type Absence, isGone } from '../domain/guest/absence.ts';
import { absenceLine } from '../domain/guest/absent-guest.ts';
import type { Change, RepairFailure } from '../domain/operations/requests.ts';
import { decide } from '../domain/planning/decision.ts';
import { type PlanRecord, plan } from '../domain/planning/planner.ts';
import { describeRefusals, type RefusedPort } from '../domain/planning/refusal.ts';
import type { PortId, Userid } from '../domain/text/identifiers.ts';
import type { Vswitch } from '../domain/vswitch/vswitch.ts';
import type { Candidate } from '../workflows/host-activities.ts';
import { asActivityFailure } from './failures.ts';
import type { HostRuntime } from './host-runtime.ts';
import { firstThatFit } from './result-size.ts';
import { failure, type Later, stillFailed } from './survey-failures.ts';

/** Guests that one survey reads for themselves because of a doubt; others have their turn in the next. */
const MOST_READ = 200;
/** Guests that one run repairs, and the size of all that it has to know of them: Temporal takes no result of more than 2 MB. */
const MOST_CANDIDATES = 1_000;
const MOST_CANDIDATE_CHARACTERS = 600_000;

/** The guests of a survey, sorted by what is to be done about them. */
export type Found = {
  candidates: Candidate[];
  skipped: number;
  failed: RepairFailure[];
  verified: Set<Userid>;
  /** In doubt, but not looked at in this run. */
  unread: Set<Userid>;
  /** Guests that were looked at, and z/VM has. */
  seen: Set<Userid>;
  /** Of guests that were looked at: the ports whose admin state is still to be confirmed. */
  toConfirm: Map<Userid, PortId[]>;
  findings: Finding[];
};

/** Compare each guest with z/VM, and read those for themselves that only their own reading can decide. Throws a BackendError. */
export async function examine(
  host: HostRuntime,
  reading: HostReading & { vswitchesOf(userid: Userid): readonly Vswitch[] },
  guests: readonly SurveyedGuest[],
  slice: readonly Userid[],
  later: Later,
  now: number,
): Promise<Found> {
  const swept = new Set(slice);
  const candidates: Candidate[] = [];
  const verified = new Set<Userid>();
  const seen = new Set<Userid>();
  const toConfirm = new Map<Userid, PortId[]>();
  const looked: { guest: SurveyedGuest; doubt: Drift }[] = [];
  for (const guest of guests) {
    const doubt = driftOf(guest, reading.vswitchesOf(guest.userid), reading.capabilities);
    if (later.userids.has(guest.userid)) continue;
    if (guest.absent === true) looked.push({ guest, doubt });
    else if (doubt.certain) candidates.push(candidateOf(guest, doubt));
    else if (doubt.lines.length > 0 || swept.has(guest.userid) || guest.toConfirm !== undefined)
      looked.push({ guest, doubt });
  }
  const inSlice = looked.filter(({ guest }) => swept.has(guest.userid));
  const unswept = looked
    .filter(({ guest }) => !swept.has(guest.userid))
    // A guest that was looked at and waits for an operator comes last.
    .toSorted((one, other) => Number(one.doubt.lines.length === 0) - Number(other.doubt.lines.length === 0));
  const others = unswept.slice(0, MOST_READ);
  const unread = new Set(unswept.slice(MOST_READ).map(({ guest }) => guest.userid));
  const read =
    others.length === 0
      ? undefined
      : (await host.backend.readHost({ userids: others.map(({ guest }) => guest.userid) })).read;
  const failed: RepairFailure[] = stillFailed(later, guests);
  const findings: Finding[] = [];
  for (const { guest, doubt, by } of [
    ...inSlice.map((each) => ({ ...each, by: reading.read })),
    ...others.map((each) => ({ ...each, by: read ?? reading.read })),
  ]) {
    const { steps, why, refused, absence, isDown, unread } = stepsFor(guest, doubt, by, host.backend.planRecord);
    const line = absence && absenceLine(guest.userid, absence, host.backend.kind);
    findings.push(...unread);
    if (isDown !== undefined) toConfirm.set(guest.userid, isDown);
    if (steps !== undefined && absence === undefined) seen.add(guest.userid);
    failed.push(
      ...refused.map(({ portId, refusals }) => failure({ kind: 'port', portId }, describeRefusals(refusals), now)),
    );
    if (steps === undefined) failed.push(failure({ kind: 'guest', userid: guest.userid }, why, now));
    else if (steps === 0 && isVerified(guest, absence)) verified.add(guest.userid);
    else if (steps === 0) failed.push(...unowned(guest, line, now));
    else candidates.push(candidateOf(guest, doubt, line));
  }
  const skipped = guests.filter((guest) => later.userids.has(guest.userid)).length;
  return { candidates, skipped, failed, verified, unread, seen, toConfirm, findings };
}

/** True when nothing is left to look at in the next run: remains of an absent guest are looked at in every run. */
function isVerified({ recorded }: SurveyedGuest, absence: Absence | undefined): boolean {
  return absence === undefined || (recorded.length === 0 && (absence.kind === 'elsewhere' || isGone(absence)));
}

/** NICs that ports had whose rows have gone with the node; it is no failure of the guest, which would be looked at later and later. */
function unowned({ userid, recorded }: SurveyedGuest, absence: string | undefined, now: number): RepairFailure[] {
  if (absence === undefined || recorded.length > 0) return [];
  const advice = 'define its node again, or remove its NICs and grants';
  return [failure({ kind: 'missingNode', userid }, `${absence} (${advice})`, now)];
}

type Looked = {
  steps: number | undefined;
  why: string;
  refused: RefusedPort[];
  unread: readonly Finding[];
  absence?: Absence;
  /** Of the ports to confirm those that z/VM really has as if they were down, or nobody can tell. */
  isDown?: PortId[];
};

/** How many steps the guest needs, or why that cannot be said. */
function stepsFor(
  guest: SurveyedGuest,
  doubt: Drift,
  read: (userid: Userid) => Reading,
  planRecord: PlanRecord,
): Looked {
  try {
    const context = read(guest.userid);
    const unread = [...context.findings, ...misleadingNicdefs(context.guest, context.capabilities)];
    const { absence } = context.guest;
    const decision = decide(changeOf(guest, doubt), { ...context, avoidMacs: new Set() });
    if (!decision.accepted)
      return { steps: undefined, why: decision.refusals.map(({ reason }) => reason).join('; '), refused: [], unread };
    const steps = plan(decision.desired, context.guest, context.vswitches, planRecord, context.capabilities).length;
    const isDown = context.guest.recorded
      .filter((row) => guest.toConfirm?.includes(row.portId) === true)
      .filter((row) => row.unreadable !== undefined || looksDown(row, context.guest))
      .map(({ portId }) => portId);
    return { steps, why: '', refused: decision.refused, unread, isDown, ...defined({ absence }) };
  } catch (error) {
    return { steps: undefined, why: asActivityFailure(error).message, refused: [], unread: [] };
  }
}

/** Guests that were logged on when they were last looked at come first: after a re-IPL somebody waits for them. */
export function runningFirst(candidates: readonly Candidate[], guests: readonly SurveyedGuest[]): Candidate[] {
  const off = new Set(guests.filter(({ remembered }) => remembered?.verified === true).map(({ userid }) => userid));
  return candidates.toSorted((one, other) => Number(off.has(one.userid)) - Number(off.has(other.userid)));
}

/** As many candidates as one run repairs; when there are more, the next run follows at once. */
export function candidatesOfOneRun(candidates: readonly Candidate[]): Candidate[] {
  return firstThatFit(candidates.slice(0, MOST_CANDIDATES), MOST_CANDIDATE_CHARACTERS);
}

function candidateOf(guest: SurveyedGuest, doubt: Drift, absence?: string): Candidate {
  const lines = linesOf(guest.userid, doubt, absence);
  // The directory alone tells whether a port that is to be confirmed looks down.
  const mayBeAsRecorded = doubt.certain && doubt.authorisationsOnly && guest.toConfirm === undefined;
  const unread = mayBeAsRecorded ? { directory: 'asRecorded' as const } : {};
  return { userid: guest.userid, change: changeOf(guest, doubt), lines, ...unread };
}

function linesOf(userid: Userid, { lines }: Drift, absence: string | undefined): string[] {
  if (absence !== undefined) return [absence];
  return lines.length > 0 ? lines : [`the directory entry of ${userid} differs from the record`];
}

function changeOf(
  { remembered, toConfirm = [] }: SurveyedGuest,
  { vanished, left, ports, unwanted }: Drift,
): Extract<Change, { kind: 'reconcile' }> {
  const nics = remembered?.seen === true ? { remembered: [...remembered.nics] } : {};
  const rest = { removed: unwanted, unrecorded: vanished, left, toConfirm: [...toConfirm] };
  return { kind: 'reconcile', ports, ...rest, ...nics };
}
