import { Cron } from 'croner';
import { z } from 'zod';

const MINUTE_MS = 60_000;
const FIELDS = 5;
const MOST_LOOKS = 1_000;

const Zone = z.string().refine(isZone, 'must be an IANA time zone, as Europe/Berlin');

/** A change window: it opens by cron in its zone, and stays open for its length. */
export const ChangeWindow = z
  .strictObject({
    opens: z.string().meta({ description: 'Minute, hour, day, month, weekday, as in cron', example: '0 22 * * SUN' }),
    zone: Zone.meta({ description: 'The IANA time zone of `opens`', example: 'Europe/Berlin' }),
    minutes: z.int('must be a whole number of minutes').min(1).max(10_080).meta({ description: 'How long it is open' }),
  })
  .superRefine(({ opens, zone }, context) => {
    const problem = isZone(zone) ? problemOf(opens, zone) : undefined;
    if (problem !== undefined) context.addIssue({ code: 'custom', path: ['opens'], message: problem });
  });
export type ChangeWindow = z.infer<typeof ChangeWindow>;

/** True from each time at which the window opens, for its length. `at`: milliseconds of Unix time. */
export function isOpen(window: ChangeWindow, at: number): boolean {
  const opened = opensAfter(window, at - window.minutes * MINUTE_MS);
  return opened !== undefined && opened <= at;
}

/** The first time from `at` on at which all windows are open, in milliseconds of Unix time; undefined when they are never open together. */
export function allOpenAt(windows: readonly ChangeWindow[], at: number): number | undefined {
  let time = at;
  for (let looks = 0; looks < MOST_LOOKS; looks += 1) {
    const closed = windows.filter((window) => !isOpen(window, time));
    if (closed.length === 0) return time;
    const opens = closed.map((window) => opensAfter(window, time));
    if (opens.some((each) => each === undefined)) return undefined;
    time = Math.max(...opens.filter((each) => each !== undefined));
  }
  return undefined;
}

function opensAfter({ opens, zone }: Pick<ChangeWindow, 'opens' | 'zone'>, at: number): number | undefined {
  return new Cron(opens, { timezone: zone, paused: true }).nextRun(new Date(at))?.getTime();
}

function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

function problemOf(opens: string, zone: string): string | undefined {
  // The library takes seconds and single dates too.
  if (opens.trim().split(/\s+/).length !== FIELDS) return 'must have five fields: minute, hour, day, month, weekday';
  try {
    return opensAfter({ opens, zone }, Date.now()) === undefined ? 'never comes' : undefined;
  } catch {
    return 'must be a cron expression';
  }
}
