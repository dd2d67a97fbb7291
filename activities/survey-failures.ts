import type { SurveyedGuest } from '../domain/drift/drift.ts';
import { type GuestsAndPorts, subjectsOf } from '../domain/drift/repair-subject.ts';
import type { RepairFailure, RepairSubject } from '../domain/operations/requests.ts';
import type { PortId } from '../domain/text/identifiers.ts';
import type { Accepted, SurveyInput } from '../workflows/host-activities.ts';

/** A survey that was accepted, with what the last run left to it. */
export type SurveyTask = {
  host: string;
  intervalSeconds: number;
  sweepSeconds: number;
  /** Milliseconds of Unix time. */
  now: number;
  failed: readonly RepairFailure[];
  unreported: readonly PortId[];
};

/** The task of an accepted request. */
export function surveyTask(request: Accepted<'reconcileHost'>, { last, now }: SurveyInput): SurveyTask {
  return { ...request, now, failed: last?.failures ?? [], unreported: last?.unreported ?? [] };
}

/** Earlier failures whose time has not come, with the guests and ports that they are about: a later run tries again. */
export type Later = GuestsAndPorts & { failures: readonly RepairFailure[] };

export function notNow({ failed, now }: SurveyTask): Later {
  const failures = failed.filter(({ about, notBefore }) => notBefore > now && about.kind !== 'uplinks');
  return { failures, ...subjectsOf(failures) };
}

/** Of failures before this run those that nobody looks at in it: a port of a guest that is read is found anew, or has become right. */
export function stillFailed({ failures, userids }: Later, guests: readonly SurveyedGuest[]): RepairFailure[] {
  const unread = new Set(
    guests.filter(({ userid }) => userids.has(userid)).flatMap(({ wanted }) => [...wanted.keys()]),
  );
  return failures.filter(({ about }) => about.kind !== 'port' || unread.has(about.portId));
}

/** A port that cannot be had, as a failure that every run looks at. */
export function unusable({ portId, reason }: { portId: PortId; reason: string }): RepairFailure {
  return failure({ kind: 'port', portId }, reason, 0);
}

/** A failure of this run, its first attempt at `now`. */
export function failure(about: RepairSubject, reason: string, now: number): RepairFailure {
  return { about, reason, attempts: 1, notBefore: now };
}
