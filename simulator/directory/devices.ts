import { parseVdev } from './nicdef.ts';

/** A device that is no NIC: a disk, a console, a reader, a real device … */
export type OtherDevice = { vdev: string; count: number; kind: string };

/** A profile of the user directory, which entries include: statements as they stand there. */
export type Profile = { name: string; statements: string[] };

/** The profile that every entry of the simulated systems includes. */
export const DEFAULT_PROFILE: Profile = {
  name: 'OSDFLT',
  statements: [
    'CONSOLE 0009 3215 T',
    'SPOOL 000C 2540 READER *',
    'SPOOL 000D 2540 PUNCH A',
    'SPOOL 000E 1403 A',
    'LINK MAINT 0190 0190 RR',
    'LINK MAINT 019D 019D RR',
  ],
};

/** The kind that SMAPI shows of a statement's device; it has no word for others. */
const SHOWN: Record<string, string> = { CONSOLE: 'CONS', MDISK: 'DASD', LINK: 'DASD' };
const SPOOLED: Record<string, string> = { READER: 'RDR', PUNCH: 'PUN' };

/** The device that a directory statement gives a user, if it gives one (z/VM: CP Planning and Administration). */
export function deviceOf(statement: string): OtherDevice | null {
  const [verb = '', first = '', second = '', third = ''] = statement.trim().toUpperCase().split(/ +/);
  const one = (text: string, kind: string, count = 1): OtherDevice | null => {
    const vdev = parseVdev(text);
    return vdev === null ? null : { vdev, count, kind };
  };
  switch (verb) {
    case 'CONSOLE':
    case 'MDISK':
      return one(first, SHOWN[verb] ?? '');
    case 'SPOOL':
      return one(first, SPOOLED[third] ?? 'PRT');
    case 'DEDICATE':
      return one(first, '');
    case 'SPECIAL':
      return one(first, '', /^(QDIO|HIPERS?)$/.test(second) ? Number(third) || 3 : 1);
    case 'LINK':
      return one(third === '' ? second : third, 'DASD');
    default:
      return null;
  }
}
