const LONGEST_MS = 600_000;

/** The pause that a `Retry-After` header asks for, in seconds or as a date; at most ten minutes. Undefined when it is not understood. */
export function retryAfterMs(header: string | undefined, now = Date.now()): number | undefined {
  const text = header?.trim() ?? '';
  if (text === '') return undefined;
  const wait = /^\d{1,9}$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - now;
  return Number.isNaN(wait) ? undefined : Math.min(Math.max(0, wait), LONGEST_MS);
}
