import { createHash } from 'node:crypto';
import type { Vdev } from '../../../domain/port/vdev.ts';

/**
 * A mark of an entry, as Image_Query_DM prints it, beside those NICs: another one for every other byte, but for passwords, which no mark may
 * give away.
 */
export function markOf(output: string, without: readonly Vdev[]): string {
  // DirMaint's own comment is of its last change (docs/reference/smcli.md 4.5).
  const isLeftOut = new RegExp(`^(\\*DVHOPT|NICDEF (${without.join('|')}) )`);
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
