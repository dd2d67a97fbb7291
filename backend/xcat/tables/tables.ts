import { defined } from '../../../domain/defined.ts';
import { BackendError } from '../../backend-error.ts';
import { singleFlight, waitUnlessAborted } from '../../waiting.ts';
import { refuseErrors } from '../rest/answers.ts';
import type { Transport } from '../rest/transport.ts';
import { parseDump, type Row } from './table-dump.ts';
import type { TableName } from './table-entries.ts';

export type { Row } from './table-dump.ts';
export type { TableName } from './table-entries.ts';

type Abortable = { signal?: AbortSignal };

const sharedDumps = new WeakMap<Transport, Map<TableName, () => Promise<Row[]>>>();

/**
 * All rows of a table (`tabdump`, docs/reference/xcat.md 2.2), in no order that means anything. Callers share calls: while one dump is in
 * flight, those who come wait and then share one next dump. Throws BackendError 'refused' when xCAT does, 'bad-answer' when the dump is none.
 */
export function dumpTable(transport: Transport, table: TableName, { signal }: Abortable = {}): Promise<Row[]> {
  const dumps = sharedDumps.get(transport) ?? new Map<TableName, () => Promise<Row[]>>();
  sharedDumps.set(transport, dumps);
  const dump =
    dumps.get(table) ??
    singleFlight(async () => {
      const operation = `GET /tables/${table}`;
      const elements = await transport.request({ method: 'GET', path: `/tables/${table}` });
      refuseErrors(elements, operation);
      return parseDump(
        elements.flatMap((element) => element.data),
        operation,
      );
    });
  dumps.set(table, dump);
  return waitUnlessAborted(dump(), signal);
}

/**
 * One attribute of the first row whose key column has the value (`gettab`, docs/reference/xcat.md 2.3); undefined when no such row has one.
 * Exact, case-sensitive comparison. Where there is none, the table is asked for whole, so that an answer without anything is not taken for a
 * table without the row. Throws BackendError 'refused' when the key holds `,` or `=`, which xCAT would split.
 */
export async function getAttribute(
  transport: Transport,
  table: TableName,
  keyColumn: string,
  key: string,
  attribute: string,
  { signal }: Abortable = {},
): Promise<string | undefined> {
  const operation = `GET /tables/${table}`;
  const abortable = defined({ signal });
  if (/[,=]/.test(key)) {
    throw new BackendError({ code: 'refused', operation, message: `xCAT cannot look up a key that holds "," or "="` });
  }
  const elements = await transport.request({
    method: 'GET',
    path: `/tables/${table}`,
    query: { col: keyColumn, value: key, attribute },
    ...abortable,
  });
  refuseErrors(elements, operation);
  const found = elements.flatMap((element) => element.data).find((value) => value !== '');
  // A broken management node answers nothing too. A dump has its header at least.
  if (found === undefined && elements.length === 0) await dumpTable(transport, table, abortable);
  return found;
}

/**
 * Carry out changes built by setWhere, insertRow and deleteWhere (`tabch`, docs/reference/xcat.md 2.4), in order, a call each: xCAT makes
 * one command of all entries of a call. Stops at the first that is refused and throws BackendError 'refused' with xCAT's reason.
 */
export async function changeTable(
  transport: Transport,
  table: TableName,
  entries: readonly string[],
  { signal }: Abortable = {},
): Promise<void> {
  const path = `/tables/${table}`;
  for (const entry of entries) {
    const elements = await transport.request({
      method: 'PUT',
      path,
      body: [entry],
      ...defined({ signal }),
    });
    refuseErrors(elements, `PUT ${path}`);
  }
}
