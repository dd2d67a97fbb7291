import { defined } from '../../../domain/defined.ts';
import { Hostname, IpAddress, type NicAddress } from '../../../domain/port/address.ts';
import { Vdev } from '../../../domain/port/vdev.ts';
import type { Columns } from '../tables/table-entries.ts';
import type { Row } from '../tables/tables.ts';

// xCAT takes no blank and no "=" in a value. The first vdev is that of `ip`, the others go with `otherinterfaces`.
const SEPARATOR = '!';

/**
 * A node's row of the `hosts` table as ports have it: the first NIC's address under the node's name, as Nova writes it, further ones as
 * `<name or -vdev>:<address>` in `otherinterfaces` (xCAT's hosts(5)); `comments` says whose the row is and which NICs it is about.
 */
export function hostsColumns(entries: readonly NicAddress[], node: string, zhcpNode: string): Columns {
  const [first, ...others] = entries;
  return {
    ip: first?.address ?? '',
    hostnames: first?.hostname ?? node,
    otherinterfaces: others.map(otherInterface).join(','),
    comments: [zhcpNode, ...entries.map((entry) => entry.vdev)].join(SEPARATOR),
  };
}

function otherInterface({ vdev, address, hostname }: NicAddress): string {
  return `${hostname ?? `-${vdev.toLowerCase()}`}${address.includes(':') ? '!' : ':'}${address}`;
}

/** A node's row of the `hosts` table: ours, somebody else's with this address, or none. */
export type HostsRow = 'none' | 'ours' | { foreign: string };

/** Read a node's row back. One that is not exactly in the form above, as one of these zHCPs wrote it, is somebody else's. */
export function recordedAddressesOf(
  rows: readonly Row[],
  node: string,
  zhcps: readonly string[],
): { hostsRow: HostsRow; addresses: NicAddress[] } {
  const row = rows.find((candidate) => candidate.node === node);
  if (row === undefined) return { hostsRow: 'none', addresses: [] };
  const addresses = entriesOf(row, node, zhcps);
  if (addresses === undefined) return { hostsRow: { foreign: row.ip ?? '' }, addresses: [] };
  return { hostsRow: 'ours', addresses };
}

function entriesOf(row: Row, node: string, zhcps: readonly string[]): NicAddress[] | undefined {
  const [owner = '', ...vdevs] = (row.comments ?? '').split(SEPARATOR);
  const written = [{ name: row.hostnames === node ? '' : row.hostnames, address: row.ip }, ...othersOf(row)];
  if (!zhcps.includes(owner) || written.length !== vdevs.length) return undefined;
  const entries = written.flatMap(({ name = '', address }, index): NicAddress[] => {
    const vdev = Vdev.safeParse(vdevs[index]).data;
    const ip = IpAddress.safeParse(address?.trim()).data;
    if (vdev === undefined || ip === undefined) return [];
    const hostname = name.startsWith('-') ? undefined : Hostname.safeParse(name).data;
    return [{ vdev, address: ip, ...defined({ hostname }) }];
  });
  return entries.length === written.length ? entries : undefined;
}

function othersOf(row: Row): { name: string; address: string }[] {
  return (row.otherinterfaces ?? '')
    .split(',')
    .filter((text) => text !== '')
    .map((text) => {
      const at = text.search(/[!:]/);
      return { name: text.slice(0, Math.max(0, at)), address: text.slice(at + 1) };
    });
}

/** Nodes by the IP addresses that the `hosts` table gives them. */
export function addressesInTable(rows: readonly Row[]): Map<string, string> {
  return new Map(
    rows.flatMap((row) =>
      [row.ip ?? '', ...othersOf(row).map((other) => other.address)].map((ip) => [ip, row.node ?? '']),
    ),
  );
}
