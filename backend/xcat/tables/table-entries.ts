import { BackendError } from '../../backend-error.ts';

/** The tables that this project reads or writes. */
export type TableName = 'switch' | 'mac' | 'zvm' | 'hosts' | 'site' | 'nodelist';

/** Texts by column name. */
export type Columns = Readonly<Record<string, string>>;

/** Values to write by column name; null is SQL's NULL, which xCAT's own look-ups tell from an empty text (docs/reference/xcat.md 2.6). */
export type Values = Readonly<Record<string, string | null>>;

// An update makes SQL's NULL of every value that has this word in it; an insert takes it as it is (Table.pm, setAttribs).
const NULL = 'NULL';

/**
 * Set columns of all rows that have the key; where there is none, xCAT inserts one whose other key columns are empty (`tabch k=v,k=v
 * t.c=v`, docs/reference/xcat.md 2.4). Throws BackendError 'refused' for names and values that xCAT would split, and for values that it
 * would take for NULL.
 */
export function setWhere({ key, table, values }: { key: Columns; table: TableName; values: Values }): string {
  const written = Object.entries(values).map(([column, value]): [string, string] => {
    if (value?.includes(NULL) === true) throw refused(column, `xCAT would write NULL in place of ${value}`);
    return [column, value ?? NULL];
  });
  return [keyOf(key), ...valuesOf(table, Object.fromEntries(written))].join(' ');
}

/** True when `setWhere` can write the values as they are. */
export function canBeSet(values: Values): boolean {
  return !Object.values(values).some((value) => value?.includes(NULL) === true);
}

/**
 * Insert a row (`tabch t.c=v …`, docs/reference/xcat.md 2.4); xCAT refuses one whose primary key is there. Throws BackendError 'refused'
 * for names and values that xCAT would split.
 */
export function insertRow(table: TableName, values: Values): string {
  const given = givenValues(values);
  const [first] = Object.entries(given);
  // xCAT looks for keys in the first word.
  if (first !== undefined) word(...first);
  return valuesOf(table, given).join(' ');
}

/** Columns of a new row: one that is not named is NULL. */
export function givenValues(values: Values): Columns {
  return Object.fromEntries(
    Object.entries(values).flatMap(([column, value]): [string, string][] => (value === null ? [] : [[column, value]])),
  );
}

/**
 * Delete all rows that have the key, which is no error when there are none (`tabch -d k=v t`, docs/reference/xcat.md 2.4). Throws
 * BackendError 'refused' for names and values that xCAT would split, and for a key without columns.
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
  if (!/^[a-z][a-z0-9]*$/i.test(name)) throw refused('column', 'is not a column name');
  return name;
}

// tabch gets the entry split on blanks and knows no quoting; xcatd turns what is not ASCII into `?` (docs/reference/xcat.md 1.4, 2.4).
function word(column: string, value: string): string {
  if (!/^[!-~]*$/.test(value) || /[,=]/.test(value)) {
    throw refused(column, 'xCAT accepts only ASCII values, without blanks and "=", and keys without ","');
  }
  return value;
}

function refused(column: string, reason: string): BackendError {
  return new BackendError({ code: 'refused', operation: 'change table', message: `${column}: ${reason}` });
}
