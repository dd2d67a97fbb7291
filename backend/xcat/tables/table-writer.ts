import { setImmediate as nextTurn } from 'node:timers/promises';
import { plainText } from '../../http/plain-text.ts';
import { waitUnlessAborted } from '../../waiting.ts';
import { tableRefusal } from '../rest/answers.ts';
import type { Transport } from '../rest/transport.ts';
import type { Command } from '../zhcp/channel.ts';
import { type ManagementNodeShell, NoShell } from '../zhcp/management-node-shell.ts';
import { type Columns, deleteWhere, givenValues, insertRow, setWhere, type Values } from './table-entries.ts';
import { changeTable, type TableName } from './tables.ts';

/** One change to a table: set columns of rows that have the key, insert a row that is not there, or delete rows. */
export type TableWrite =
  | { kind: 'set'; table: TableName; key: Columns; values: Values }
  | { kind: 'insert'; table: TableName; values: Values }
  | { kind: 'delete'; table: TableName; key: Columns };

export type TableWriter = {
  /**
   * Carry out writes: those to one table in order, different tables side by side. Safe to repeat only after reading again, since an insert
   * may have been done. Throws BackendError 'refused' with xCAT's reason, what the transport throws, or the signal's reason.
   */
  write(writes: readonly TableWrite[], options?: { signal?: AbortSignal }): Promise<void>;
};

type Job = { writes: readonly TableWrite[]; done: PromiseWithResolvers<void> };

/** Writes of one caller to one table. */
type Part = { table: TableName; writes: TableWrite[] };

// One alone goes by REST at once; a second one need not wait for it. More would only load the management node (docs/reference/xcat.md 5).
const FLIGHTS = 2;
// A caller that brings more than this is worth a script.
const MOST_CALLS = 4;
// Rows of one tabrestore: well inside the size of a script.
const ROWS_BYTES = 48 * 1024;

/**
 * The way to xCAT's tables. A lone caller's writes are `PUT /tables`, which xCAT takes one row a call (docs/reference/xcat.md 2.4). Writes
 * that wait together go in one script to the management node's own shell, with xCAT's own commands: new rows in one transaction
 * (`tabrestore -a`), all else by `tabch`. Where the management node has no such shell, everything goes by `PUT`.
 */
export function createTableWriter(transport: Transport, shell: ManagementNodeShell): TableWriter {
  let queue: Job[] = [];
  let flights = 0;

  const work = async (): Promise<void> => {
    if (flights >= FLIGHTS) return;
    flights += 1;
    // Callers that come at the same moment go together.
    await nextTurn();
    while (queue.length > 0) {
      const batch = queue;
      queue = [];
      await carryOut(batch);
    }
    flights -= 1;
  };

  const carryOut = async (batch: readonly Job[]): Promise<void> => {
    const calls = batch.reduce((sum, job) => sum + job.writes.length, 0);
    const settle = (job: Job, writing: Promise<void>) => writing.then(job.done.resolve, job.done.reject);
    const byRest = () => Promise.all(batch.map((job) => settle(job, putAll(transport, job.writes))));
    if (calls <= MOST_CALLS) {
      await byRest();
      return;
    }
    try {
      const results = await writeByScript(shell, batch);
      await Promise.all(batch.map((job, index) => settle(job, results[index] ?? Promise.resolve())));
    } catch (error) {
      if (!(error instanceof NoShell)) {
        for (const job of batch) job.done.reject(error);
        return;
      }
      await byRest();
    }
  };

  return {
    async write(writes, { signal } = {}) {
      signal?.throwIfAborted();
      // Wrong values are refused before anything is sent.
      for (const write of writes) entryOf(write);
      if (writes.length === 0) return;
      const job = { writes, done: Promise.withResolvers<void>() };
      job.done.promise.catch(() => undefined);
      queue.push(job);
      void work();
      try {
        await waitUnlessAborted(job.done.promise, signal);
      } finally {
        queue = queue.filter((other) => other !== job);
      }
    },
  };
}

async function putAll(transport: Transport, writes: readonly TableWrite[]): Promise<void> {
  await Promise.all(partsOf(writes).map((part) => changeTable(transport, part.table, part.writes.map(entryOf))));
}

/** A promise for each caller: its own parts, the rows that it shares a transaction with others for, or these one by one after all. */
async function writeByScript(shell: ManagementNodeShell, batch: readonly Job[]): Promise<Promise<void>[]> {
  const parts = batch.map((job) => partsOf(job.writes));
  const lone = (part: Part) => part.writes.length === 1 && part.writes[0]?.kind === 'insert';
  const shared = new Map<Part, Promise<boolean>>();
  for (const [table, rows] of Map.groupBy(parts.flat().filter(lone), (part) => part.table)) {
    for (const slice of slicesOf(rows)) {
      const inserted = restore(shell, table, slice);
      for (const part of slice) shared.set(part, inserted);
    }
  }
  const writing = parts.map((ofCaller) =>
    Promise.all(
      ofCaller.map(async (part) => {
        if ((await shared.get(part)) !== true) await change(shell, part);
      }),
    ).then(() => undefined),
  );
  const settled = await Promise.allSettled(writing);
  const noShell = settled.find((result) => result.status === 'rejected' && result.reason instanceof NoShell);
  if (noShell?.status === 'rejected') throw noShell.reason;
  return writing;
}

/** False when xCAT took none of the rows: one of them may be wrong, and each is then tried alone. */
async function restore(shell: ManagementNodeShell, table: TableName, parts: readonly Part[]): Promise<boolean> {
  const rows = parts.flatMap((part) => part.writes.map(valuesOf));
  const [outcome] = await shell.run([[restoreCommand(table, rows)]]);
  return outcome?.ran === true && outcome.exitStatus === 0;
}

async function change(shell: ManagementNodeShell, part: Part): Promise<void> {
  const outcomes = await shell.run([
    part.writes.map((write) => ({ argv: ['/opt/xcat/sbin/tabch', ...entryOf(write).split(' ')] })),
  ]);
  const failed = outcomes.find((outcome) => outcome.ran && outcome.exitStatus !== 0);
  if (failed?.ran !== true) return;
  const operation = `change table ${part.table}`;
  const reason = plainText(failed.output) || 'no reason given';
  throw tableRefusal(operation, reason);
}

// tabrestore takes the table from the file's name, and the file from a folder that nobody else can have put there.
const RESTORE = [
  'folder=$(mktemp -d) || exit 1',
  'file="$folder/$1.csv"',
  'shift',
  `printf '%s\\n' "$@" > "$file"`,
  '/opt/xcat/sbin/tabrestore -a "$file"',
  'status=$?',
  'rm -rf "$folder"',
  'exit "$status"',
].join('\n');

function restoreCommand(table: TableName, rows: readonly Columns[]): Command {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const lines = rows.map((row) => columns.map((column) => csvField(row[column] ?? '')).join(','));
  return { argv: ['/bin/sh', '-c', RESTORE, 'tabrestore', table, `#${columns.join(',')}`, ...lines] };
}

function csvField(value: string): string {
  return value === '' ? '' : `"${value.replaceAll('"', '""')}"`;
}

function partsOf(writes: readonly TableWrite[]): Part[] {
  return [...Map.groupBy(writes, (write) => write.table)].map(([table, ofTable]) => ({ table, writes: ofTable }));
}

function slicesOf(parts: readonly Part[]): Part[][] {
  const slices: Part[][] = [];
  let bytes = 0;
  for (const part of parts) {
    const size = part.writes.reduce((sum, write) => sum + entryOf(write).length + 32, 0);
    bytes += size;
    const last = slices.at(-1);
    if (last === undefined || bytes > ROWS_BYTES) {
      slices.push([part]);
      bytes = size;
    } else last.push(part);
  }
  return slices;
}

function valuesOf(write: TableWrite): Columns {
  return write.kind === 'insert' ? givenValues(write.values) : {};
}

function entryOf(write: TableWrite): string {
  switch (write.kind) {
    case 'set':
      return setWhere(write);
    case 'insert':
      return insertRow(write.table, write.values);
    case 'delete':
      return deleteWhere(write.table, write.key);
  }
}
