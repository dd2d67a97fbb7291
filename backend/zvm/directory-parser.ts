import { defined } from '../../domain/defined.ts';
import type { Report } from '../../domain/drift/finding.ts';
import type { Nicdef, NicdefAuthorization } from '../../domain/guest/guest.ts';
import { PortNumber } from '../../domain/port/port-number.ts';
import { DEVICES_PER_NIC, Vdev } from '../../domain/port/vdev.ts';
import { VswitchName } from '../../domain/text/identifiers.ts';
import { vlansOfWords } from '../../domain/vswitch/vlan-set.ts';
import { DOUBT, directoryRecords, directoryStatements } from './directory-records.ts';

const OPERATION = 'read the directory entry';

/**
 * The NICs of a directory entry or of a profile: several NICDEF statements of one vdev are one NIC (docs/reference/zvm.md 2.1). A VSWITCH
 * only by `LAN SYSTEM name`. Nothing else of the entry, which holds the logon password, gets into the result, a report or an error. A
 * statement that is not understood is reported, and its NIC left `unclear`. Throws BackendError 'bad-answer' when the output is no
 * directory entry.
 */
export function parseDirectory(output: string, report: Report = () => undefined): Nicdef[] {
  const nics = new Map<Vdev, Nicdef>();
  for (const { text, doubtful } of directoryStatements(output, OPERATION)) {
    const [verb, vdevText, ...words] = text.toUpperCase().split(/\s+/);
    if (verb !== 'NICDEF') continue;
    const vdev = Vdev.safeParse(vdevText).data;
    if (vdev === undefined) {
      report({ of: 'a NICDEF', reason: 'its device number is not valid: the statement stays unchanged' });
      continue;
    }
    const operands = operandsOf(words);
    const unclear = doubtful === true ? DOUBT : unclearIn(operands);
    if (unclear !== undefined) report({ of: `NICDEF ${vdev}`, reason: unclear });
    const nic = changedBy(operands, nics.get(vdev) ?? { vdev });
    nics.set(vdev, unclear === undefined ? nic : { ...nic, unclear });
  }
  return [...nics.values()];
}

/** True when the output is a directory entry to its end. */
export function isWholeDirectory(output: string): boolean {
  const [first = '', ...others] = directoryRecords(output);
  return /^(USER|IDENTITY|SUBCONFIG|PROFILE)\s/i.test(first) && others.at(-1)?.endsWith(',') !== true;
}

/** Operands that this project knows, with the fewest letters that they can be shortened to and how many words follow (z/VM: NICDEF). */
const OPERANDS = [
  { keyword: 'TYPE', shortest: 4, values: 1 },
  { keyword: 'LAN', shortest: 3, values: 2 },
  { keyword: 'DEVICES', shortest: 3, values: 1 },
  { keyword: 'CHPID', shortest: 5, values: 1 },
  { keyword: 'MACID', shortest: 5, values: 1 },
  { keyword: 'PORTNUMBER', shortest: 7, values: 1 },
] as const;
type Operands = { known: Map<(typeof OPERANDS)[number]['keyword'], string[]>; others: string[] };

function operandsOf(words: readonly string[]): Operands {
  const operands: Operands = { known: new Map(), others: [] };
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    const operand = OPERANDS.find(({ keyword, shortest }) => isShortFor(word, keyword, shortest));
    if (operand === undefined) operands.others.push(word);
    else operands.known.set(operand.keyword, words.slice(at + 1, at + 1 + operand.values));
    at += operand?.values ?? 0;
  }
  return operands;
}

/** An unreadable value of a statement. */
function unclearIn({ known }: Operands): string | undefined {
  const isOdd = (keyword: (typeof OPERANDS)[number]['keyword'], form: RegExp) =>
    known.has(keyword) && !form.test(known.get(keyword)?.[0] ?? '');
  if (isOdd('MACID', /^[0-9A-F]{1,6}$/)) return 'its MACID is not six hex digits';
  const [owner, name] = known.get('LAN') ?? [];
  if (owner === 'SYSTEM' && !VswitchName.safeParse(name).success) return 'its LAN SYSTEM is not the name of a VSWITCH';
  if (known.has('PORTNUMBER') && portNumberIn(known.get('PORTNUMBER')) === undefined)
    return 'its PORTNUMBER is not a port number of a VSWITCH';
  if (isOdd('DEVICES', /^[1-9]\d{0,3}$/)) return 'its DEVICES is not a number of devices';
  if (isOdd('CHPID', /^[0-9A-F]{1,2}$/)) return 'its CHPID is not two hex digits';
  return undefined;
}

function portNumberIn(values: readonly string[] = []): PortNumber | undefined {
  return PortNumber.safeParse(Number(values[0])).data;
}

/** The operands of directory network authorization among those that this project does not write. */
function authorizationIn(words: readonly string[]): NicdefAuthorization {
  const authorization: NicdefAuthorization = {};
  for (const [at, word] of words.entries()) {
    const next = words[at + 1];
    if (word === 'VLAN') Object.assign(authorization, defined({ vlans: vlansAt(words, at + 1) }));
    else if (isShortFor(word, 'PORTTYPE', 5) && (next === 'ACCESS' || next === 'TRUNK')) authorization.portType = next;
    else if (word === 'PQUPLINKTX' && (next === 'LOW' || next === 'NORMAL' || next === 'HIGH'))
      authorization.priority = next;
    else if (isShortFor(word, 'NOPROMISCUOUS', 5)) authorization.promiscuous = false;
    else if (isShortFor(word, 'PROMISCUOUS', 3)) authorization.promiscuous = true;
  }
  return authorization;
}

/** The VLANs and ranges from a place on; undefined where there is none, or one that is none of 1 to 4094. */
function vlansAt(words: readonly string[], from: number): number[] | undefined {
  const end = words.findIndex((word, at) => at >= from && !/^\d/.test(word));
  const vlans = words.slice(from, end < 0 ? undefined : end);
  const isVlan = (text: string | undefined) => Number(text) >= 1 && Number(text) <= 4094;
  const isRight = vlans.every((word) => {
    const [, low, high = low] = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(word) ?? [];
    return isVlan(low) && isVlan(high) && Number(low) <= Number(high);
  });
  return vlans.length > 0 && isRight ? vlansOfWords(vlans) : undefined;
}

function isShortFor(word: string, keyword: string, shortest: number): boolean {
  return word.length >= shortest && keyword.startsWith(word);
}

/** The NIC with what a further statement says of it. */
function changedBy({ known, others }: Operands, { vswitch: before, ...nic }: Nicdef): Nicdef {
  const [macId = ''] = known.get('MACID') ?? [];
  const lan = known.get('LAN');
  // A guest LAN is none.
  const vswitch = lan === undefined ? before : lan[0] === 'SYSTEM' ? VswitchName.safeParse(lan[1]).data : undefined;
  const portNumber = portNumberIn(known.get('PORTNUMBER'));
  const devices = Number(known.get('DEVICES')?.[0]);
  const [chpid] = known.get('CHPID') ?? [];
  const [type = 'QDIO'] = known.get('TYPE') ?? [];
  const authorization = { ...nic.authorization, ...authorizationIn(others) };
  const further = [nic.others ?? '', ...(type === 'QDIO' ? [] : [`TYPE ${type}`]), ...others].filter(
    (text) => text !== '',
  );
  // An operand that this statement leaves out stays as an earlier one gave it.
  return {
    ...nic,
    ...defined({
      vswitch,
      macId: /^[0-9A-F]{1,6}$/.test(macId) ? macId.padStart(6, '0') : undefined,
      portNumber,
      devices: devices > 0 && devices !== DEVICES_PER_NIC ? devices : undefined,
      chpid,
      others: further.length === 0 ? undefined : further.join(' '),
      authorization: Object.keys(authorization).length === 0 ? undefined : authorization,
    }),
  };
}
