export type Element = Record<string, unknown>;
type Row = Map<string, string | null>;
type Assignment = { column: string; value: string | null; merge: boolean };
type Definition = { columns: string[]; key: string[] };

/** Columns in dump order and primary keys (docs/reference/xcat.md 2.1). */
const DEFINITIONS: Record<string, Definition> = {
  switch: define('node switch port vlan interface', 'node switch port'),
  mac: define('node interface mac', 'node'),
  hosts: define('node ip hostnames otherinterfaces', 'node'),
  zvm: define('node hcp userid nodetype parent', 'node'),
  nodelist: define(
    'node groups status statustime appstatus appstatustime primarysn hidden updatestatus updatestatustime zonename',
    'node',
  ),
  site: define('key value', 'key'),
  networks: define(
    'netname net mask mgtifname gateway dhcpserver tftpserver nameservers ntpservers logservers dynamicrange staticrange staticrangeincrement nodehostname ddnsdomain vlanid domain mtu',
    'net mask',
  ),
  policy: define('priority name host commands noderange parameters time rule', 'priority'),
  passwd: define('key username password cryptmethod authdomain', 'key username'),
};

/** The xCAT database: tabdump, gettab and tabch with their answers and their traps (docs/reference/xcat.md 2). */
export class Tables {
  private readonly rows = new Map<string, Row[]>(Object.keys(DEFINITIONS).map((name) => [name, []]));

  /** Table names. */
  names(): string[] {
    return Object.keys(DEFINITIONS);
  }

  /** Rows as plain objects; empty values are null. */
  list(table: string): Record<string, string | null>[] {
    return (this.rows.get(table) ?? []).map((row) => Object.fromEntries(row));
  }

  /** Writes a row directly, replacing one of the same key. */
  put(table: string, values: Record<string, string>): void {
    const key = DEFINITIONS[table]?.key ?? [];
    this.remove(table, (row) => key.every((column) => (row.get(column) ?? '') === (values[column] ?? '')));
    this.rows.get(table)?.push(new Map(Object.entries(values)));
  }

  /** Puts other rows in place of all rows of a table. */
  replace(table: string, rows: readonly Record<string, string | null>[]): void {
    if (!Object.hasOwn(DEFINITIONS, table)) throw new Error(`there is no table ${table}`);
    this.rows.set(
      table,
      rows.map((row) => new Map(Object.entries(row))),
    );
  }

  /** Removes the rows that match. */
  remove(table: string, matches: (row: Row) => boolean): void {
    this.rows.set(
      table,
      (this.rows.get(table) ?? []).filter((row) => !matches(row)),
    );
  }

  /** The value of a column in the first enabled row where another column has a value. */
  value(table: string, column: string, wanted: string, attribute: string): string | undefined {
    const row = this.rows
      .get(table)
      ?.find((each) => each.get(column) === wanted && isEnabled(each.get('disable')) && each.get(attribute));
    return row?.get(attribute) ?? undefined;
  }

  /** A node's attribute: of its own row, else of the first of its groups that has one (xcatdb(5), groups in tables). */
  nodeValue(table: string, node: string, attribute: string): string | undefined {
    const own = this.value(table, 'node', node, attribute);
    if (own !== undefined) return own;
    const groups = this.value('nodelist', 'node', node, 'groups')?.split(',') ?? [];
    const value = groups.flatMap((group) => this.value(table, 'node', group, attribute) ?? [])[0];
    const [, pattern, text] = /^[/|]([^/|]*)[/|]([^/|()]*)[/|]$/.exec(value ?? '') ?? [];
    return pattern === undefined || text === undefined ? value : node.replace(new RegExp(pattern), text);
  }

  /** `tabdump <table>` (docs/reference/xcat.md 2.2). */
  dump(table: string): Element[] {
    const definition = DEFINITIONS[table];
    if (!definition) return [{ error: [`No such table: ${table}`], errorcode: ['1'] }];
    const lines = [`#${definition.columns.join(',')}`];
    for (const row of this.rows.get(table) ?? []) {
      const cells = definition.columns.map((column) => {
        const value = row.get(column);
        return value ? `"${value.replaceAll('"', '""')}",` : ',';
      });
      lines.push(cells.join('').slice(0, -1));
    }
    return [{ data: lines }];
  }

  /** `gettab <column>=<value> <table>.<attribute> …` (docs/reference/xcat.md 2.3). */
  get(table: string, column: string, value: string, attributes: string[]): Element[] {
    const definition = DEFINITIONS[table];
    if (attributes.length === 0)
      return [{ data: ['Usage: gettab [-H|--with-fieldname] key=value,...  table.attribute ...'], errorcode: ['1'] }];
    if (!definition) return [{ error: [`No such table: ${table}`], errorcode: ['1'] }];
    const keys = [[column, ''] as [string, string]];
    const [first = '', ...more] = value.split(',');
    keys[0] = [column, first.split('=')[0] ?? ''];
    for (const each of more) keys.push([each.split('=')[0] ?? '', each.split('=')[1] ?? '']);
    for (const [key] of keys)
      if (!definition.columns.includes(key)) return [{ error: [`Unknown key ${key} to ${table}`], errorcode: ['1'] }];
    for (const attribute of attributes)
      if (!definition.columns.includes(attribute))
        return [{ error: [`Unknown attribute ${attribute} to ${table}`], errorcode: ['1'] }];
    const row = (this.rows.get(table) ?? []).find(
      (each) =>
        keys.every(([key, wanted]) => isKey(each.get(key), wanted)) &&
        isEnabled(each.get('disable')) &&
        attributes.some((attribute) => each.get(attribute)),
    );
    if (!row) return [];
    if (attributes.length === 1) return [{ data: [row.get(attributes[0] ?? '')] }];
    return attributes.map((attribute) => ({ data: [`${table}.${attribute}: ${row.get(attribute) ?? ''}`] }));
  }

  /** `tabch …`; the words are split at single blanks, nothing is quoted (docs/reference/xcat.md 2.4). */
  change(words: string[]): Element[] {
    const first = words[0] ?? '';
    if (first === '-d') return this.delete(words[1] ?? '', words[2] ?? '');
    if (!first.includes('=')) return incorrect(first);
    const inserting = /^[^.=]+\.[^=]+=/.test(first);
    const keys = inserting ? [] : pairs(first);
    const assignments = inserting ? words : words.slice(1);
    const changes = new Map<string, Assignment[]>();
    for (const word of assignments) {
      const match = /^([^.=]+)\.([^=]*?)(\+?)=(.*)$/s.exec(word);
      const table = match?.[1] ?? word.split('.')[0] ?? '';
      const definition = DEFINITIONS[table];
      if (!definition) return [{ data: [`Table ${table} does not exist.\n`], errorcode: ['1'] }];
      if (!match) return incorrect(word);
      const [, , column = '', merge, value = ''] = match;
      if (!definition.columns.includes(column))
        return [{ error: [`${table}.${column} not a valid table.column description`], errorcode: ['1'] }];
      for (const [key] of keys) if (!definition.columns.includes(key)) return [noColumn(key, table)];
      changes.set(table, [...(changes.get(table) ?? []), { column, value, merge: merge === '+' }]);
    }
    for (const [table, sets] of changes) {
      const failure = this.write(table, keys, inserting, sets);
      if (failure) return [failure];
    }
    return [];
  }

  /** `tabrestore [-a] <table>.csv`: all rows in one transaction; a row whose key is there with other values rolls all of it back. */
  restore(table: string, lines: readonly string[], addRows: boolean): Element[] {
    const definition = DEFINITIONS[table];
    if (!definition) return [{ error: [`Unable to open ${table}`], errorcode: ['4'] }];
    const [header = '', ...rest] = lines;
    if (!header.startsWith('#')) return [{ error: ['Data missing header line starting with #'], errorcode: ['1'] }];
    const columns = header.replaceAll('"', '').slice(1).trimEnd().split(',');
    const unknown = columns.find((column) => !definition.columns.includes(column));
    if (unknown !== undefined) {
      const text = `The header line indicates that column '${unknown}' should exist, which is not defined in the schema for '${table}'`;
      return [{ error: [text], errorcode: ['1'] }];
    }
    const rows = new Map(
      (addRows ? (this.rows.get(table) ?? []) : []).map((row) => [identity(definition, row), row] as const),
    );
    for (const [index, line] of rest.entries()) {
      if (line.trim() === '') continue;
      const values = csvValues(line);
      if (values === null || values.length > columns.length)
        return [{ error: [`Too many fields on line ${index}: ${line}`], errorcode: ['4'] }];
      const row: Row = new Map(columns.map((column, at) => [column, values[at] ?? null]));
      const key = identity(definition, row);
      const there = rows.get(key);
      if (
        there !== undefined &&
        definition.columns.some((column) => (there.get(column) ?? '') !== (row.get(column) ?? ''))
      ) {
        const text = `DB error UNIQUE constraint failed: ${definition.key.map((column) => `${table}.${column}`).join(', ')} with line ${index}: ${line}`;
        return [{ error: [text], errorcode: ['4'] }];
      }
      rows.set(key, row);
    }
    this.rows.set(table, [...rows.values()]);
    return [];
  }

  private write(table: string, keys: [string, string][], inserting: boolean, sets: Assignment[]): Element | null {
    const definition = DEFINITIONS[table];
    if (definition === undefined) return null;
    const rows = this.rows.get(table) ?? [];
    const hits = inserting ? [] : rows.filter((row) => keys.every(([key, value]) => row.get(key) === value));
    const changed = new Map<Row, Row>();
    for (const row of hits) changed.set(row, assign(new Map(row), sets.map(unsetWhereNull)));
    const after = rows.map((row) => changed.get(row) ?? row);
    // Truly blank rows are not inserted; NULL is a text in those that are (Table.pm, setAttribs).
    if (hits.length === 0 && sets.some(({ value }) => value !== '')) {
      const keyColumns = definition.key.map((column): [string, string] => [column, '']);
      after.push(assign(new Map([...keyColumns, ...keys]), sets));
    }
    if (new Set(after.map((row) => identity(definition, row))).size < after.length) {
      const columns = definition.key.map((column) => `${table}.${column}`).join(', ');
      return { error: [`DB error UNIQUE constraint failed: ${columns}`], errorcode: ['4'] };
    }
    this.rows.set(table, after);
    return null;
  }

  private delete(keys: string, table: string): Element[] {
    const definition = DEFINITIONS[table];
    if (!definition) return [{ data: [`Table ${table} does not exist.`], errorcode: ['1'] }];
    if (!keys.includes('=')) return incorrect(keys);
    const wanted = pairs(keys);
    for (const [key] of wanted) if (!definition.columns.includes(key)) return [noColumn(key, table)];
    this.remove(table, (row) => wanted.every(([key, value]) => row.get(key) === value));
    return [];
  }
}

function define(columns: string, key: string): Definition {
  return { columns: [...columns.split(' '), 'comments', 'disable'], key: key.split(' ') };
}

function identity({ key }: Definition, row: Row): string {
  return key.map((column) => row.get(column) ?? '').join('\0');
}

/** The fields of one CSV line; null when a quote is not closed. */
function csvValues(line: string): (string | null)[] | null {
  const values: (string | null)[] = [];
  let rest = line;
  for (;;) {
    const match = /^(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/.exec(rest);
    if (!match) return null;
    values.push(match[1] !== undefined ? match[1].replaceAll('""', '"') : match[2] || null);
    if (match[3] === '') return values;
    rest = rest.slice(match[0].length);
  }
}

function pairs(text: string): [string, string][] {
  return text.split(',').map((each) => {
    const at = each.indexOf('=');
    return at < 0 ? [each, ''] : [each.slice(0, at), each.slice(at + 1)];
  });
}

function assign(row: Row, sets: Assignment[]): Row {
  for (const { column, value, merge } of sets) {
    const before = row.get(column);
    if (merge && before && value !== null)
      row.set(column, [...new Set([...before.split(','), ...value.split(',')])].join(','));
    else row.set(column, value);
  }
  return row;
}

/** An update makes SQL's NULL of every value that has the word in it (Table.pm, setAttribs). */
function unsetWhereNull(set: Assignment): Assignment {
  return set.value?.includes('NULL') === true ? { ...set, value: null } : set;
}

/**
 * Rows that xCAT's look-ups take (Table.pm, getAttribs; docs/reference/xcat.md 2.6): an empty text is not among them, nor is what else is
 * no `no`.
 */
export function isEnabled(disable: string | null | undefined): boolean {
  return disable === null || disable === undefined || ['0', 'no', 'NO', 'No', 'nO'].includes(disable);
}

/** A key that is false to Perl asks for SQL's NULL (Table.pm, getAttribs). */
function isKey(value: string | null | undefined, wanted: string): boolean {
  return wanted === '' || wanted === '0' ? (value ?? null) === null : value === wanted;
}

function incorrect(word: string): Element[] {
  return [{ data: [`Incorrect argument "${word}".\n`, 'Check man tabch or tabch -h\n'], errorcode: ['1'] }];
}

function noColumn(key: string, table: string): Element {
  return { error: [`No column "${key}" in table "${table}"`], errorcode: ['1'] };
}
