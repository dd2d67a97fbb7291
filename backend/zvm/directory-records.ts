import { badOutput } from './parsing.ts';

/** A statement. `doubtful`: nobody can tell where it ends, or whether it is one (docs/reference/smcli.md 4.5). */
export type Statement = { text: string; doubtful?: true };

/** The doubt about such a statement. */
export const DOUBT = 'a statement goes on in a record that begins with *, which is a part of it or a comment';

/**
 * The statements of a directory entry or of a profile, as Image_Query_DM and Profile_Query_DM print them: records of 72 columns, padded; a
 * statement goes on in the next record after a comma (docs/reference/smcli.md 4.5; z/VM: CP Planning and Administration, user directory).
 * The statement with the logon password is among them: what is made of them must not hold it. Throws BackendError 'bad-answer' when the
 * output is no directory entry.
 */
export function directoryStatements(output: string, operation: string): Statement[] {
  const statements: Statement[] = [];
  let open: Statement | undefined;
  // Were the record with * a comment, the next one would belong to the statement before it.
  let mayGoOn = false;
  for (const record of nonEmpty(output)) {
    const isStarred = record.startsWith('*');
    if (isStarred && open === undefined) continue;
    const goesOn = record.endsWith(',');
    const text = goesOn ? record.slice(0, -1).trim() : record;
    if (open === undefined) {
      open = { text };
      statements.push(open);
    } else open.text = `${open.text} ${text}`;
    if (isStarred || mayGoOn) open.doubtful = true;
    mayGoOn = isStarred && !goesOn;
    if (!goesOn) open = undefined;
  }
  if (!statements.some(({ text }) => /^(USER|IDENTITY|SUBCONFIG|PROFILE|INCLUDE|NICDEF)\s/i.test(text)))
    throw badOutput(operation, 'the output is not a directory entry');
  return statements;
}

/** The records without comments, and without what they are padded with. */
export function directoryRecords(output: string): string[] {
  return nonEmpty(output).filter((record) => !record.startsWith('*'));
}

function nonEmpty(output: string): string[] {
  return output
    .split('\n')
    .map((line) => line.trim())
    .filter((record) => record !== '');
}
