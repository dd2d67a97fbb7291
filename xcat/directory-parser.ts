import type { Nicdef } from '../network/guest.ts';
import { VswitchName } from '../network/identifiers.ts';
import { PortNumber } from '../network/port-number.ts';
import { Vdev } from '../network/vdev.ts';
import { directoryStatements } from './directory-records.ts';
import { badOutput, take } from './parsing.ts';

const OPERATION = 'read the directory entry';

/**
 * The NICs of a directory entry or of a profile: several NICDEF statements of one vdev are one NIC (contract xcat.md 5.6). A VSWITCH only by
 * `LAN SYSTEM name`. Nothing else of the entry, which holds the logon password, gets into the result or an error. Throws XcatError
 * 'bad-answer' when the output is no directory entry.
 */
export function parseDirectory(output: string): Nicdef[] {
  const nics = new Map<Vdev, Nicdef>();
  for (const statement of directoryStatements(output, OPERATION)) {
    const [verb, vdevText, ...words] = statement.toUpperCase().split(/\s+/);
    if (verb !== 'NICDEF') continue;
    const vdev = take(Vdev, vdevText, OPERATION);
    const macId = after(words, 'MACID');
    const portNumber = PortNumber.safeParse(Number(after(words, 'PORTNUMBER', 'PORTNUM'.length))).data;
    const lan = words.indexOf('LAN');
    // A guest LAN, or a name that no VSWITCH here has.
    const vswitch = words[lan + 1] === 'SYSTEM' ? VswitchName.safeParse(words[lan + 2]).data : undefined;
    if (macId !== undefined && !/^[0-9A-F]{1,6}$/.test(macId))
      throw badOutput(OPERATION, 'a MACID is not six hex digits');
    const { vswitch: before, ...others }: Nicdef = nics.get(vdev) ?? { vdev };
    const coupled = lan === -1 ? before : vswitch;
    nics.set(vdev, {
      ...others,
      ...(coupled === undefined ? {} : { vswitch: coupled }),
      ...(macId === undefined ? {} : { macId: macId.padStart(6, '0') }),
      ...(portNumber === undefined ? {} : { portNumber }),
    });
  }
  return [...nics.values()];
}

/** The word after a keyword, which may be shortened to `shortest` letters. */
function after(words: readonly string[], keyword: string, shortest = keyword.length): string | undefined {
  const index = words.findIndex((word) => word.length >= shortest && keyword.startsWith(word));
  return index === -1 ? undefined : words[index + 1];
}
