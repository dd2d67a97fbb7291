/** An open word: QDIO and HIPERS are what SMAPI makes, an administrator may have written others. */
export type AdapterType = string;
export type PortType = 'ACCESS' | 'TRUNK';

/** A NIC of a directory entry. Operands since directory network authorization are undefined where no statement has them. */
export type Nicdef = {
  vdev: string;
  type: AdapterType;
  devices: number | null;
  lan: { owner: string; name: string } | null;
  chpid: string | null;
  macid: string | null;
  portNumber: number | null;
  portType?: PortType | undefined;
  vlans?: readonly number[] | undefined;
  /** false: NOPROMISCUOUS, which denies it */
  promiscuous?: boolean | undefined;
  /** operands that are not known here, as they stand */
  further?: readonly string[] | undefined;
  /** the statements as they stand, where they are not the one that SMAPI makes */
  written?: string[];
};

/** Operands that came with directory network authorization (docs/reference/zvm.md 5.1). */
export const AUTHORIZING = ['PORTNUMBER', 'PORTTYPE', 'VLAN', 'PROMISCUOUS', 'NOPROMISCUOUS', 'PQUPLINKTX'] as const;
export type Authorizing = (typeof AUTHORIZING)[number];

/** Four upper-case hexadecimal digits, or null when the text is no device number (docs/reference/zvm.md 1.2). */
export function parseVdev(text: string): string | null {
  if (!/^[0-9A-Fa-f]{1,4}$/.test(text)) return null;
  return text.toUpperCase().padStart(4, '0');
}

/** Whether two adapters share a device number; each takes several consecutive ones (docs/reference/zvm.md 1.2). */
export function overlaps(vdev: string, devices: number, other: string, otherDevices: number): boolean {
  const first = Number.parseInt(vdev, 16);
  const second = Number.parseInt(other, 16);
  return first < second + otherDevices && second < first + devices;
}

/** The directory statement; `TYPE QDIO LAN SYSTEM` stand next to each other (docs/reference/xcat.md 3.3; docs/reference/zvm.md 2.1). */
export function formatNicdef(nicdef: Nicdef): string {
  const words = ['NICDEF', nicdef.vdev, 'TYPE', nicdef.type];
  if (nicdef.lan) words.push('LAN', nicdef.lan.owner, nicdef.lan.name);
  if (nicdef.devices !== null) words.push('DEVICES', String(nicdef.devices));
  if (nicdef.chpid !== null) words.push('CHPID', nicdef.chpid);
  if (nicdef.macid !== null) words.push('MACID', nicdef.macid);
  if (nicdef.portNumber !== null) words.push('PORTNUMBER', String(nicdef.portNumber));
  if (nicdef.portType !== undefined) words.push('PORTTYPE', nicdef.portType);
  if (nicdef.vlans !== undefined) words.push('VLAN', ...formatVlans(nicdef.vlans));
  if (nicdef.promiscuous !== undefined) words.push(nicdef.promiscuous ? 'PROMISCUOUS' : 'NOPROMISCUOUS');
  return [...words, ...(nicdef.further ?? [])].join(' ');
}

/** VLANs as words, three or more after each other as a range. */
function formatVlans(vlans: readonly number[]): string[] {
  const words: string[] = [];
  for (let at = 0; at < vlans.length; ) {
    const first = vlans[at] ?? 0;
    let length = 1;
    while (vlans[at + length] === first + length) length += 1;
    words.push(...(length > 2 ? [`${first}-${first + length - 1}`] : vlans.slice(at, at + length).map(String)));
    at += length;
  }
  return words;
}

/** The operands of directory network authorization that a NIC has. */
export function authorizingOperands(nicdef: Nicdef): Authorizing[] {
  const found: Authorizing[] = [];
  if (nicdef.portNumber !== null) found.push('PORTNUMBER');
  if (nicdef.portType !== undefined) found.push('PORTTYPE');
  if (nicdef.vlans !== undefined) found.push('VLAN');
  if (nicdef.promiscuous !== undefined) found.push(nicdef.promiscuous ? 'PROMISCUOUS' : 'NOPROMISCUOUS');
  if (nicdef.further?.some((word) => /^PQUPLINKTX$/i.test(word))) found.push('PQUPLINKTX');
  return found;
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

/** One token of 1 to 8 characters, as VSWITCH names are (docs/reference/zvm.md 1.3). */
export function isName(text: string): boolean {
  return /^[A-Za-z0-9@#$_-]{1,8}$/.test(text);
}

/** A userid: SMAPI takes two characters more than in the name of a VSWITCH. */
export function isUserid(text: string): boolean {
  return /^[A-Za-z0-9@#$_+:-]{1,8}$/.test(text);
}

/**
 * Reads a VLAN set: at most four values or at most two ranges, blank-separated, 1 to 4094 (docs/reference/smcli.md 3.2).
 * Returns null when it is not one.
 */
export function parseVlanSet(text: string): number[] | null {
  const words = text.trim().split(/ +/);
  const vlans: number[] = [];
  const ranges = words.filter((word) => word.includes('-')).length;
  if (ranges > 0 ? ranges !== words.length || ranges > 2 : words.length > 4) return null;
  for (const word of words) {
    const match = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(word);
    if (!match) return null;
    const low = Number(match[1]);
    const high = Number(match[2] ?? match[1]);
    if (low < 1 || high > 4094 || low > high) return null;
    for (let vlan = low; vlan <= high; vlan++) if (!vlans.includes(vlan)) vlans.push(vlan);
  }
  return vlans;
}
