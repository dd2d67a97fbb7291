import { createHash } from 'node:crypto';
import type { Vdev } from '../../../domain/port/vdev.ts';
import type { Userid } from '../../../domain/text/identifiers.ts';
import type { Command } from '../zhcp/channel.ts';

// smcli sends a longer line as two records (smcliImage.c), which no entry survives.
const LONGEST_RECORD = 70;
const SMCLI = '/opt/zhcp/bin/smcli';

/**
 * Replaces an entry by itself, without some NICs and with further statements: SMAPI Image_Lock_DM, Image_Replace_DM, Image_Unlock_DM. The
 * entry, which holds passwords, stays on the zHCP, in a folder that only root can read. The lock is given back whatever fails.
 */
const SCRIPT = `
folder=$(mktemp -d) || exit 1
${SMCLI} Image_Lock_DM -T "$1" || { rc=$?; rm -rf "$folder"; exit "$rc"; }
${SMCLI} Image_Query_DM -T "$1" > "$folder/read"; rc=$?
if [ "$rc" -eq 0 ]; then
  grep -v -E "$2" "$folder/read" | sed 's/ *$//' > "$folder/entry"
  if [ "$3" != '' ]; then printf '%s\\n' "$3" >> "$folder/entry"; fi
  if grep -q -E '.{${LONGEST_RECORD + 1}}' "$folder/entry"; then
    echo 'a record of the entry is too long for smcli'; rc=9
  else
    ${SMCLI} Image_Replace_DM -T "$1" -f "$folder/entry"; rc=$?
  fi
fi
${SMCLI} Image_Unlock_DM -T "$1" > /dev/null
rm -rf "$folder"
exit "$rc"
`;

/** Replace the entry of a guest by itself without the NICs of these devices, and with one statement more where one is given. */
export function editEntry(userid: Userid, without: readonly Vdev[], statement = ''): Command {
  return { argv: ['sh', '-c', SCRIPT, 'edit', userid, leftOut(without), statement] };
}

/** Records that are not written back: those NICs, and DirMaint's own comment (docs/reference/smcli.md 4.5). */
function leftOut(vdevs: readonly Vdev[]): string {
  return `^(\\*DVHOPT|NICDEF (${vdevs.join('|')}) )`;
}

/**
 * A mark of an entry, as Image_Query_DM prints it, beside those NICs: another one for every other byte, but for passwords, which no mark may
 * give away.
 */
export function markOf(output: string, without: readonly Vdev[]): string {
  const isLeftOut = new RegExp(leftOut(without));
  const records = output
    .split('\n')
    .map((record) => record.replace(/ +$/, ''))
    .filter((record) => record !== '' && !isLeftOut.test(record));
  return createHash('sha256').update(records.map(withoutPasswords).join('\n')).digest('hex').slice(0, 32);
}

/** `USER userid password …`, `MDISK … mode rpw wpw mpw`, `APPCPASS …`. */
function withoutPasswords(record: string): string {
  const words = record.trim().split(/ +/);
  const [verb = ''] = words;
  if (/^(USER|IDENTITY)$/i.test(verb)) return words.toSpliced(2, 1).join(' ');
  if (/^(M|MD|MDI|MDIS|MDISK)$/i.test(verb)) return words.slice(0, 7).join(' ');
  return /^APPC/i.test(verb) ? verb : record;
}
