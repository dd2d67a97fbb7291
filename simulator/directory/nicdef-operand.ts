import {
  type Authorizing,
  isMacid,
  isName,
  type Nicdef,
  type PortType,
  parseType,
  parseVdev,
  parseVlanSet,
} from './nicdef.ts';

const KEYS = ['VDEV', 'TYPE', 'DEVICES', 'LAN', 'SWITCHNAME', 'CHPID', 'MACID'];

/**
 * Reads the value of `-k NICDEF=…` (docs/reference/zvm.md 2.1) with the further keywords that SMAPI takes; null on anything that is not
 * exactly that form.
 */
export function parseNicdefOperand(text: string, further: readonly Authorizing[]): Nicdef | null {
  const values = keywordsOf(text, [...KEYS, ...further]);
  if (values === null) return null;
  const vdev = parseVdev(values.get('VDEV') ?? '');
  const type = parseType(values.get('TYPE') ?? '');
  const devices = parseNumber(values.get('DEVICES'), 3, 3072);
  const portNumber = parseNumber(values.get('PORTNUMBER'), 1, 2048);
  const macid = values.get('MACID') ?? null;
  const chpid = values.get('CHPID') ?? null;
  const owner = values.get('LAN');
  const name = values.get('SWITCHNAME');
  const portType = parsePortType(values.get('PORTTYPE'));
  const vlans = values.has('VLAN') ? parseVlanSet(values.get('VLAN') ?? '') : undefined;
  const promiscuous = parsePromiscuous(values);
  const queue = values.get('PQUPLINKTX')?.toUpperCase();
  if (vdev === null || type === null || devices === undefined || portNumber === undefined) return null;
  if (portType === null || vlans === null || promiscuous === null) return null;
  if (queue !== undefined && !['LOW', 'NORMAL', 'HIGH'].includes(queue)) return null;
  if (macid !== null && !isMacid(macid)) return null;
  if (chpid !== null && !/^[0-9A-Fa-f]{2}$/.test(chpid)) return null;
  if ((owner === undefined) !== (name === undefined)) return null;
  if (name !== undefined && !isName(name)) return null;
  const lan = owner !== undefined && name !== undefined ? { owner: owner.toUpperCase(), name } : null;
  const nicdef = { vdev, type, devices, lan, chpid, macid: macid?.toUpperCase() ?? null, portNumber };
  return { ...nicdef, portType, vlans, promiscuous, further: queue === undefined ? undefined : ['PQUPLINKTX', queue] };
}

/** `KEY=value` words; further values of VLAN follow it as words of their own. PROMISCUOUS stands alone or with `=YES`. */
function keywordsOf(text: string, known: readonly string[]): Map<string, string> | null {
  const values = new Map<string, string>();
  for (const word of text.trim().split(/ +/)) {
    const at = word.indexOf('=');
    const key = (at < 0 ? word : word.slice(0, at)).toUpperCase();
    const vlans = values.get('VLAN');
    if (at < 0 && /^\d+(-\d+)?$/.test(word) && vlans !== undefined && [...values.keys()].at(-1) === 'VLAN') {
      values.set('VLAN', `${vlans} ${word}`);
      continue;
    }
    const value = at < 0 && /^(NO)?PROMISCUOUS$/.test(key) ? 'YES' : word.slice(at + 1);
    if (at === 0 || (at < 0 && value !== 'YES') || value === '' || !known.includes(key) || values.has(key)) return null;
    values.set(key, value);
  }
  return values;
}

function parsePortType(text: string | undefined): PortType | undefined | null {
  const type = text?.toUpperCase();
  if (type === undefined) return undefined;
  return type === 'ACCESS' || type === 'TRUNK' ? type : null;
}

function parsePromiscuous(values: ReadonlyMap<string, string>): boolean | undefined | null {
  if (values.has('NOPROMISCUOUS')) return values.has('PROMISCUOUS') ? null : false;
  const word = values.get('PROMISCUOUS')?.toUpperCase();
  if (word === undefined) return undefined;
  return word === 'YES' ? true : word === 'NO' ? false : null;
}

function parseNumber(text: string | undefined, low: number, high: number): number | null | undefined {
  if (text === undefined) return null;
  const value = Number(text);
  return /^\d+$/.test(text) && value >= low && value <= high ? value : undefined;
}
