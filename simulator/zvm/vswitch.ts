export type PortType = 'ACCESS' | 'TRUNK';

export type Authorisation = {
  /** empty: nothing was said, the default VLAN of the VSWITCH counts */
  vlans: number[];
  portType: PortType;
  promiscuous: boolean;
  persist: boolean;
};

export type Port = Authorisation & { userid: string };

export type Vswitch = {
  name: string;
  transport: 'IP' | 'ETHERNET';
  aware: boolean;
  defaultVlan: number;
  nativeVlan: number;
  portType: PortType;
  portBased: boolean;
  gvrp: boolean;
  queue: number;
  router: boolean;
  isolated: boolean;
  macProtect: boolean;
  /** uplinks in CP's order, the preferred one first */
  rdevs: string[];
  /** those of them that do not work now */
  failed: string[];
  portName: string;
  controller: string;
  connected: boolean;
  persist: boolean;
  mac: string;
  authorisations: Map<string, Authorisation>;
  ports: Map<number, Port>;
};

const BASE: Omit<Vswitch, 'name' | 'authorisations' | 'ports'> = {
  transport: 'ETHERNET',
  aware: false,
  defaultVlan: 0,
  nativeVlan: 0,
  portType: 'ACCESS',
  portBased: false,
  gvrp: false,
  queue: 8,
  router: false,
  isolated: false,
  macProtect: false,
  rdevs: [],
  failed: [],
  portName: '',
  controller: 'DTCVSW1',
  connected: true,
  persist: false,
  mac: '020000000000',
};

/** A new VSWITCH with nobody authorised. */
export function makeVswitch(name: string, fields: Partial<Vswitch> = {}): Vswitch {
  const vswitch = { ...BASE, ...fields };
  const lists = { rdevs: [...vswitch.rdevs], failed: [...vswitch.failed] };
  return { ...vswitch, ...lists, name: name.toUpperCase(), authorisations: new Map(), ports: new Map() };
}

/** The uplink that carries the traffic: the first that works. */
export function activeRdev(vswitch: Vswitch): string | null {
  return vswitch.rdevs.find((rdev) => !vswitch.failed.includes(rdev)) ?? null;
}

/** The VLANs a holder of this authorisation really sits in: the default VLAN when none was given. */
export function effectiveVlans(vswitch: Vswitch, authorisation: Authorisation): number[] {
  if (!vswitch.aware) return [];
  if (authorisation.vlans.length > 0) return authorisation.vlans;
  return vswitch.defaultVlan > 0 ? [vswitch.defaultVlan] : [];
}

/**
 * Reads a VLAN set: at most four values or at most two ranges, blank-separated, 1 to 4094 (contract 4.3).
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
