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
  const dumps = await inOneCall(shell, tables).catch((error: unknown) => {
    if (!(error instanceof NoShell)) throw error;
    return Promise.all(tables.map((table) => dumpTable(transport, table)));
  });
  return Object.fromEntries(tables.map((table, index) => [table, dumps[index] ?? []])) as Record<Name, Row[]>;
}

async function inOneCall(shell: ManagementNodeShell, tables: readonly TableName[]): Promise<Row[][]> {
  const outcomes = await shell.run(tables.map((table) => [{ argv: ['/opt/xcat/sbin/tabdump', table] }]));
  return tables.map((table, index) => {
    const operation = `dump table ${table}`;
    const outcome = outcomes[index];
    if (outcome?.ran === true && outcome.exitStatus === 0)
      return parseDump(
        outcome.output.split('\n').filter((line) => line !== ''),
        operation,
      );
    const message = `${operation}: ${outcome?.ran === true ? plainText(outcome.output).slice(0, 200) : 'the command was not run'}`;
    throw new BackendError({ code: 'refused', operation, message, retryable: true });
  });
}
