import type { PortType } from '../directory/nicdef.ts';

export type { PortType };

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

/** A new VSWITCH without authorisations. */
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
export function effectiveVlans(vswitch: Vswitch, authorisation: Pick<Authorisation, 'vlans'>): number[] {
  if (!vswitch.aware) return [];
  if (authorisation.vlans.length > 0) return authorisation.vlans;
  return vswitch.defaultVlan > 0 ? [vswitch.defaultVlan] : [];
}

/** The lowest port number that no guest holds or uses. */
export function freePort(vswitch: Vswitch, used: readonly (number | undefined)[]): number {
  const taken = new Set([...vswitch.ports.keys(), ...used]);
  let port = 1;
  while (taken.has(port)) port += 1;
  return port;
}
