import type { Userid } from '../../../domain/text/identifiers.ts';
import type { CommandOutcome } from '../zhcp/channel.ts';
import { type Entry, entryIn } from './entry-reading.ts';
import { type DeviceOutcomes, isRunning } from './guest-devices.ts';

/**
 * The answers about guests that were read for a plan, each until it is carried out: the change of an entry then needs no reading before it, and that of
 * couplings none of the guest's NICs after it. An entry that has changed since is seen under its lock.
 */
export type PlannedReadings = {
  /** Take the answers of z/VM about a guest. */
  note(userid: Userid, outcomes: DeviceOutcomes): void;
  /** The entry of a userid, once. */
  takeEntry(userid: Userid): Entry | undefined;
  /** The NICs of a guest that runs on the host, once, and only while they are recent. */
  takeNics(userid: Userid): CommandOutcome | undefined;
};

// Plans that are never carried out leave theirs behind.
const MOST = 1_000;
/** A guest may have been logged off and on since an older reading. */
const RECENT_MS = 60_000;

/** Create them, with nothing read; `now` in milliseconds. */
export function createPlannedReadings(now: () => number = () => performance.now()): PlannedReadings {
  const entries = createKept<Entry>();
  const nics = createKept<{ outcome: CommandOutcome; at: number }>();
  return {
    note(userid, outcomes) {
      if ('directory' in outcomes) entries.keep(userid, entryOrNone(userid, outcomes.directory));
      const { nics: outcome, coupledSince } = outcomes;
      const isOfNow = outcome !== undefined && isRunning(outcome) && coupledSince !== true;
      nics.keep(userid, isOfNow ? { outcome, at: now() } : undefined);
    },
    takeEntry: (userid) => entries.take(userid),
    takeNics(userid) {
      const found = nics.take(userid);
      return found === undefined || now() - found.at > RECENT_MS ? undefined : found.outcome;
    },
  };
}

function entryOrNone(userid: Userid, outcome: CommandOutcome | undefined): Entry | undefined {
  try {
    return entryIn(userid, outcome);
  } catch {
    // It is said where the guest itself is read.
    return undefined;
  }
}

/** The newest values of so many guests, each until it is taken. */
function createKept<Value>() {
  const values = new Map<Userid, Value>();
  return {
    keep(userid: Userid, value: Value | undefined): void {
      values.delete(userid);
      if (value === undefined) return;
      const [oldest] = values.keys();
      if (values.size >= MOST && oldest !== undefined) values.delete(oldest);
      values.set(userid, value);
    },
    take(userid: Userid): Value | undefined {
      const value = values.get(userid);
      values.delete(userid);
      return value;
    },
  };
}
