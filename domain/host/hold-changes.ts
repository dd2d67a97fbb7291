import { type ControlWord, controlAfter, type Hold, type HostControl, holdAt, saidBy } from './host-control.ts';

/** A host that has come to be held, or is held no more. Without `by` the hold has ended at its own time. */
export type HoldChange = {
  kind: 'held' | 'released';
  /** The word that did it, by its place; `until` where it was the time. */
  word: number | 'until';
  /** Milliseconds of Unix time. */
  at: number;
  hold: Hold;
  by?: string;
  reason?: string;
};

/** Words on a host in their order, each with a number of its own. */
export type NumberedWord = { number: number; word: ControlWord };

/**
 * The times at which a host came to be held, or was released, from one state of its control up to a time. A hold in place of another is told too; one
 * that had ended by itself when the time begins is not.
 */
export function holdChanges(
  from: HostControl,
  words: readonly NumberedWord[],
  { begin, end }: { begin: number; end: number },
): HoldChange[] {
  const changes: HoldChange[] = [];
  let control = from;
  const expire = (time: number, isTold = true) => {
    const { hold, restore } = control;
    if (hold?.until === undefined || hold.until > time) return;
    if (restore === undefined && isTold) changes.push({ kind: 'released', word: 'until', at: hold.until, hold });
    const { hold: _ended, ...rest } = control;
    control = rest;
  };
  expire(begin, false);
  for (const { number, word } of words) {
    expire(word.at);
    const before = holdAt(control, word.at);
    control = controlAfter(control, word);
    const hold = holdAt(control, word.at);
    const said = saidBy(word.input);
    if (hold === undefined && before !== undefined)
      changes.push({ kind: 'released', word: number, at: word.at, hold: before, ...said });
    else if (hold !== undefined && hold !== before && (word.name === 'hold' || word.name === 'restored'))
      changes.push({ kind: 'held', word: number, at: word.at, hold, ...said });
  }
  expire(end);
  return changes;
}
