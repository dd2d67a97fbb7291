import { type GuestState, type RecordedPort, standsInEntry } from '../guest/guest.ts';
import { describeNetwork } from '../port/port.ts';
import type { PortId } from '../text/identifiers.ts';
import type { RecordedNetwork } from '../vswitch/network.ts';

/** A guest's ports as one server records them, beside its name. */
export type Recorded = { server: string; ports: readonly RecordedPort[] };

/**
 * The differences of two records of a guest, a sentence each. A value that one of them does not keep is none. `isWhole`: both have read the
 * directory; without it a server that keeps no VLANs may not know them.
 */
export function recordDifferences(one: Recorded, other: Recorded, isWhole: boolean): string[] {
  const ids = new Set<PortId>([...one.ports, ...other.ports].map(({ portId }) => portId));
  return [...ids].flatMap((portId) => {
    const [first, second] = [one, other].map(({ ports }) => ports.find((port) => port.portId === portId));
    if (first === undefined || second === undefined) {
      const [has, lacks] = first === undefined ? [other, one] : [one, other];
      return [`port ${portId} is recorded by ${has.server}, and not by ${lacks.server}`];
    }
    return fieldsOf(first, second, isWhole).map(
      ([field, a, b]) => `port ${portId}: ${field} is ${a} with ${one.server}, ${b} with ${other.server}`,
    );
  });
}

type Difference = [field: string, one: string, other: string];

function fieldsOf(one: RecordedPort, other: RecordedPort, isWhole: boolean): Difference[] {
  const differences: Difference[] = [];
  const compare = (field: string, a: string | undefined, b: string | undefined) => {
    if (a !== b) differences.push([field, a ?? 'none', b ?? 'none']);
  };
  compare('its NIC', one.vdev, other.vdev);
  // The VSWITCH of a port that is down, and so its admin state, is not shown by a directory entry that was not read.
  const isUnknown = !isWhole && (one.vswitch === undefined || other.vswitch === undefined);
  if (!isUnknown || (one.adminStateUp && other.adminStateUp)) compare('its VSWITCH', one.vswitch, other.vswitch);
  if (!isUnknown) compare('its admin state', upOrDown(one), upOrDown(other));
  const networks = [one, other].map(({ network }) => networkText(network));
  if (isWhole || !networks.includes('flat')) compare('its network', networks[0], networks[1]);
  if (one.mac !== undefined && other.mac !== undefined) compare('its MAC', one.mac, other.mac);
  return differences;
}

function upOrDown({ adminStateUp }: RecordedPort): string {
  return adminStateUp ? 'up' : 'down';
}

function networkText(network: RecordedNetwork): string {
  return network.type === 'unreadable' ? `unreadable (${network.text})` : describeNetwork(network);
}

/** The differences of two readings of a guest on z/VM, a sentence each: of its directory entry, and of its NICs as they are now. */
export function zvmDifferences(one: GuestState, other: GuestState): string[] {
  const live = [one, other].map((guest) =>
    guest.live.map(
      ({ vdev, vswitch, mac }) => `${vdev} on ${vswitch ?? 'no VSWITCH'}${mac === undefined ? '' : ` with ${mac}`}`,
    ),
  );
  const directory = [one, other].map((guest) =>
    guest.directory
      .filter((nic) => nic.vswitch !== undefined && standsInEntry(nic))
      .map(
        ({ vdev, vswitch, macId = 'none', authorization }) =>
          `${vdev} on ${vswitch} with MACID ${macId}${(authorization?.vlans ?? []).map((vlan) => ` VLAN ${vlan}`).join('')}`,
      ),
  );
  return [
    ...(one.loggedOn === other.loggedOn ? [] : ['one of two readings has it logged on, the other not']),
    ...listDifferences('live NICs', live),
    ...listDifferences('NICs of the directory entry', directory),
  ];
}

function listDifferences(what: string, [one = [], other = []]: readonly (readonly string[])[]): string[] {
  const [first, second] = [one, other].map((lines) => lines.toSorted().join(', '));
  return first === second ? [] : [`two readings differ in ${what}: ${first || 'none'}; ${second || 'none'}`];
}
