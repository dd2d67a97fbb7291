import type { z } from 'zod';
import { BackendError } from '../backend-error.ts';

/** The error for output that is not as docs/reference/smcli.md says. `what` must not quote it: a directory entry holds a password. */
export function badOutput(operation: string, what: string): BackendError {
  return new BackendError({
    code: 'bad-answer',
    operation,
    message: `${operation}: ${what}`,
    retryable: false,
    advice: 'check the level of the zHCP: the output of its smcli has an unknown form',
  });
}

/** The value by its type. Throws BackendError 'bad-answer', without the value, when it is not of that type. */
export function take<T extends z.ZodType>(type: T, value: unknown, operation: string): z.output<T> {
  const result = type.safeParse(value);
  if (result.success) return result.data;
  throw badOutput(operation, `a value in the output ${result.error.issues[0]?.message ?? 'is not valid'}`);
}
