import type { MacEntry, RecordedPort } from '../network/guest.ts';
import { PortId, VswitchName } from '../network/identifiers.ts';
import { parseMacColumn } from '../network/mac-record.ts';
import { Network } from '../network/network.ts';
import { vlansOf } from '../network/port.ts';
import type { MacInUse } from '../network/surroundings.ts';
import { Vdev } from '../network/vdev.ts';
import { shortVlans, vlansOfWords } from '../network/vlan-set.ts';
import type { Row } from '../xcat/tables.ts';

/** VLAN column of a flat port (contract xcat.md 2.1). */
const FLAT_VLAN = '-1';
// xCAT takes no comma in a value. A historic agent reads a trunk as no number, and lets it be.
const TRUNK_SEPARATOR = '+';

/**
 * A node's ports, from its rows of the `switch` table that one host has to carry out; the `comments` column names the zHCP that recorded
 * them. A row with a port id that is no UUID is somebody else's.
 */
export function recordedPorts(rows: readonly Row[], macEntries: readonly MacEntry[], zhcpNode: string): RecordedPort[] {
  const byPort = new Map<PortId, Row[]>();
  for (const row of rows) {
    const portId = PortId.safeParse(row.port).data;
    if (portId !== undefined) byPort.set(portId, [...(byPort.get(portId) ?? []), row]);
  }
  return [...byPort].flatMap(([portId, doubled]) => {
    // Historic tools can double a row by inserting it before and after `switch` is filled (contract xcat.md 2.4): the filled one counts.
    const row = doubled.find((candidate) => (candidate.switch ?? '') !== '') ?? doubled[0];
    if (row === undefined) return [];
    const port = recordedPort(portId, row, doubled.length, macEntries);
    return [row.comments === zhcpNode ? port : { ...port, recordedFor: row.comments ?? '' }];
  });
}

function recordedPort(portId: PortId, row: Row, rows: number, macEntries: readonly MacEntry[]): RecordedPort {
  const vdev = Vdev.safeParse(row.interface).data;
  const vswitch = VswitchName.safeParse(row.switch).data;
  const mac = macEntries.find((entry) => entry.vdev !== undefined && entry.vdev === vdev)?.mac;
  return {
    portId,
    ...(vdev === undefined ? {} : { vdev }),
    ...(vswitch === undefined ? {} : { vswitch }),
    ...(mac === undefined ? {} : { mac }),
    network: networkOf(row.vlan ?? ''),
    adminStateUp: !isDisabled(row),
    rows,
  };
}

// Anything that is no VLAN reads as flat, as the historic agent has it: `-1`, or nothing.
function networkOf(vlan: string): Network {
  const segmentationIds = vlansOfWords(vlan.split(TRUNK_SEPARATOR));
  const [segmentationId] = segmentationIds;
  const network = segmentationIds.length > 1 ? { type: 'trunk', segmentationIds } : { type: 'vlan', segmentationId };
  return Network.safeParse(network).data ?? { type: 'flat' };
}

// What xCAT's own look-up takes (contract xcat.md 10): all else comments the row out. NULL as a text is what an update leaves that found no row.
const ENABLED = ['', '0', 'no', 'NO', 'No', 'nO', 'NULL'];

function isDisabled(row: Row): boolean {
  return !ENABLED.includes(row.disable ?? '');
}

/** The addresses in a node's row of the `mac` table. */
export function macEntriesOf(rows: readonly Row[], node: string): MacEntry[] {
  const row = rows.find((candidate) => candidate.node === node);
  return row === undefined ? [] : parseMacColumn(row.mac ?? '', node, row.interface ?? '');
}

/** All addresses in the `mac` table, whoever's they are. */
export function macsInTable(rows: readonly Row[]): MacInUse[] {
  return rows.flatMap((row) =>
    macEntriesOf([row], row.node ?? '').flatMap(({ mac, vdev }) =>
      mac === undefined ? [] : [{ mac, owner: row.node ?? '', ...(vdev === undefined ? {} : { vdev }) }],
    ),
  );
}

/** The column that a network is recorded in. */
export function vlanColumn(network: Network): string {
  return network.type === 'flat' ? FLAT_VLAN : shortVlans(vlansOf(network)).join(TRUNK_SEPARATOR);
}
