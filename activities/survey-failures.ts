import type { SurveyedGuest } from '../domain/drift/drift.ts';
import { PortId } from '../domain/text/identifiers.ts';
import type { FailedGuest, SurveyInput } from '../workflows/host-activities.ts';

/** Earlier failures whose time has not come: a later run tries again. */
export function notNow({ failed, now }: SurveyInput): Map<string, FailedGuest> {
  const later = failed.filter((guest) => guest.notBefore > now && !guest.userid.startsWith(UPLINKS_OF));
  return new Map(later.map((guest) => [guest.userid, guest]));
}

/** Of failures before this run those that nobody looks at in it: a port of a guest that is read is found anew, or has become right. */
export function stillFailed(later: ReadonlyMap<string, FailedGuest>, guests: readonly SurveyedGuest[]): FailedGuest[] {
  const unread = new Set<string>(
    guests.filter(({ userid }) => later.has(userid)).flatMap(({ wanted }) => [...wanted.keys()]),
  );
  return [...later.values()].filter(({ userid: what }) => !PortId.safeParse(what).success || unread.has(what));
}

/** A port that cannot be had, as a failure that every run looks at. */
export function unusable({ portId, reason }: { portId: PortId; reason: string }): FailedGuest {
  return failure(portId, reason, 0);
}

/** A failure of this run, its first attempt at `now`. */
export function failure(userid: string, reason: string, now: number): FailedGuest {
  return { userid, reason, attempts: 1, notBefore: now };
}

/** Begins the name of a failure about the uplinks of a VSWITCH. */
export const UPLINKS_OF = 'uplinks of ';
