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
