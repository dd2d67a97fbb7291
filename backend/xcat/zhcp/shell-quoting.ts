import { BackendError } from '../../backend-error.ts';

/**
 * One argument for a POSIX shell, in single quotes, whatever it holds (docs/reference/xcat.md 6.2). Throws BackendError 'refused' for a
 * NUL, which no argument can hold.
 */
export function quote(argument: string): string {
  if (argument.includes('\0')) {
    throw new BackendError({
      code: 'refused',
      operation: 'quote an argument',
      message: 'an argument must not hold NUL',
    });
  }
  return `'${argument.replaceAll("'", `'\\''`)}'`;
}
