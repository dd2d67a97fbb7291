import { refusal } from '../../../domain/planning/refusal.ts';
import type { NodeName } from '../../../domain/text/identifiers.ts';
import { addressConflict } from '../../backend-error.ts';
import { waitUnlessAborted } from '../../waiting.ts';
import { hostsColumns } from '../rows/address-rows.ts';
import { macsInTable, parseMacColumn, vlanColumn } from '../rows/port-rows.ts';
import type { RecordChange } from '../rows/record-steps.ts';
import { type Columns, canBeSet } from '../tables/table-entries.ts';
import type { TableWrite } from '../tables/table-writer.ts';
import type { XcatHost } from '../xcat-host.ts';

// xCAT's own look-up takes NULL for enabled, and no empty text (docs/reference/xcat.md 2.6).
const ENABLED = null;

/**
 * Write changes to xCAT's tables, from the rows that their plan saw. When somebody else has changed these since, the next plan puts it right.
 * Throws a BackendError that names what xCAT refused.
 */
export async function writeTables(
  host: XcatHost,
  changes: readonly RecordChange[],
  signal: AbortSignal,
): Promise<void> {
  const writes = changes.flatMap((change) => writesOf(change, host.rules.zhcpNode));
  const { nameService, tableWriter } = host.xcat;
  const stale = changes.flatMap(({ operation, data }) => (operation === 'addresses' && data.stale ? [data.node] : []));
  await Promise.all(stale.map((node) => nameService.forget(node, { signal })));
  await tableWriter.write(writes, { signal });
  if (changes.some(({ operation }) => operation === 'names')) await nameService.announce(host.rules.makeDns);
}

/**
 * See that no address just recorded stands a second time in the `mac` table: two guests may have been given one at the same moment, by
 * workers that did not know of each other. Each looks after it has written, so at least one of them sees it. Throws BackendError
 * 'address-conflict'.
 */
export async function refuseSharedMacs(
  host: XcatHost,
  changes: readonly RecordChange[],
  signal: AbortSignal,
): Promise<void> {
  const written = changes.flatMap(({ operation, data }) =>
    operation === 'macs'
      ? parseMacColumn(data.entries.join('|'), data.nodes[0], '').flatMap(({ mac, vdev }) =>
          mac === undefined || vdev === undefined ? [] : [{ mac, vdev, nodes: data.nodes }],
        )
      : [],
  );
  if (written.length === 0) return;
  const { mac } = await waitUnlessAborted(host.recordTables.read(), signal);
  const inTable = Map.groupBy(macsInTable(mac), ({ mac: address }) => address);
  const shared = written.flatMap(({ mac: address, vdev, nodes }) => {
    const other = inTable
      .get(address)
      ?.find((entry) => !nodes.some((node) => node === entry.owner) || entry.vdev !== vdev);
    return other === undefined ? [] : [{ mac: address, owner: other.owner }];
  });
  if (shared.length === 0) return;
  const refusals = shared.map(({ mac, owner }) =>
    refusal('mac', `MAC ${mac} was given to ${owner} at the same time`, 'use another address, or leave it out'),
  );
  throw addressConflict('record MAC addresses', refusals, { macs: shared.map(({ mac }) => mac) });
}

function writesOf({ operation, data }: RecordChange, zhcpNode: string): TableWrite[] {
  switch (operation) {
    case 'port':
      return rowWrites(data, zhcpNode);
    case 'macs':
      // The comment of a row that is there is whose who wrote it: nothing here reads it.
      return [nodeWrite('mac', data.nodes[0], data, { mac: data.entries.join('|') }, { comments: zhcpNode })];
    case 'addresses':
      return [nodeWrite('hosts', data.node, data, hostsColumns(data.entries, data.node, zhcpNode))];
    case 'names':
      return [];
    case 'remove': {
      const key = { node: data.node, port: data.portId };
      const unwired = { switch: '', vlan: '', disable: ENABLED };
      if (data.keepRow) return [{ kind: 'set', table: 'switch', key, values: unwired }];
      return [{ kind: 'delete', table: 'switch', key }];
    }
  }
}

/** Set or insert the row of a node; without entries, delete it. */
function nodeWrite(
  table: 'mac' | 'hosts',
  node: NodeName,
  { entries, row }: { entries: readonly unknown[]; row: boolean },
  values: Columns,
  ofNewRow: Columns = {},
): TableWrite {
  const key = { node };
  if (entries.length === 0) return { kind: 'delete', table, key };
  if (row) return { kind: 'set', table, key, values };
  return { kind: 'insert', table, values: { ...key, ...values, ...ofNewRow } };
}

// The key is (node, switch, port): updating doubled rows would give two of them one key, so they are replaced by one
// (docs/reference/xcat.md 2.4).
function rowWrites(
  { nodes, portId, rows, ...port }: Extract<RecordChange, { operation: 'port' }>['data'],
  zhcpNode: string,
): TableWrite[] {
  const key = { node: nodes[0], port: portId };
  const values = {
    switch: port.vswitch,
    vlan: vlanColumn(port.network),
    interface: port.vdev,
    comments: zhcpNode,
    disable: port.adminStateUp ? ENABLED : 'yes',
  };
  if (rows === 1 && canBeSet(values)) return [{ kind: 'set', table: 'switch', key, values }];
  const insert: TableWrite = { kind: 'insert', table: 'switch', values: { ...key, ...values } };
  if (rows === 0) return [insert];
  return [...nodes.map((node): TableWrite => ({ kind: 'delete', table: 'switch', key: { ...key, node } })), insert];
}
