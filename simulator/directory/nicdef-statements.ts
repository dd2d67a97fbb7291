import { type Nicdef, parseVdev } from './nicdef.ts';

/** NICDEF's keywords, with the letters that are needed in capitals, and how many words follow (z/VM 7.1, NICDEF statement). */
const KEYWORDS: readonly [keyword: string, words: number][] = [
  ['TYPE', 1],
  ['DEVices', 1],
  ['LAN', 2],
  ['CHPID', 1],
  ['MACID', 1],
  ['PORTNUMber', 1],
  ['PORTType', 1],
  ['PROmiscuous', 0],
  ['NOPROmiscuous', 0],
];

/** The NICs of NICDEF statements as an administrator writes them; later ones change earlier ones of the same vdev. */
export function parseNicdefStatements(statements: readonly string[]): Nicdef[] {
  const nics = new Map<string, Nicdef>();
  for (const statement of statements) {
    const [, first = '', ...words] = statement.trim().split(/ +/);
    const vdev = parseVdev(first);
    if (vdev === null) throw new Error(`NICDEF ${first} names no device`);
    const before = nics.get(vdev) ?? { vdev, type: 'QDIO', ...ABSENT };
    nics.set(vdev, { ...changed(before, words), written: [...(before.written ?? []), statement] });
  }
  return [...nics.values()];
}

const ABSENT = { devices: null, lan: null, chpid: null, macid: null, portNumber: null };

function changed(before: Nicdef, words: readonly string[]): Nicdef {
  const nicdef: Nicdef = { ...before };
  const further: string[] = [];
  for (let at = 0; at < words.length; ) {
    const word = words[at] ?? '';
    const known = /^VLAN$/i.test(word) ? vlansAt(words, at + 1) : undefined;
    if (known !== undefined) {
      nicdef.vlans = known.vlans;
      at += 1 + known.words;
      continue;
    }
    const [keyword, count] = KEYWORDS.find(([each]) => abbreviates(word, each)) ?? ['', 0];
    const operands = words.slice(at + 1, at + 1 + count);
    if (keyword === '' || operands.length < count || !apply(nicdef, keyword, operands)) further.push(word);
    at += keyword === '' ? 1 : 1 + count;
  }
  return further.length === 0 ? nicdef : { ...nicdef, further: [...(nicdef.further ?? []), ...further] };
}

function abbreviates(word: string, keyword: string): boolean {
  const needed = /^[A-Z]+/.exec(keyword)?.[0] ?? keyword;
  const upper = word.toUpperCase();
  return upper.length >= needed.length && keyword.toUpperCase().startsWith(upper);
}

function vlansAt(words: readonly string[], from: number): { vlans: number[]; words: number } | undefined {
  const vlans = new Set<number>();
  let at = from;
  for (; /^\d{1,4}(-\d{1,4})?$/.test(words[at] ?? ''); at += 1) {
    const [low = 0, high = low] = (words[at] ?? '').split('-').map(Number);
    for (let vlan = low; vlan <= Math.min(high, 4094); vlan += 1) vlans.add(vlan);
  }
  return at === from ? undefined : { vlans: [...vlans], words: at - from };
}

/** Answers false where the operand makes no sense: the words are then kept as they stand. */
function apply(nicdef: Nicdef, keyword: string, [first = '', second = '']: readonly string[]): boolean {
  const word = first.toUpperCase();
  switch (keyword) {
    case 'TYPE':
      nicdef.type = word === 'HIPER' ? 'HIPERS' : word;
      return true;
    case 'DEVices':
      nicdef.devices = Number(word);
      return true;
    case 'LAN':
      nicdef.lan = { owner: word, name: second.toUpperCase() };
      return true;
    case 'CHPID':
      nicdef.chpid = word;
      return true;
    case 'MACID':
      nicdef.macid = word;
      return true;
    case 'PORTNUMber':
      nicdef.portNumber = Number(word);
      return true;
    case 'PORTType':
      if (word === 'ACCESS' || word === 'TRUNK') nicdef.portType = word;
      return word === 'ACCESS' || word === 'TRUNK';
    default:
      nicdef.promiscuous = keyword === 'PROmiscuous';
      return true;
  }
}
