import { DEVICES_PER_NIC, type DeviceRange, nicDevices, Vdev } from '../../domain/port/vdev.ts';
import { directoryStatements } from './directory-records.ts';

const OPERATION = 'read the devices of the directory entry';

/** A member's part of an IDENTITY: `BUILD ON member USING SUBCONFIG subconfig`; the member `*` is each. */
export type Build = { member: string; subconfig: string };

/**
 * Devices of a directory entry, a profile or a SUBCONFIG: those besides NICs of three devices, the profiles that it includes and the
 * SUBCONFIGs that it has on members of an SSI cluster.
 */
export type DirectoryDevices = { devices: DeviceRange[]; includes: string[]; builds: Build[] };

/**
 * The device numbers that a directory entry gives away (z/VM: CP Planning and Administration, user directory), each by the statement and its
 * number alone. A statement of another form takes none that are known of here. Throws BackendError 'bad-answer' when the output is no directory entry.
 */
export function parseDirectoryDevices(output: string): DirectoryDevices {
  const devices: DeviceRange[] = [];
  const includes: string[] = [];
  const builds: Build[] = [];
  for (const { text } of directoryStatements(output, OPERATION)) {
    const statement = text.toUpperCase();
    const words = statement.split(/\s+/);
    const [, member, subconfig] = /^BUILD\s+ON\s+(\S+)\s+USING\s+SUBCONFIG\s+(\S+)$/.exec(statement) ?? [];
    if (words[0] === 'INCLUDE' && words[1] !== undefined) includes.push(words[1]);
    else if (member !== undefined && subconfig !== undefined) builds.push({ member, subconfig });
    else devices.push(...devicesOf(words));
  }
  return { devices, includes, builds };
}

/** Statements with the fewest letters that they can be shortened to, and where the device number stands. */
const STATEMENTS: readonly { verb: string; shortest: number; range: (words: readonly string[]) => DeviceRange[] }[] = [
  { verb: 'NICDEF', shortest: 6, range: ([, vdev, ...words]) => nicRange(vdev, countAfter(words, 'DEVICES', 3)) },
  { verb: 'MDISK', shortest: 1, range: ([, vdev]) => single('MDISK', vdev) },
  { verb: 'LINK', shortest: 1, range: ([, , theirs, own]) => single('LINK', isDevice(own) ? own : theirs) },
  { verb: 'CONSOLE', shortest: 3, range: ([, vdev]) => single('CONSOLE', vdev) },
  { verb: 'SPOOL', shortest: 2, range: ([, vdev]) => single('SPOOL', vdev) },
  { verb: 'DEDICATE', shortest: 3, range: ([, vdev]) => single('DEDICATE', vdev) },
  {
    verb: 'SPECIAL',
    shortest: 3,
    range: ([, vdev, type, count]) => single('SPECIAL', vdev, adapterCount(type, count)),
  },
  { verb: 'COMMAND', shortest: 7, range: ([, ...words]) => commandRange(words) },
];

function devicesOf(words: readonly string[]): DeviceRange[] {
  const [verb = ''] = words;
  const known = STATEMENTS.find((each) => verb.length >= each.shortest && each.verb.startsWith(verb));
  return known?.range(words) ?? [];
}

/** CP commands that the entry has issued at logon. */
function commandRange([verb = '', ...words]: readonly string[]): DeviceRange[] {
  const isDefine = verb.length >= 3 && 'DEFINE'.startsWith(verb);
  if (isDefine && words[0] === 'NIC') return nicRange(words[1], countAfter(words, 'DEVICES', 3));
  if (isDefine) return words[1] === 'AS' ? single('DEFINE', words[2]) : [];
  if (verb.length >= 3 && 'ATTACH'.startsWith(verb)) return single('ATTACH', words.findLast(isDevice));
  return [];
}

/** NICs of three devices are known as NICs. */
function nicRange(vdevText: string | undefined, count: number): DeviceRange[] {
  const vdev = Vdev.safeParse(vdevText).data;
  return vdev === undefined || count === DEVICES_PER_NIC ? [] : [nicDevices(vdev, count)];
}

function single(what: string, vdev: string | undefined, count = 1): DeviceRange[] {
  if (vdev === undefined || !isDevice(vdev)) return [];
  const first = Number.parseInt(vdev, 16);
  const devices = count === 1 ? '' : ` (${count} devices)`;
  return [{ first, count, what: `${what} ${vdev.padStart(4, '0')}${devices}` }];
}

/** `SPECIAL vdev QDIO 8 owner lan` is a NIC of another kind; all other types have one device. */
function adapterCount(type: string | undefined, count: string | undefined): number {
  return /^(QDIO|HIPERS?)$/.test(type ?? '') ? (numberOf(count) ?? DEVICES_PER_NIC) : 1;
}

function countAfter(words: readonly string[], keyword: string, shortest: number): number {
  const at = words.findIndex((word) => word.length >= shortest && keyword.startsWith(word));
  return (at < 0 ? undefined : numberOf(words[at + 1])) ?? DEVICES_PER_NIC;
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-9]\d{0,3}$/.test(text) ? Number(text) : undefined;
}

function isDevice(text: string | undefined): text is string {
  return text !== undefined && /^[0-9A-F]{1,4}$/.test(text);
}

/** NICs of a running guest with another number of devices than three, from Virtual_Network_Adapter_Query (docs/reference/smcli.md 4.3). */
export function parseWideNics(output: string): DeviceRange[] {
  const pairs = output.matchAll(/^\s*Address:[ \t]*(\S+)[^\n]*\n\s*Device count:[ \t]*(\d{1,4})/gim);
  return [...pairs].flatMap(([, vdev, count]) => nicRange(vdev, numberOf(count) ?? DEVICES_PER_NIC));
}

/**
 * Devices of a running guest, from Image_Active_Configuration_Query, `Devices` and then `  Address: 0100 (DASD)` each (smcliImage.c). SMAPI
 * tells consoles, spooled devices and disks.
 */
export function parseActiveDevices(output: string): DeviceRange[] {
  const [, listed = ''] = output.split(/^Devices\s*$/im);
  const lines = listed.matchAll(/^\s*Address:[ \t]*([0-9A-F]{1,4})(?![0-9A-F])[ \t]*(\([^)\n]*\))?/gim);
  return [...lines].map(([, vdev = '', kind]) => {
    const what = `device ${vdev.toUpperCase().padStart(4, '0')}`;
    return { first: Number.parseInt(vdev, 16), count: 1, what: kind === undefined ? what : `${what} ${kind}` };
  });
}
