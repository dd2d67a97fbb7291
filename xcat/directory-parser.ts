import type { Nicdef } from '../network/guest.ts';
import { VswitchName } from '../network/identifiers.ts';
import { PortNumber } from '../network/port-number.ts';
import { Vdev } from '../network/vdev.ts';
import { badOutput, take } from './parsing.ts';

const OPERATION = 'read the directory entry';

/**
 * The NICs of a directory entry, from Image_Query_DM: several NICDEF statements of one vdev are one NIC (contract xcat.md 5.6). A VSWITCH
 * only by `LAN SYSTEM name`. Nothing else of the entry, which holds the logon password, gets into the result or an error. Throws XcatError
 * 'bad-answer' when the output is no directory entry.
 */
export function parseDirectory(output: string): Nicdef[] {
  const nics = new Map<Vdev, Nicdef>();
  const records = output.split('\n').map((line) => line.trim());
  if (!records.some((record) => /^(USER|IDENTITY|SUBCONFIG|PROFILE|INCLUDE|NICDEF)\s/i.test(record))) {
    throw badOutput(OPERATION, 'the output is no directory entry');
  }
  for (const statement of nicdefs(records)) {
    const [, vdevText, ...words] = statement.toUpperCase().split(/\s+/);
    const vdev = take(Vdev, vdevText, OPERATION);
    const macId = after(words, 'MACID');
    const portNumber = PortNumber.safeParse(Number(after(words, 'PORTNUMBER'))).data;
    const lan = words.indexOf('LAN');
    const vswitch = lan !== -1 && words[lan + 1] === 'SYSTEM' ? words[lan + 2] : undefined;
    if (macId !== undefined && !/^[0-9A-F]{1,6}$/.test(macId))
      throw badOutput(OPERATION, 'a MACID is not six hex digits');
    nics.set(vdev, {
      ...(nics.get(vdev) ?? { vdev }),
      ...(vswitch === undefined ? {} : { vswitch: take(VswitchName, vswitch, OPERATION) }),
      ...(macId === undefined ? {} : { macId: macId.padStart(6, '0') }),
      ...(portNumber === undefined ? {} : { portNumber }),
    });
  }
  return [...nics.values()];
}

// A statement goes on in the next record after a comma (z/VM: CP Planning and Administration, user directory).
function nicdefs(records: readonly string[]): string[] {
  const statements: string[] = [];
  let open = false;
  for (const record of records) {
    const goesOn = record.endsWith(',');
    const text = goesOn ? record.slice(0, -1).trim() : record;
    if (open) statements.push(`${statements.pop()} ${text}`);
    else if (/^NICDEF(\s|$)/i.test(record)) statements.push(text);
    else continue;
    open = goesOn;
  }
  return statements;
}

function after(words: readonly string[], keyword: string): string | undefined {
  const index = words.indexOf(keyword);
  return index === -1 ? undefined : words[index + 1];
}
