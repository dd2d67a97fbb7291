import type {
  GuestState,
  NicdefAuthorization,
  PortField,
  ReadablePort,
  RecordedPort,
  UnreadableValue,
} from '../guest/guest.ts';
import { describeNetwork, type Port, vlansOf } from '../port/port.ts';
import { devicesOverlap, nicDevices } from '../port/vdev.ts';
import type { PortId, VswitchName } from '../text/identifiers.ts';
import { quoteValue } from '../text/quoted-value.ts';
import { sameVlans } from '../vswitch/vlan-set.ts';
import { type Authorisation, authorisedVlans, grantOf, neededVlans, type Vswitch } from '../vswitch/vswitch.ts';
import { foreignNics } from './foreign-nics.ts';

/** The known part of a guest; a reading of the whole host has neither directory nor live NICs. */
type Known = Pick<GuestState, 'userid' | 'recorded'> & Partial<Pick<GuestState, 'directory' | 'live'>>;

/** Values that a change sets, so that their former values need not be readable. */
export type GivenAnew = {
  fields: readonly PortField[];
  /** The guest's authorisation on the port's VSWITCH. */
  authorisation: boolean;
};

const NOTHING: GivenAnew = { fields: [], authorisation: false };

/**
 * Why a recorded port is left exactly as it is on z/VM: something of it nobody can read, in its record, its NIC, its authorisation or its
 * VSWITCH. Undefined for a port that is understood, or would be with what a change gives anew.
 */
export function unclearBecause(
  port: RecordedPort,
  guest: Known,
  vswitches: readonly Vswitch[],
  given: GivenAnew = NOTHING,
): string | undefined {
  const odd = unreadableOf(port).filter(({ field }) => !given.fields.includes(field));
  if (odd.length > 0) return `its record is unreadable: ${odd.map(valueText).join(', ')}`;
  const { vdev } = port;
  const neighbour = vdev === undefined ? undefined : guest.recorded.find((other) => isOddNeighbour(port, other));
  if (neighbour !== undefined) return `port ${neighbour.portId}, whose record is unreadable, has NIC ${vdev}, too`;
  const nics = [...(guest.live ?? []), ...(guest.directory ?? [])].filter((nic) => nic.vdev === vdev);
  const nic = nics.find((candidate) => candidate.unclear !== undefined);
  if (nic?.unclear !== undefined) return `NIC ${vdev}: ${nic.unclear}`;
  const vswitch = vswitches.find((candidate) => candidate.name === port.vswitch);
  if (vswitch?.unclear !== undefined && !given.fields.includes('vswitch'))
    return `VSWITCH ${vswitch.name}: ${vswitch.unclear}`;
  const entry = given.authorisation ? undefined : unclearAuthorisation(vswitch, guest);
  return entry?.unclear === undefined ? undefined : `VSWITCH ${port.vswitch}: ${entry.unclear}`;
}

/** Why ports of a guest are left as they are, a line each. */
export function unclearPorts(guest: Known, vswitches: readonly Vswitch[]): { portId: PortId; reason: string }[] {
  return guest.recorded.flatMap((port) => {
    const reason = unclearBecause(port, guest, vswitches);
    return reason === undefined ? [] : [{ portId: port.portId, reason: `${reason}. The port stays unchanged` }];
  });
}

/** A guest's ports without those that are left as they are. */
export function clearPorts(guest: Known, vswitches: readonly Vswitch[]): ReadablePort[] {
  return guest.recorded.filter(
    (port): port is ReadablePort =>
      port.network.type !== 'unreadable' && unclearBecause(port, guest, vswitches) === undefined,
  );
}

/**
 * User-based VSWITCHes where a guest's authorisation must stay as it is, each with the port that it is kept for: one VLAN set serves all NICs
 * of a userid there, and nobody can tell what that port has to have. `named` are ports that a change names with what they have to be.
 */
export function heldVswitches(
  named: ReadonlySet<string>,
  guest: Known,
  vswitches: readonly Vswitch[],
): Map<VswitchName, { portId: PortId; reason: string }> {
  const held = new Map<VswitchName, { portId: PortId; reason: string }>();
  for (const port of guest.recorded) {
    const reason = named.has(port.portId) ? undefined : unclearBecause(port, guest, vswitches);
    if (reason === undefined) continue;
    for (const name of placesOf(port, guest, vswitches)) held.set(name, { portId: port.portId, reason });
  }
  return held;
}

/** Desired ports that would need another authorisation than the one that must stay as it is: nothing of them is touched. */
export function stuckPorts<Wanted extends Port & { authorization?: NicdefAuthorization }>(
  ports: readonly Wanted[],
  removed: readonly { portId: PortId }[],
  guest: Known,
  vswitches: readonly Vswitch[],
): { port: Wanted; reason: string }[] {
  const named = new Set<string>([...ports, ...removed].map(({ portId }) => portId));
  const held = heldVswitches(named, guest, vswitches);
  if (held.size === 0) return [];
  return ports.flatMap((port) => {
    // Its NICDEF needs no other authorisation.
    if (port.authorization !== undefined) return [];
    const keeper = held.get(port.vswitch);
    const vswitch = vswitches.find(({ name, portSelection }) => name === port.vswitch && portSelection === 'USERBASED');
    if (keeper === undefined || vswitch === undefined || isAuthorised(port, vswitch, guest)) return [];
    const reason = `VSWITCH ${port.vswitch} is user-based: port ${keeper.portId} would get ${describeNetwork(port.network)} of port ${port.portId}, too, and ${keeper.reason}`;
    return [{ port, reason }];
  });
}

function isAuthorised(port: Port, vswitch: Vswitch, { userid }: Known): boolean {
  const entry = grantOf(vswitch, userid);
  if (entry === undefined || entry.unclear !== undefined) return false;
  return sameVlans(authorisedVlans(vswitch, entry), neededVlans(vswitch, vlansOf(port.network)));
}

function isOddNeighbour(port: RecordedPort, other: RecordedPort): boolean {
  if (other.portId === port.portId || unreadableOf(other).length === 0) return false;
  if (port.vdev === undefined || other.vdev === undefined) return false;
  return devicesOverlap(nicDevices(port.vdev), nicDevices(other.vdev));
}

/** Where the NIC of a port is, by all that is known of it. When it is not known which NIC that is, it may be any that no port has. */
function placesOf(port: RecordedPort, guest: Known, vswitches: readonly Vswitch[]): VswitchName[] {
  const { userid, recorded, directory = [], live = [] } = guest;
  const nics =
    port.vdev === undefined
      ? foreignNics({ recorded, directory, live }, [])
      : [...directory, ...live].filter((nic) => nic.vdev === port.vdev);
  const coupled = vswitches.filter((vswitch) =>
    vswitch.nics.some((nic) => nic.userid === userid && nic.vdev === port.vdev),
  );
  return [port, ...nics].flatMap(({ vswitch }) => vswitch ?? []).concat(coupled.map(({ name }) => name));
}

// A host has many guests, a VSWITCH as many authorisations, and hardly one of them is unclear.
const unclearEntries = new WeakMap<Vswitch, Authorisation[]>();

function unclearAuthorisation(vswitch: Vswitch | undefined, { userid }: Known): Authorisation | undefined {
  if (vswitch === undefined) return undefined;
  const entries = unclearEntries.get(vswitch) ?? vswitch.authorisations.filter((entry) => entry.unclear !== undefined);
  unclearEntries.set(vswitch, entries);
  return entries.find((entry) => entry.userid === userid);
}

function unreadableOf({ unreadable = [] }: RecordedPort): readonly UnreadableValue[] {
  return unreadable;
}

function valueText({ name, value }: UnreadableValue): string {
  return `${name} ${quoteValue(value)}`;
}
