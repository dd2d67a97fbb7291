import { XcatError } from '../rest/errors.ts';

/**
 * One argument for a POSIX shell, in single quotes, whatever it holds (contract xcat.md 6, defect 30). Throws XcatError 'refused' for a
 * NUL, which no argument can hold.
 */
export function quote(argument: string): string {
  if (argument.includes('\0')) {
    throw new XcatError({ code: 'refused', operation: 'quote an argument', message: 'an argument must not hold NUL' });
  }
  return `'${argument.replaceAll("'", `'\\''`)}'`;
}
