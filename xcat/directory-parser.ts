import type { Report } from '../network/finding.ts';
import type { Nicdef } from '../network/guest.ts';
import { VswitchName } from '../network/identifiers.ts';
import { PortNumber } from '../network/port-number.ts';
import { Vdev } from '../network/vdev.ts';
import { badOutput } from './parsing.ts';

const OPERATION = 'read the directory entry';

/**
 * The NICs of a directory entry, from Image_Query_DM: several NICDEF statements of one vdev are one NIC (contract xcat.md 5.6). A VSWITCH
 * only by `LAN SYSTEM name`. Nothing else of the entry, which holds the logon password, gets into the result, a report or an error. A
 * statement that is not understood is reported, and its NIC left `unclear`. Throws XcatError 'bad-answer' when the output is no directory entry.
 */
export function parseDirectory(output: string, report: Report = () => undefined): Nicdef[] {
  const nics = new Map<Vdev, Nicdef>();
  const records = recordsOf(output);
  if (!records.some((record) => /^(USER|IDENTITY|SUBCONFIG|PROFILE|INCLUDE|NICDEF)\s/i.test(record))) {
    throw badOutput(OPERATION, 'the output is no directory entry');
  }
  for (const statement of nicdefs(records)) {
    const [, vdevText, ...words] = statement.toUpperCase().split(/\s+/);
    const vdev = Vdev.safeParse(vdevText).data;
    if (vdev === undefined) {
      report({ of: 'a NICDEF', reason: 'its device number is none: the statement is left as it is' });
      continue;
    }
    const nic = { ...(nics.get(vdev) ?? { vdev }), ...nicOf(vdev, words) };
    if (nic.unclear !== undefined) report({ of: `NICDEF ${vdev}`, reason: nic.unclear });
    nics.set(vdev, nic);
  }
  return [...nics.values()];
}

/** True when the output is a directory entry to its end. */
export function isWholeDirectory(output: string): boolean {
  const [first = '', ...others] = recordsOf(output).filter((record) => record !== '');
  return /^(USER|IDENTITY|PROFILE)\s/i.test(first) && others.at(-1)?.endsWith(',') !== true;
}

function nicOf(vdev: Vdev, words: readonly string[]): Nicdef {
  const nic: Nicdef = { vdev };
  const macId = after(words, 'MACID');
  const port = after(words, 'PORTNUMBER');
  const lan = words.indexOf('LAN');
  const name = lan !== -1 && words[lan + 1] === 'SYSTEM' ? words[lan + 2] : undefined;
  const vswitch = VswitchName.safeParse(name).data;
  const portNumber = PortNumber.safeParse(Number(port)).data;
  if (vswitch !== undefined) nic.vswitch = vswitch;
  else if (name !== undefined) nic.unclear = 'its LAN SYSTEM is no name of a VSWITCH';
  if (portNumber !== undefined) nic.portNumber = portNumber;
  else if (port !== undefined) nic.unclear = 'its PORTNUMBER is no port of a VSWITCH';
  if (macId !== undefined && /^[0-9A-F]{1,6}$/.test(macId)) nic.macId = macId.padStart(6, '0');
  else if (macId !== undefined) nic.unclear = 'its MACID is not six hex digits';
  return nic;
}

function recordsOf(output: string): string[] {
  return output.split('\n').map((line) => line.trim());
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
