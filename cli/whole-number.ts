import { z } from 'zod';

/** Parser of an option that is a whole number in a range; the error names the range. */
export function wholeNumber(from: number, to: number) {
  const error = `must be a whole number from ${from} to ${to}`;
  return z.coerce.number({ error }).int({ error }).min(from, { error }).max(to, { error });
}
