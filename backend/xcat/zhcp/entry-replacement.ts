import type { Userid } from '../../../domain/text/identifiers.ts';
import { BEGUN, type EntryForm, LONGEST_RECORD, type Piece } from './entry-form.ts';
import type { Command } from './script.ts';
import { quote } from './shell-quoting.ts';
import { smcli } from './smcli-command.ts';

/** Exit statuses of the script beside smcli's own. */
export const REPLACEMENT = {
  /** The entry is not in the form that the edit was made for. */
  changed: 75,
  /** An earlier script of this project still works on the entry. */
  underWay: 76,
  /** A record is longer than smcli can write. */
  tooLong: 77,
} as const;

/** The line that says that the entry was replaced, and its lock not given back. */
export const LOCK_KEPT = 'the lock of the entry is not given back';

/**
 * Replace a directory entry: SMAPI Image_Lock_DM, Image_Query_DM, Image_Replace_DM, Image_Unlock_DM, in one script on the zHCP. The entry is
 * read under its lock, must be in the form that the edit was made for, and is edited there, by line: no record of it but NICDEFs is in the
 * script or in its output, since xCAT logs commands. The lock is given back whatever fails; the script lives on when the connection is lost.
 * A note on the zHCP says that the lock may be this project's: when the zHCP itself fails in between, the next script gives it back.
 */
export function replaceEntry(userid: Userid, form: EntryForm, pieces: readonly Piece[]): Command {
  const { argv } = smcli('Image_Replace_DM', userid);
  return { argv, shell: scriptOf(userid, form, pieces) };
}

function scriptOf(userid: Userid, form: EntryForm, pieces: readonly Piece[]): string {
  const call = (functionName: string, options: string, file: string) =>
    `$bound ${smcli(functionName, userid).argv.slice(0, 2).join(' ')} -T ${quote(userid)}${options} > "$folder/${file}" 2>&1`;
  const lock = call('Image_Lock_DM', '', 'said');
  const unlock = call('Image_Unlock_DM', '', 'unlocked');
  const isUnlocked = `case "$(cat "$folder/unlocked")" in *'Return Code: 400'*'Reason Code: 24'*) true;; *) false;; esac`;
  const giveBack = `{ ${unlock} || ${isUnlocked}; }`;
  const isLocked = `case "$(cat "$folder/said")" in *'Return Code: 400'*'Reason Code: 12'*) true;; *) false;; esac`;
  return `# The lock is given back also when nobody listens any more.
trap '' HUP PIPE
umask 077
LC_ALL=C
export LC_ALL
folder=$(mktemp -d) || exit 1
note="$HOME"/${quote(`.networking-zvm-lock-${userid}`)}
# A note whose script is no more: the lock may have been left behind.
left=
if [ -f "$note" ]; then
  if kill -0 "$(cat "$note")" 2> /dev/null; then rm -rf "$folder"; exit ${REPLACEMENT.underWay}; fi
  left=yes
fi
printf '%s\\n' "$$" > "$note" || { rm -rf "$folder"; exit 1; }
${lock}; rc=$?
if [ "$rc" -ne 0 ] && [ -n "$left" ] && ${isLocked}; then
  ${unlock}
  ${lock}; rc=$?
fi
if [ "$rc" -ne 0 ]; then
  if ${isLocked}; then [ -n "$left" ] || rm -f "$note"
  # The lock may have been taken all the same.
  elif ${giveBack}; then rm -f "$note"; fi
  cat "$folder/said"
  rm -rf "$folder"
  exit "$rc"
fi
${call('Image_Query_DM', '', 'raw')}; rc=$?
if [ "$rc" -ne 0 ]; then grep -E '(Return|Reason) Code: ' "$folder/raw" > "$folder/said"
else
  sed 's/ *$//' "$folder/raw" | grep -v '^$' > "$folder/old"
  : > "$folder/said"
  if ${guardOf(form).join(' && ')} &&
    # Each piece must be written: on a full disk nothing is replaced.
    { ${pieces.map(pieceText).join(' && ')}; } > "$folder/new" && ${isOfLength('new', lengthOf(pieces))}; then
    if grep -Eq '.{${LONGEST_RECORD + 1}}' "$folder/new"; then rc=${REPLACEMENT.tooLong}
    else ${call('Image_Replace_DM', ' -f "$folder/new"', 'said')}; rc=$?; fi
  else rc=${REPLACEMENT.changed}; fi
fi
case "$(cat "$folder/said")" in
  # DirMaint carries it out later, and has the entry until then.
  *'Return Code: 592'*) ;;
  *) if ${giveBack} || { sleep 1; ${giveBack}; } || { sleep 3; ${giveBack}; }; then rm -f "$note"
     else printf '%s\\n' ${quote(LOCK_KEPT)} >> "$folder/said"; fi ;;
esac
cat "$folder/said"
rm -rf "$folder"
exit "$rc"`;
}

/** A test that a file has so many lines, and a line end at its end. */
function isOfLength(file: string, lines: number): string {
  return `[ "$(wc -l < "$folder/${file}")" -eq ${lines} ]`;
}

function lengthOf(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, piece) => sum + ('texts' in piece ? piece.texts.length : piece.to - piece.from + 1), 0);
}

/** Tests that the reading is whole, all NICDEFs stand where they stood, no record has come or gone, and new ones come between two statements. */
function guardOf({ records, nicdefs, begun, end }: EntryForm): string[] {
  const slice = (from: number, to: number) => `head -n ${to} "$folder/old" | tail -n ${to - from + 1}`;
  return [
    `[ "$(wc -l < "$folder/raw")" -eq "$(grep -c '' "$folder/raw")" ]`,
    isOfLength('old', records),
    `[ "$(grep -Eic '${BEGUN.source}' "$folder/old")" -eq ${begun} ]`,
    ...nicdefs.flatMap(({ at, texts }) =>
      at.map((number, index) => `[ "$(${slice(number, number)})" = ${quote(texts[index] ?? '')} ]`),
    ),
    `case "$(${slice(end, end)})" in *,) false;; *) true;; esac`,
  ];
}

function pieceText(piece: Piece): string {
  if ('texts' in piece) return `printf '%s\\n' ${piece.texts.map(quote).join(' ')}`;
  const { from, to } = piece;
  return `head -n ${to} "$folder/old"${from === 1 ? '' : ` | tail -n ${to - from + 1}`}`;
}
