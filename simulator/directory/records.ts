/** A statement of a directory entry, with the records that it stands in. */
export type Statement = { text: string; records: readonly string[] };

const WIDTH = 72;
const FURTHER = '      ';

/** The records of a statement: at most 72 columns; a longer statement goes on after a comma. */
export function wrap(statement: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of statement.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line.trim() !== '' && longer.length > WIDTH - 1) {
      lines.push(`${line},`);
      line = `${FURTHER}${word}`;
    } else line = longer;
  }
  return [...lines, line];
}

/** A statement as DirMaint keeps it and SMAPI returns it: records padded to 72 columns. */
export function records(statement: string): string[] {
  return wrap(statement).map(padded);
}

/** A record as SMAPI returns it. */
export function padded(record: string): string {
  return record.padEnd(WIDTH);
}

/** The statements in records, continued ones joined. A comment is never continued. */
export function statementsIn(lines: readonly string[]): Statement[] {
  const found: { text: string; records: string[] }[] = [];
  let open: { text: string; records: string[] } | undefined;
  for (const line of lines) {
    const text = line.trim();
    if (open === undefined) {
      open = { text, records: [line] };
      found.push(open);
    } else {
      open.text = `${open.text} ${text}`;
      open.records.push(line);
    }
    const goesOn = open.text.endsWith(',') && !open.text.startsWith('*');
    if (goesOn) open.text = open.text.slice(0, -1).trimEnd();
    else open = undefined;
  }
  return found;
}
