import { XcatError } from './errors.ts';
import type { TableName } from './tables.ts';

/** Values by column name. */
export type Columns = Readonly<Record<string, string>>;

/**
 * Set columns of all rows that have the key; where there is none, xCAT inserts one whose other key columns are empty (`tabch k=v,k=v
 * t.c=v`, contract xcat.md 2.4). The value `''` unsets. Throws XcatError 'refused' for names and values that xCAT would split.
 */
export function setWhere(change: { key: Columns; table: TableName; values: Columns }): string {
  return [keyOf(change.key), ...valuesOf(change.table, change.values)].join(' ');
}

/**
 * Insert a row (`tabch t.c=v …`, contract xcat.md 2.4); xCAT refuses one whose primary key is there. Throws XcatError 'refused' for names
 * and values that xCAT would split.
 */
export function insertRow(table: TableName, values: Columns): string {
  const [first] = Object.entries(values);
  // xCAT looks for keys in the first word.
  if (first !== undefined) word(...first);
  return valuesOf(table, values).join(' ');
}

/**
 * Delete all rows that have the key, which is no error when there are none (`tabch -d k=v t`, contract xcat.md 2.4). Throws XcatError
 * 'refused' for names and values that xCAT would split, and for a key without columns.
 */
export function deleteWhere(table: TableName, key: Columns): string {
  return `-d ${keyOf(key)} ${table}`;
}

function keyOf(key: Columns): string {
  const pairs = Object.entries(key).map(([column, value]) => {
    if (value === '') throw refused(column, 'a key must not be empty');
    return `${columnName(column)}=${word(column, value)}`;
  });
  if (pairs.length === 0) throw refused('key', 'a key needs a column');
  return pairs.join(',');
}

function valuesOf(table: TableName, values: Columns): string[] {
  const words = Object.entries(values).map(
    ([column, value]) => `${table}.${columnName(column)}=${valueWord(column, value)}`,
  );
  if (words.length === 0) throw refused(table, 'nothing to write');
  return words;
}

// Commas separate keys; in a value they are text.
function valueWord(column: string, value: string): string {
  word(column, value.replaceAll(',', ''));
  return value;
}

function columnName(name: string): string {
  if (!/^[a-z][a-z0-9]*$/i.test(name)) throw refused('column', 'is no column name');
  return name;
}

// tabch gets the entry split on blanks and knows no quoting; xcatd turns what is not ASCII into `?` (contract xcat.md 1.4, 2.4).
function word(column: string, value: string): string {
  if (!/^[!-~]*$/.test(value) || /[,=]/.test(value)) {
    throw refused(column, 'xCAT takes no blanks, "=" or, in a key, "," and no characters outside ASCII in a value');
  }
  return value;
}

function refused(column: string, reason: string): XcatError {
  return new XcatError({ code: 'refused', operation: 'change table', message: `${column}: ${reason}` });
}
