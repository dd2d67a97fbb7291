import { styleText } from 'node:util';
import Table from 'cli-table3';

type Style = Parameters<typeof styleText>[0];

/** Output of a command: results to standard output, progress to standard error. */
export class Output {
  /** One JSON document, or one a line, in place of tables. */
  readonly json: boolean;

  constructor(json: boolean) {
    this.json = json;
  }

  /** A line of the result. */
  print(line: string): void {
    process.stdout.write(`${line}\n`);
  }

  /** A line of progress: never part of the result. */
  tell(line: string): void {
    process.stderr.write(`${line}\n`);
  }

  /** The result for programs. */
  document(value: unknown, indent = 2): void {
    process.stdout.write(`${JSON.stringify(value, null, indent)}\n`);
  }

  /** The result: as JSON for programs, as `show` prints it for people. */
  result(value: unknown, show: () => void): void {
    if (this.json) this.document(value);
    else show();
  }

  /** Columns under headings, without borders: readable for people and for `awk`. */
  table(headings: readonly string[], rows: readonly (readonly string[])[], nothing: string): void {
    if (rows.length === 0) {
      this.print(nothing);
      return;
    }
    const table = new Table({
      head: headings.map((heading) => colour('bold', heading)),
      chars: NO_BORDERS,
      style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
    });
    table.push(...rows.map((row) => [...row]));
    for (const line of table.toString().split('\n')) this.print(line.trimEnd());
  }
}

const NO_BORDERS = Object.fromEntries(
  'top top-mid top-left top-right bottom bottom-mid bottom-left bottom-right left left-mid mid mid-mid right right-mid middle'
    .split(' ')
    .map((name) => [name, '']),
);

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
