import { singleFlight } from '../../waiting.ts';
import type { Row } from './table-dump.ts';

/** The tables that make up the record of a host. */
export const RECORD_TABLES = ['zvm', 'switch', 'mac', 'hosts'] as const;

export type RecordTables = Record<(typeof RECORD_TABLES)[number], Row[]>;

/** Readings of the tables after a write, which those who wrote share. */
export type RecordTablesReader = {
  /** Read all tables anew; callers that wait together share a reading. Throws what a dump throws. */
  read(): Promise<RecordTables>;
  /** The same knowledge of the last reading, by calls of another way. */
  by(dumpAll: () => Promise<RecordTables>): RecordTablesReader;
  /** The last of these readings, if it began at this time of `performance.now()` or later. */
  since(time: number): RecordTables | undefined;
};

/** Create a reader that knows the last reading of these tables. */
export function createRecordTablesReader(dumpAll: () => Promise<RecordTables>): RecordTablesReader {
  let last: { begunAt: number; tables: RecordTables } | undefined;
  const by = (dump: () => Promise<RecordTables>): RecordTablesReader => ({
    read: singleFlight(async () => {
      const begunAt = performance.now();
      const tables = await dump();
      last = { begunAt, tables };
      return tables;
    }),
    by,
    since: (time) => (last !== undefined && last.begunAt >= time ? last.tables : undefined),
  });
  return by(dumpAll);
}
