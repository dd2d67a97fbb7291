import { styleText } from 'node:util';
import { stringify } from 'yaml';
import { CommandFailure, EXIT } from './exit-codes.ts';
import { chosenColumns, fitted, linesOf, type Narrowing, nameOf } from './table.ts';

type Style = Parameters<typeof styleText>[0];

/** Forms of the result: a table that fits the terminal, the whole table, a document, or the names alone. */
export const FORMS = ['table', 'wide', 'json', 'yaml', 'name'] as const;
export type Form = (typeof FORMS)[number];

/** How a command is asked to print its result. */
export type OutputOptions = { form: Form; columns?: readonly string[] | undefined };

/** How a table gives way, and the column that names its rows for `-o name`; the first one unless said otherwise. */
type TableOptions = Narrowing & { name?: string };

/** Output of a command: results to standard output, progress to standard error. */
export class Output {
  readonly form: Form;
  readonly #columns: readonly string[] | undefined;
  /** Names of a table in place of its lines, while a result is shown. */
  #names: string[] | undefined;
  #lines: string[] | undefined;

  constructor({ form, columns }: OutputOptions) {
    this.form = form;
    this.#columns = columns;
  }

  /** A document for programs in place of tables. */
  get json(): boolean {
    return this.form === 'json' || this.form === 'yaml';
  }

  /** A line of the result. */
  print(line: string): void {
    if (this.#lines === undefined) process.stdout.write(`${line}\n`);
    else this.#lines.push(line);
  }

  /** A line of progress: never part of the result. */
  tell(line: string): void {
    process.stderr.write(`${line}\n`);
  }

  /** The result for programs. */
  document(value: unknown, indent = 2): void {
    if (this.form === 'yaml') process.stdout.write(`---\n${stringify(JSON.parse(JSON.stringify(value)))}`);
    else process.stdout.write(`${JSON.stringify(value, null, indent)}\n`);
  }

  /** The result: as a document for programs, as `show` prints it for people; of a table with `-o name` the names alone. */
  result(value: unknown, show: () => void): void {
    if (this.json) this.document(value);
    else if (this.form === 'name') this.#namesOf(show);
    else show();
  }

  /** Columns under headings, without borders: readable for people and for `awk`. On a terminal it is as wide as that. */
  table(
    headings: readonly string[],
    rows: readonly (readonly string[])[],
    nothing: string,
    { name = headings[0], ...narrowing }: TableOptions = {},
  ): void {
    if (this.form === 'name') {
      const index = headings.indexOf(name ?? '');
      this.#names = [...(this.#names ?? []), ...rows.map((cells) => cells[index] ?? '')];
      return;
    }
    if (rows.length === 0) {
      this.print(nothing);
      return;
    }
    const all = { headings, rows };
    const chosen = this.#columns === undefined ? all : chosenColumns(all, this.#columns);
    if (chosen === undefined)
      throw new CommandFailure(EXIT.usage, `--columns: the columns are ${headings.map(nameOf).join(', ')}`);
    const width = this.form === 'wide' || !process.stdout.isTTY ? undefined : process.stdout.columns;
    const shown = width === undefined || width <= 0 ? chosen : fitted(chosen, width, narrowing);
    const bold = shown.headings.map((heading) => colour('bold', heading));
    for (const line of linesOf({ headings: bold, rows: shown.rows })) this.print(line);
  }

  #namesOf(show: () => void): void {
    this.#lines = [];
    show();
    const lines = this.#names ?? this.#lines;
    this.#lines = undefined;
    this.#names = undefined;
    for (const line of lines) this.print(line);
  }
}

/** Coloured on a terminal, plain elsewhere; NO_COLOR and FORCE_COLOR are heeded. */
export function colour(style: Style, text: string, stream: NodeJS.WritableStream = process.stdout): string {
  return styleText(style, text, { stream });
}

/** The same for standard error. */
export function colourAside(style: Style, text: string): string {
  return colour(style, text, process.stderr);
}

/** A time for people, in UTC as in the logs of workers and in z/VM's reports: `2026-11-25 09:14:03 UTC`. */
export function timeText(iso: string): string {
  return `${new Date(iso).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
