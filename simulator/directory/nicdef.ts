export type AdapterType = 'QDIO' | 'HIPERS';

export type Nicdef = {
  vdev: string;
  type: AdapterType;
  devices: number | null;
  lan: { owner: string; name: string } | null;
  chpid: string | null;
  macid: string | null;
  portNumber: number | null;
  /** the statements that an administrator wrote, where they are not the one that SMAPI makes */
  written?: string[];
};

/** Four upper-case hexadecimal digits, or null when the text is no device number (contract 5.2). */
export function parseVdev(text: string): string | null {
  if (!/^[0-9A-Fa-f]{1,4}$/.test(text)) return null;
  return text.toUpperCase().padStart(4, '0');
}

/** Whether two adapters share a device number; each takes several consecutive ones (contract 5.2). */
export function overlaps(vdev: string, devices: number, other: string, otherDevices: number): boolean {
  const first = Number.parseInt(vdev, 16);
  const second = Number.parseInt(other, 16);
  return first < second + otherDevices && second < first + devices;
}

/** The directory statements of a NIC: several of one vdev are one NIC (contract 5.6). */
export function nicdefStatements(nicdef: Nicdef): string[] {
  return nicdef.written ?? [formatNicdef(nicdef)];
}

/** The directory statement; `TYPE QDIO LAN SYSTEM` stand next to each other (contract 3.3, 5.6). */
export function formatNicdef(nicdef: Nicdef): string {
  const words = ['NICDEF', nicdef.vdev, 'TYPE', nicdef.type];
  if (nicdef.lan) words.push('LAN', nicdef.lan.owner, nicdef.lan.name);
  if (nicdef.devices !== null) words.push('DEVICES', String(nicdef.devices));
  if (nicdef.chpid !== null) words.push('CHPID', nicdef.chpid);
  if (nicdef.macid !== null) words.push('MACID', nicdef.macid);
  if (nicdef.portNumber !== null) words.push('PORTNUMBER', String(nicdef.portNumber));
  return words.join(' ');
}

const KEYS = ['VDEV', 'TYPE', 'DEVICES', 'LAN', 'SWITCHNAME', 'CHPID', 'MACID', 'PORTNUMBER'];

/** Reads the value of `-k NICDEF=…` (contract 5.6); null on anything that is not exactly that form. */
export function parseNicdefOperand(text: string): Nicdef | null {
  const values = new Map<string, string>();
  for (const word of text.trim().split(/ +/)) {
    const at = word.indexOf('=');
    const key = word.slice(0, at).toUpperCase();
    const value = word.slice(at + 1);
    if (at < 1 || value === '' || !KEYS.includes(key) || values.has(key)) return null;
    values.set(key, value);
  }
  const vdev = parseVdev(values.get('VDEV') ?? '');
  const type = parseType(values.get('TYPE') ?? '');
  const devices = parseNumber(values.get('DEVICES'), 3, 3072);
  const portNumber = parseNumber(values.get('PORTNUMBER'), 1, 2048);
  const macid = values.get('MACID') ?? null;
  const chpid = values.get('CHPID') ?? null;
  const owner = values.get('LAN');
  const name = values.get('SWITCHNAME');
  if (vdev === null || type === null || devices === undefined || portNumber === undefined) return null;
  if (macid !== null && !isMacid(macid)) return null;
  if (chpid !== null && !/^[0-9A-Fa-f]{2}$/.test(chpid)) return null;
  if ((owner === undefined) !== (name === undefined)) return null;
  if (name !== undefined && !isName(name)) return null;
  const lan = owner !== undefined && name !== undefined ? { owner: owner.toUpperCase(), name } : null;
  return { vdev, type, devices, lan, chpid, macid: macid?.toUpperCase() ?? null, portNumber };
}

/** The NICs of NICDEF statements as an administrator writes them; later ones change earlier ones of the same vdev. */
export function parseNicdefStatements(statements: readonly string[]): Nicdef[] {
  const nics = new Map<string, Nicdef>();
  for (const statement of statements) {
    const [, first = '', ...words] = statement.trim().toUpperCase().split(/ +/);
    const vdev = parseVdev(first);
    if (vdev === null) throw new Error(`NICDEF ${first} names no device`);
    const after = (keyword: string, further = 1) => {
      const at = words.indexOf(keyword);
      return at < 0 ? undefined : words[at + further];
    };
    const before = nics.get(vdev);
    const [owner, name, devices, port] = [after('LAN'), after('LAN', 2), after('DEVICES'), after('PORTNUMBER')];
    nics.set(vdev, {
      vdev,
      type: parseType(after('TYPE') ?? '') ?? before?.type ?? 'QDIO',
      devices: devices === undefined ? (before?.devices ?? null) : Number(devices),
      lan: owner === undefined || name === undefined ? (before?.lan ?? null) : { owner, name },
      chpid: after('CHPID') ?? before?.chpid ?? null,
      macid: after('MACID') ?? before?.macid ?? null,
      portNumber: port === undefined ? (before?.portNumber ?? null) : Number(port),
      written: [...(before?.written ?? []), statement],
    });
  }
  return [...nics.values()];
}

/** QDIO or HIPERS, whatever the case. */
export function parseType(text: string): AdapterType | null {
  const type = text.toUpperCase();
  return type === 'QDIO' || type === 'HIPERS' ? type : null;
}

/** The same by SMAPI's digit for it. */
export function typeOfDigit(digit: string | undefined): AdapterType | null {
  if (digit === '1') return 'HIPERS';
  return digit === '2' ? 'QDIO' : null;
}

/** Whether the text is the three-byte half of a MAC. */
export function isMacid(text: string): boolean {
  return /^[0-9A-Fa-f]{6}$/.test(text);
}

/** One token of 1 to 8 characters, as VSWITCH names are (contract 5.3). */
export function isName(text: string): boolean {
  return /^[A-Za-z0-9@#$_-]{1,8}$/.test(text);
}

/** A userid: SMAPI takes two characters more than in the name of a VSWITCH. */
export function isUserid(text: string): boolean {
  return /^[A-Za-z0-9@#$_+:-]{1,8}$/.test(text);
}

function parseNumber(text: string | undefined, low: number, high: number): number | null | undefined {
  if (text === undefined) return null;
  const value = Number(text);
  return /^\d+$/.test(text) && value >= low && value <= high ? value : undefined;
}
