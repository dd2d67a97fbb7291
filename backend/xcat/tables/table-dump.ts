import { parse } from 'csv-parse/sync';
import { BackendError } from '../../backend-error.ts';

/** A row by column name; an empty or unset column is `''`. */
export type Row = Readonly<Record<string, string>>;

/**
 * Parse the lines of a `tabdump`: a header `#node,switch,…`, then RFC 4180 rows (docs/reference/xcat.md 2.2). Columns go by name, so that
 * xCAT may add some. Throws BackendError 'bad-answer' without a header, or when a row has more columns than it.
 */
export function parseDump(lines: readonly string[], operation: string): Row[] {
  const bad = (what: string) => new BackendError({ code: 'bad-answer', operation, message: `${operation}: ${what}` });
  const [header, ...rows] = lines;
  if (header?.startsWith('#') !== true) throw bad('the dump does not begin with column names');
  const columns = header
    .slice(1)
    .split(',')
    .map((column) => column.trim());
  let records: string[][];
  try {
    records = parse(rows.join('\n'), { relax_column_count: true, skip_empty_lines: true });
  } catch {
    throw bad('a row is not valid CSV');
  }
  return records.map((record) => {
    if (record.length > columns.length) throw bad('a row has more columns than the header');
    return Object.fromEntries(columns.map((column, index) => [column, record[index] ?? '']));
  });
}
