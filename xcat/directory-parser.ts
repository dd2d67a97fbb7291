import type { Nicdef } from '../network/guest.ts';
import { VswitchName } from '../network/identifiers.ts';
import { PortNumber } from '../network/port-number.ts';
import { DEVICES_PER_NIC, Vdev } from '../network/vdev.ts';
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
    nics.set(vdev, changedBy(operandsOf(words), nics.get(vdev) ?? { vdev }));
  }
  return [...nics.values()];
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
    const operand = OPERANDS.find(({ keyword, shortest }) => word.length >= shortest && keyword.startsWith(word));
    if (operand === undefined) operands.others.push(word);
    else operands.known.set(operand.keyword, words.slice(at + 1, at + 1 + operand.values));
    at += operand?.values ?? 0;
  }
  return operands;
}

/** The NIC with what a further statement says of it. */
function changedBy({ known, others }: Operands, { vswitch: before, ...nic }: Nicdef): Nicdef {
  const [macId] = known.get('MACID') ?? [];
  if (macId !== undefined && !/^[0-9A-F]{1,6}$/.test(macId))
    throw badOutput(OPERATION, 'a MACID is not six hex digits');
  const lan = known.get('LAN');
  // A guest LAN, or a name that no VSWITCH here has, is none.
  const vswitch = lan === undefined ? before : lan[0] === 'SYSTEM' ? VswitchName.safeParse(lan[1]).data : undefined;
  const portNumber = PortNumber.safeParse(Number(known.get('PORTNUMBER')?.[0])).data;
  const devices = Number(known.get('DEVICES')?.[0]);
  const [chpid] = known.get('CHPID') ?? [];
  const [type = 'QDIO'] = known.get('TYPE') ?? [];
  const further = [nic.others ?? '', ...(type === 'QDIO' ? [] : [`TYPE ${type}`]), ...others].filter(
    (text) => text !== '',
  );
  return {
    ...nic,
    ...(vswitch === undefined ? {} : { vswitch }),
    ...(macId === undefined ? {} : { macId: macId.padStart(6, '0') }),
    ...(portNumber === undefined ? {} : { portNumber }),
    ...(devices > 0 && devices !== DEVICES_PER_NIC ? { devices } : {}),
    ...(chpid === undefined ? {} : { chpid }),
    ...(further.length === 0 ? {} : { others: further.join(' ') }),
  };
}
