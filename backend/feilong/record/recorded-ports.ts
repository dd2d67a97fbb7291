import { defined } from '../../../domain/defined.ts';
import type { Finding } from '../../../domain/drift/finding.ts';
import type { Nicdef, RecordedPort, UnreadableValue } from '../../../domain/guest/guest.ts';
import { type MacPrefix, macFromId } from '../../../domain/port/mac.ts';
import { PortId, SegmentationId, Userid, VswitchName } from '../../../domain/text/identifiers.ts';
import { Network, type RecordedNetwork } from '../../../domain/vswitch/network.ts';
import { authorisedVlans, type Vswitch } from '../../../domain/vswitch/vswitch.ts';
import { vdevOf } from '../reading/guest-look.ts';
import type { NicRow } from '../rest/client.ts';

/** The part of a port that a NIC without VSWITCH does not show. */
export type Place = { vswitch: VswitchName; adminStateUp: boolean };

/**
 * Feilong's record is the row of a NIC: userid, vdev, port id, VSWITCH. VLAN and admin state it does not know. They are taken from where z/VM
 * keeps them: the VLAN from the directory entry or the authorisation, the admin state from whether the NIC is to be coupled
 * (docs/feilong.md). So nothing can be lost that z/VM has not, and nothing of z/VM is ever changed for a record's sake.
 */
export type RecordSource = {
  vswitches: readonly Vswitch[];
  /** Where this worker has put ports. */
  placed: ReadonlyMap<PortId, Place>;
  macPrefix: MacPrefix | undefined;
};

/** A guest's rows; its directory entry is undefined where it was not read, as in a survey. */
export type GuestRows = { userid: Userid; rows: readonly NicRow[]; directory: readonly Nicdef[] | undefined };

/** The ports of a guest, of several rows of one the first. Rows without a port id are of NICs that are nobody's port. */
export function recordedPorts(guest: GuestRows, source: RecordSource): RecordedPort[] {
  const first = new Map<PortId, NicRow>();
  for (const row of guest.rows) {
    const portId = PortId.safeParse(row.port ?? '').data;
    if (portId !== undefined && !first.has(portId)) first.set(portId, row);
  }
  return [...first].map(([portId, row]) => portOf(row, portId, guest, source));
}

/** Rows of a guest that name no port that anybody can read, or one that has another row. */
export function oddRows({ userid, rows }: GuestRows): Finding[] {
  const seen = new Set<string>();
  return rows.flatMap((row) => {
    const isDoubled = row.port !== null && seen.has(row.port);
    if (row.port === null || (!isDoubled && isPortId(row.port))) {
      seen.add(row.port ?? '');
      return [];
    }
    const reason = isDoubled
      ? `its port ${row.port} has another NIC, too`
      : 'its row in Feilong has an id that is no port id';
    return [{ of: `NIC ${row.interface} of ${userid}`, reason }];
  });
}

/** True for a guest with rows that name no port: NICs of its ports have not vanished. */
export function hidesPorts({ rows }: Pick<GuestRows, 'rows'>): boolean {
  return rows.some(({ port }) => port !== null && !isPortId(port));
}

function isPortId(text: string): boolean {
  return PortId.safeParse(text).success;
}

function portOf(row: NicRow, portId: PortId, guest: GuestRows, source: RecordSource): RecordedPort {
  const vdev = vdevOf(row);
  const nicdef = guest.directory?.find((nic) => nic.vdev === vdev);
  const named = VswitchName.safeParse(row.switch ?? '').data ?? nicdef?.vswitch;
  const place = named === undefined ? placeOf(portId, guest, source) : undefined;
  const vswitch = named ?? place?.vswitch;
  const base = { portId, ...defined({ vdev, vswitch, mac: macIn(nicdef, source.macPrefix) }) };
  if (row.switch !== null && !VswitchName.safeParse(row.switch).success)
    return {
      ...base,
      network: FLAT,
      adminStateUp: true,
      unreadable: [{ field: 'vswitch', name: 'switch', value: row.switch }],
    };
  // A NIC that Nova has made, and nobody has wired.
  if (vswitch === undefined) return { ...base, network: FLAT, adminStateUp: true };
  const adminStateUp = place?.adminStateUp ?? true;
  const network = networkOn(vswitch, nicdef, guest, source.vswitches);
  if (network !== undefined) return { ...base, network, adminStateUp };
  const unreadable: UnreadableValue[] = [
    { field: 'network', name: 'VLAN', value: `none, since ${guest.userid} is not authorised` },
  ];
  return { ...base, network: { type: 'unreadable', text: '' }, adminStateUp, unreadable };
}

const FLAT = { type: 'flat' } as const;

function macIn(nicdef: Nicdef | undefined, prefix: MacPrefix | undefined) {
  return nicdef?.macId === undefined || prefix === undefined ? undefined : macFromId(prefix, nicdef.macId);
}

/**
 * The VLAN of a port, where z/VM still has it. Without a directory entry an authorisation that is missing counts as flat: the survey says that
 * it is missing, and the guest is read in full before anything is done.
 */
function networkOn(
  name: VswitchName,
  nicdef: Nicdef | undefined,
  { userid, directory }: GuestRows,
  vswitches: readonly Vswitch[],
): RecordedNetwork | undefined {
  const vswitch = vswitches.find((candidate) => candidate.name === name);
  if (vswitch?.vlanAware === false) return FLAT;
  const inEntry = nicdef?.authorization?.vlans;
  if (inEntry !== undefined && inEntry.length > 0) return networkOf(inEntry);
  const authorisation = vswitch?.authorisations.find((entry) => entry.userid === userid);
  if (vswitch !== undefined && authorisation !== undefined) return networkOf(authorisedVlans(vswitch, authorisation));
  return directory === undefined ? FLAT : undefined;
}

function networkOf(vlans: readonly number[]): Network {
  const [first, ...others] = vlans.map((vlan) => SegmentationId.parse(vlan));
  if (first === undefined) return FLAT;
  return others.length === 0
    ? { type: 'vlan', segmentationId: first }
    : Network.parse({ type: 'trunk', segmentationIds: [first, ...others] });
}

/**
 * The place of a port whose NIC names no VSWITCH, as this worker has given it: it is down, or its wiring has not come to its end. It counts as
 * long as z/VM agrees; without it, nobody has wired the NIC.
 */
function placeOf(portId: PortId, { userid }: GuestRows, { vswitches, placed }: RecordSource): Place | undefined {
  const place = placed.get(portId);
  const { authorisations = [] } = vswitches.find(({ name }) => name === place?.vswitch) ?? {};
  return authorisations.some((entry) => entry.userid === userid) ? place : undefined;
}

/** Rows by guest; of userids that are none, nothing is known. */
export function rowsByGuest(rows: readonly NicRow[]): Map<Userid, NicRow[]> {
  const known = rows.flatMap((row) => {
    const userid = Userid.safeParse(row.userid).data;
    return userid === undefined ? [] : [{ userid, row }];
  });
  return new Map(
    [...Map.groupBy(known, ({ userid }) => userid)].map(([userid, all]) => [userid, all.map(({ row }) => row)]),
  );
}
