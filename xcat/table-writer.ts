import { deleteWhere, insertRow, setWhere } from './table-entries.ts';
import { changeTable, type TableName } from './tables.ts';
import type { Transport } from './transport.ts';

type Columns = Readonly<Record<string, string>>;
export type TableWrite =
  | { kind: 'set'; table: TableName; key: Columns; values: Columns }
  | { kind: 'insert'; table: TableName; values: Columns }
  | { kind: 'delete'; table: TableName; key: Columns };
export type TableWriter = { write(writes: readonly TableWrite[], options?: { signal?: AbortSignal }): Promise<void> };
export function createTableWriter(transport: Transport): TableWriter {
  return {
    async write(writes) {
      const byTable = Map.groupBy(writes, (w) => w.table);
      await Promise.all(
        [...byTable].map(async ([table, list]) => {
          for (const w of list) {
            const entry =
              w.kind === 'set'
                ? setWhere(w)
                : w.kind === 'insert'
                  ? insertRow(w.table, w.values)
                  : deleteWhere(w.table, w.key);
            await changeTable(transport, table, [entry]);
          }
        }),
      );
    },
  };
}
