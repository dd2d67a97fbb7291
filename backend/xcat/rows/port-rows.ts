import { defined } from '../../../domain/defined.ts';
import type { Finding } from '../../../domain/drift/finding.ts';
import type { RecordedPort, UnreadableValue } from '../../../domain/guest/guest.ts';
import { Mac, type MacInUse } from '../../../domain/port/mac.ts';
import { vlansOf } from '../../../domain/port/port.ts';
import { Vdev } from '../../../domain/port/vdev.ts';
import { PortId, VswitchName } from '../../../domain/text/identifiers.ts';
import { quoteValue } from '../../../domain/text/quoted-value.ts';
import { Network, type RecordedNetwork } from '../../../domain/vswitch/network.ts';
import { shortVlans, vlansOfWords } from '../../../domain/vswitch/vlan-set.ts';
import type { Row } from '../tables/tables.ts';

/** VLAN column of a flat port (docs/reference/xcat.md 2.1). */
const FLAT_VLAN = '-1';
// xCAT takes no comma in a value. A historic agent reads a trunk as no number, and lets it be.
const TRUNK_SEPARATOR = '+';
/** Kept length of an unreadable value. */
const MOST_KEPT = 200;

/** A port with the number of its rows: historic tools can double them. */
export type PortOfRows = RecordedPort & { rows: number };

/** The fields of a port by column. */
const FIELDS = { interface: 'vdev', switch: 'vswitch', vlan: 'network', mac: 'mac', disable: 'adminStateUp' } as const;
export type Column = keyof typeof FIELDS;

/** A value of a column that is not understood. */
export function unreadableValue(column: Column, value: string): UnreadableValue {
  return { field: FIELDS[column], name: column, value: value.slice(0, MOST_KEPT) };
}

/**
 * A node's ports, from its rows of the `switch` table that one host has to carry out; the `comments` column names the zHCP that recorded
 * them. A row with a port id that is no UUID is none of them. A value that is not understood is kept as `unreadable`.
 */
export function recordedPorts(rows: readonly Row[], macEntries: readonly MacEntry[], zhcpNode: string): PortOfRows[] {
  const byPort = new Map<PortId, Row[]>();
  for (const row of rows) {
    const portId = PortId.safeParse(row.port).data;
    if (portId !== undefined) byPort.set(portId, [...(byPort.get(portId) ?? []), row]);
  }
  return [...byPort].flatMap(([portId, doubled]) => {
    // Historic tools can double a row by inserting it before and after `switch` is filled (docs/reference/xcat.md 2.4): the filled one
    // counts.
    const row = doubled.find((candidate) => (candidate.switch ?? '') !== '') ?? doubled[0];
    if (row === undefined) return [];
    const port = recordedPort(portId, row, doubled, macEntries);
    return [row.comments === zhcpNode ? port : { ...port, recordedFor: row.comments ?? '' }];
  });
}

function recordedPort(portId: PortId, row: Row, rows: readonly Row[], macEntries: readonly MacEntry[]): PortOfRows {
  const vdev = Vdev.safeParse(row.interface).data;
  const vswitch = VswitchName.safeParse(row.switch).data;
  const entry = macEntries.find((candidate) => candidate.vdev !== undefined && candidate.vdev === vdev);
  const network = networkOf(row);
  const adminStateUp = adminStateOf(row);
  const unreadable = [
    ...unless(vdev !== undefined, 'interface', row.interface),
    ...unless(vswitch !== undefined, 'switch', row.switch),
    ...(network.type === 'unreadable' ? [unreadableValue('vlan', network.text)] : []),
    ...unless(adminStateUp !== undefined, 'disable', row.disable),
    ...(entry !== undefined && entry.mac === undefined ? [unreadableValue('mac', entry.text)] : []),
    ...contradictions(rows),
  ];
  return {
    portId,
    ...defined({ vdev, vswitch, mac: entry?.mac }),
    network,
    // xCAT itself does not see a row whose `disable` it does not know (docs/reference/xcat.md 2.6).
    adminStateUp: adminStateUp ?? false,
    rows: rows.length,
    ...(unreadable.length === 0 ? {} : { unreadable }),
  };
}

/** An empty column says nothing; one that is filled has to say something. */
function unless(understood: boolean, column: Column, value = ''): UnreadableValue[] {
  return understood || value === '' ? [] : [unreadableValue(column, value)];
}

/** The columns in which rows of one port contradict each other. */
function contradictions(rows: readonly Row[]): UnreadableValue[] {
  const filled = rows.filter((row) => (row.switch ?? '') !== '');
  return (['switch', 'vlan', 'interface'] as const).flatMap((column) => {
    const values = [...new Set(filled.map((row) => row[column] ?? ''))];
    return values.length > 1 ? [unreadableValue(column, values.join(' and '))] : [];
  });
}

/** Flat is said by `-1`, and by nothing as long as nobody has wired the port (docs/reference/xcat.md 2.1, 2.5). */
function networkOf({ vlan = '', switch: vswitch = '' }: Row): RecordedNetwork {
  if (vlan === FLAT_VLAN || (vlan === '' && vswitch === '')) return { type: 'flat' };
  const unreadable: RecordedNetwork = { type: 'unreadable', text: vlan.slice(0, MOST_KEPT) };
  const words = vlan.split(TRUNK_SEPARATOR).map((word) => vlansOfWords([word]));
  if (words.some((vlans) => vlans.length === 0)) return unreadable;
  const [segmentationId, ...others] = new Set(words.flat());
  const segmentationIds = [segmentationId, ...others];
  const network = others.length > 0 ? { type: 'trunk', segmentationIds } : { type: 'vlan', segmentationId };
  return Network.safeParse(network).data ?? unreadable;
}

// xCAT's own look-up takes NULL, 0 and no for enabled (docs/reference/xcat.md 2.6); its tables(5) name 1 and yes for disabled, in any case.
// NULL as a text is what an update leaves that found no row.
function adminStateOf({ disable = '' }: Row): boolean | undefined {
  const word = disable.toLowerCase();
  if (['', '0', 'no'].includes(word) || disable === 'NULL') return true;
  return ['1', 'yes'].includes(word) ? false : undefined;
}

/** Of rows that are one host's to carry out those that name no port: what they stand for is left as it is. */
export function rowsWithoutPort(rows: readonly Row[], node: string): Finding[] {
  return rows
    .filter((row) => !PortId.safeParse(row.port).success)
    .map((row) => ({
      of: `row of node ${node} in the switch table`,
      reason: `port ${quoteValue(row.port ?? '')} is not a port id: the row and its NIC stay unchanged`,
    }));
}

/** Rows of a node whose owner is no zHCP that xCAT knows. */
export function rowsOfNobody(rows: readonly Row[], node: string, zhcps: ReadonlySet<string>): Finding[] {
  return rows
    .filter((row) => (row.comments ?? '') !== '' && !zhcps.has(row.comments ?? ''))
    .map((row) => ({
      of: `port ${row.port ?? ''} of node ${node}`.slice(0, MOST_KEPT),
      reason: `comments ${quoteValue(row.comments ?? '')} names no zHCP: the row and its NIC stay unchanged`,
    }));
}

/** NICs that rows are about. */
export function vdevsIn(rows: readonly Row[]): Vdev[] {
  return rows.flatMap((row) => Vdev.safeParse(row.interface).data ?? []);
}

/** One address of the node's row in the `mac` table, `<mac>!<node>-<vdev>` or, as Nova writes it, the address alone. */
export type MacEntry = { text: string; mac?: Mac; vdev?: Vdev };

/** The addresses in a node's row of the `mac` table. */
export function macEntriesOf(rows: readonly Row[], node: string): MacEntry[] {
  const row = rows.find((candidate) => candidate.node === node);
  return row === undefined ? [] : parseMacColumn(row.mac ?? '', node, row.interface ?? '');
}

const UNSET = '00:00:00:00:00:00';

/**
 * Parse the `mac` column of a node's row: xCAT's form for several, `<mac>!<node>-<vdev>|…`, or Nova's single address with the vdev in
 * the `interface` column (docs/reference/xcat.md 2.5). Entries that are neither are kept as text, and Nova's all-zero placeholder is
 * dropped.
 */
export function parseMacColumn(column: string, node: string, interfaceColumn: string): MacEntry[] {
  return column
    .split('|')
    .filter((text) => text !== '' && text !== UNSET)
    .map((text) => {
      const [address = '', name] = text.split('!', 2);
      const mac = Mac.safeParse(address).data;
      const vdevText =
        name === undefined ? interfaceColumn : name.startsWith(`${node}-`) ? name.slice(node.length + 1) : '';
      const vdev = Vdev.safeParse(vdevText).data;
      return { text, ...defined({ mac, vdev }) };
    });
}

// A reading has the rows of the one before as long as the table has not changed.
const knownMacs = new WeakMap<readonly Row[], readonly MacInUse[]>();

/** All addresses in the `mac` table, of any owner. */
export function macsInTable(rows: readonly Row[]): readonly MacInUse[] {
  const macs = knownMacs.get(rows) ?? readMacs(rows);
  knownMacs.set(rows, macs);
  return macs;
}

function readMacs(rows: readonly Row[]): MacInUse[] {
  return rows.flatMap((row) =>
    macEntriesOf([row], row.node ?? '').flatMap(({ mac, vdev }) =>
      mac === undefined ? [] : [{ mac, owner: row.node ?? '', ...defined({ vdev }) }],
    ),
  );
}

/** The column that a network is recorded in. */
export function vlanColumn(network: Network): string {
  return network.type === 'flat' ? FLAT_VLAN : shortVlans(vlansOf(network)).join(TRUNK_SEPARATOR);
}
