import { stripVTControlCharacters } from 'node:util';

/** A table as it is printed: its cells, with colours. */
export type Table = { headings: readonly string[]; rows: readonly (readonly string[])[] };

/** How a table gives way to a narrow terminal. */
export type Narrowing = {
  /** Shorter forms of a column's cells. */
  short?: Readonly<Record<string, (cell: string) => string>>;
  /** Columns that are left out then, the first one first. */
  less?: readonly string[];
};

/** Blanks between two columns. */
const GAP = 2;
/** A column is cut no further than this. */
const NARROWEST = 8;

/** The named columns, in the order of their names; a heading is named in any case, its blanks as dashes. Undefined when one is unknown. */
export function chosenColumns({ headings, rows }: Table, names: readonly string[]): Table | undefined {
  const at = names.map((name) => headings.findIndex((heading) => nameOf(heading) === name.trim().toLowerCase()));
  if (at.includes(-1)) return undefined;
  const pick = (cells: readonly string[]) => at.map((index) => cells[index] ?? '');
  return { headings: pick(headings), rows: rows.map(pick) };
}

/** The name of a column for `--columns`. */
export function nameOf(heading: string): string {
  return heading.toLowerCase().replaceAll(' ', '-');
}

/** The table in so many characters a line: cells in their shorter forms, then fewer columns, then the widest ones cut. */
export function fitted(table: Table, width: number, { short = {}, less = [] }: Narrowing): Table {
  let now = table;
  for (const heading of Object.keys(short)) {
    if (widthOf(now) <= width) return now;
    now = withColumn(now, heading, short[heading] ?? ((cell) => cell));
  }
  for (const heading of less) {
    if (widthOf(now) <= width) return now;
    const kept = now.headings.filter((each) => each !== heading);
    now = chosenColumns(now, kept.map(nameOf)) ?? now;
  }
  return narrowed(now, width);
}

/** The widest columns cut, one after another, none further than its heading. */
function narrowed(table: Table, width: number): Table {
  const over = widthOf(table) - width;
  const floor = (heading: string) => Math.max(NARROWEST, lengthOf(heading));
  const cuttable = columnWidths(table)
    .map((wide, index) => ({ wide, heading: table.headings[index] ?? '' }))
    .filter(({ wide, heading }) => wide > floor(heading))
    .toSorted((one, other) => other.wide - one.wide);
  const [widest] = cuttable;
  if (over <= 0 || widest === undefined) return table;
  const to = Math.max(floor(widest.heading), widest.wide - over);
  return narrowed(
    withColumn(table, widest.heading, (cell) => cut(cell, to)),
    width,
  );
}

/** The lines of a table. */
export function linesOf({ headings, rows }: Table): string[] {
  const widths = columnWidths({ headings, rows });
  return [headings, ...rows].map((cells) =>
    cells
      .map((cell, index) => `${cell}${' '.repeat(Math.max(0, (widths[index] ?? 0) - lengthOf(cell) + GAP))}`)
      .join('')
      .trimEnd(),
  );
}

function withColumn({ headings, rows }: Table, heading: string, change: (cell: string) => string): Table {
  const index = headings.indexOf(heading);
  return { headings, rows: rows.map((cells) => cells.map((cell, at) => (at === index ? change(cell) : cell))) };
}

/** A cell that is cut loses its colours. */
function cut(cell: string, to: number): string {
  const plain = stripVTControlCharacters(cell);
  return plain.length <= to ? cell : `${plain.slice(0, to - 1)}…`;
}

function columnWidths({ headings, rows }: Table): number[] {
  return headings.map((heading, index) =>
    Math.max(lengthOf(heading), ...rows.map((cells) => lengthOf(cells[index] ?? ''))),
  );
}

function widthOf(table: Table): number {
  return columnWidths(table).reduce((sum, each) => sum + each + GAP, -GAP);
}

function lengthOf(cell: string): number {
  return [...stripVTControlCharacters(cell)].length;
}
