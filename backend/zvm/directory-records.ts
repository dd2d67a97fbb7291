import { badOutput } from './parsing.ts';

/**
 * The statements of a directory entry or of a profile, as Image_Query_DM and Profile_Query_DM print them: records of 72 columns, padded; a
 * statement goes on in the next record after a comma (docs/reference/smcli.md 4.5; z/VM: CP Planning and Administration, user directory).
 * The statement with the logon password is among them: what is made of them must not hold it. Throws BackendError 'bad-answer' when the
 * output is no directory entry.
 */
export function directoryStatements(output: string, operation: string): string[] {
  const statements: string[] = [];
  let open = false;
  for (const record of directoryRecords(output)) {
    const goesOn = record.endsWith(',');
    const text = goesOn ? record.slice(0, -1).trim() : record;
    if (open) statements.push(`${statements.pop()} ${text}`);
    else statements.push(text);
    open = goesOn;
  }
  if (!statements.some((statement) => /^(USER|IDENTITY|SUBCONFIG|PROFILE|INCLUDE|NICDEF)\s/i.test(statement)))
    throw badOutput(operation, 'the output is not a directory entry');
  return statements;
}

/** The records without comments, and without what they are padded with. */
export function directoryRecords(output: string): string[] {
  return output
    .split('\n')
    .map((line) => line.trim())
    .filter((record) => record !== '' && !record.startsWith('*'));
}
