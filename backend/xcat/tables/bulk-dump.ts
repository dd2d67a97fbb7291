import { BackendError } from '../../backend-error.ts';
import { plainText } from '../../http/plain-text.ts';
import type { Transport } from '../rest/transport.ts';
import { type ManagementNodeShell, NoShell } from '../zhcp/management-node-shell.ts';
import { parseDump, type Row } from './table-dump.ts';
import { dumpTable, type TableName } from './tables.ts';

/**
 * All rows of several tables in one call, by xCAT's own `tabdump` on the management node; where that has no shell, by a call each. Throws
 * what dumpTable throws, and a retryable BackendError when a dump cannot be had.
 */
export async function dumpTables<Name extends TableName>(
  transport: Transport,
  shell: ManagementNodeShell,
  tables: readonly Name[],
): Promise<Record<Name, Row[]>> {
  const dumps = await inOneCall(transport, shell, tables).catch((error: unknown) => {
    if (!(error instanceof NoShell)) throw error;
    return Promise.all(tables.map((table) => dumpTable(transport, table)));
  });
  return Object.fromEntries(tables.map((table, index) => [table, dumps[index] ?? []])) as Record<Name, Row[]>;
}

type Dump = { output: string; rows: Row[] };
// Tables hardly change between two readings, and to parse ten thousand rows takes longer than to see that they are the same.
const lastDumps = new WeakMap<Transport, Map<TableName, Dump>>();

async function inOneCall(
  transport: Transport,
  shell: ManagementNodeShell,
  tables: readonly TableName[],
): Promise<Row[][]> {
  const last = lastDumps.get(transport) ?? new Map<TableName, Dump>();
  lastDumps.set(transport, last);
  const outcomes = await shell.run(tables.map((table) => [{ argv: ['/opt/xcat/sbin/tabdump', table] }]));
  return tables.map((table, index) => {
    const operation = `dump table ${table}`;
    const outcome = outcomes[index];
    if (outcome?.ran === true && outcome.exitStatus === 0) {
      const { output } = outcome;
      const before = last.get(table);
      if (before?.output === output) return before.rows;
      const lines = output.split('\n').filter((line) => line !== '');
      const rows = parseDump(lines, operation);
      last.set(table, { output, rows });
      return rows;
    }
    const message = `${operation}: ${outcome?.ran === true ? plainText(outcome.output).slice(0, 200) : 'the command was not run'}`;
    throw new BackendError({ code: 'refused', operation, message, retryable: true });
  });
}
