import type { Nicdef } from '../../../domain/guest/guest.ts';
import type { Userid } from '../../../domain/text/identifiers.ts';
import type { CommandOutcome } from '../zhcp/channel.ts';
import { type EntryForm, entryForm } from '../zhcp/entry-form.ts';
import { completeAnswer } from '../zhcp/smapi-outcome.ts';
import { isWholeDirectory, parseDirectory } from '../zhcp/smcli-parsers.ts';

/** A directory entry as it was read: its NICs, and where their statements stand. It holds nothing else of the entry. */
export type Entry = { nics: readonly Nicdef[]; form: EntryForm };

/** The entry in the answer of Image_Query_DM. Throws a BackendError when it cannot be read. */
export function entryIn(userid: Userid, outcome: CommandOutcome | undefined): Entry {
  const { output } = completeAnswer(`read the directory entry of ${userid}`, outcome, isWholeDirectory);
  return { nics: parseDirectory(output), form: entryForm(output) };
}

/**
 * The entries that were read for a plan, each until it is carried out: the change of an entry then needs no reading before it. What has
 * happened to the entry since is seen under its lock.
 */
export type PlannedEntries = {
  note(userid: Userid, outcome: CommandOutcome | undefined): void;
  /** The entry, once. */
  take(userid: Userid): Entry | undefined;
};

// Plans that are never carried out leave theirs behind.
const MOST = 1_000;

/** Create them, with nothing read. */
export function createPlannedEntries(): PlannedEntries {
  const entries = new Map<Userid, Entry>();
  return {
    note(userid, outcome) {
      entries.delete(userid);
      const [oldest] = entries.keys();
      if (entries.size >= MOST && oldest !== undefined) entries.delete(oldest);
      try {
        entries.set(userid, entryIn(userid, outcome));
      } catch {
        // It is said where the guest itself is read.
      }
    },
    take(userid) {
      const entry = entries.get(userid);
      entries.delete(userid);
      return entry;
    },
  };
}
