import { defined } from '../defined.ts';

/** A hold of a host. Nothing is written to its z/VM meanwhile. Times are milliseconds of Unix time. */
export type Hold = {
  by: string;
  reason?: string;
  since: number;
  /** The hold ends by itself then. */
  until?: number;
};

/** The operators' word on a host. */
export type HostControl = {
  hold?: Hold;
  /** An operator lets reconciliation repair a host that was new here. */
  confirmed?: { by: string; at: number };
  /** How often the host was held: each hold has a number of its own. */
  holds: number;
  /** Workers that have told that no write of theirs is under way, by their identities, since the hold of the number `holds`. */
  quiet: string[];
};

/** The names of the words, which are those of the signals that carry them. */
export const CONTROL_WORDS = ['hold', 'release', 'confirm', 'quiet'] as const;
export type ControlWord = { name: (typeof CONTROL_WORDS)[number]; input: unknown; at: number };

/** The control of a host of which nobody has said anything. */
export const NO_CONTROL: HostControl = { holds: 0, quiet: [] };

const LONGEST_TEXT = 500;
const MOST_WORKERS = 100;
const NOBODY_NAMED = 'somebody at Temporal';

/**
 * The control after one more word. The input is unchecked. A hold holds whatever can be read of it: unreadable fields are left out, and without a
 * readable end it lasts until a release.
 */
export function controlAfter(control: HostControl, { name, input, at }: ControlWord): HostControl {
  const { hold: _ended, ...rest } = control;
  switch (name) {
    case 'hold':
      return { ...rest, hold: holdOf(input, at), holds: control.holds + 1, quiet: [] };
    case 'release':
      return { ...rest, quiet: [] };
    case 'confirm':
      return { ...control, confirmed: { by: byOf(input), at } };
    case 'quiet':
      return withQuiet(control, input);
  }
}

/** The control as a run hands it to its next; what cannot be read of it is left out, but a hold stays. */
export function controlFrom(value: unknown): HostControl {
  if (!isRecord(value)) return NO_CONTROL;
  const { hold, holds, quiet, confirmed } = value;
  const confirmedAt = isRecord(confirmed) ? timeOf(confirmed.at) : undefined;
  return {
    ...(confirmedAt === undefined ? {} : { confirmed: { by: byOf(confirmed), at: confirmedAt } }),
    ...(hold === undefined ? {} : { hold: holdOf(hold, isRecord(hold) ? (timeOf(hold.since) ?? 0) : 0) }),
    holds: typeof holds === 'number' ? holds : 0,
    quiet: Array.isArray(quiet) ? quiet.filter((worker) => typeof worker === 'string') : [],
  };
}

/** The hold that lasts at a time; undefined of a host that is not held then. */
export function holdAt({ hold }: HostControl, time: number): Hold | undefined {
  return hold?.until !== undefined && hold.until <= time ? undefined : hold;
}

/** A hold in words: `zvm1 is held by anna until 2026-11-29T10:00:00Z: CHG1`. */
export function holdText(host: string, { by, reason, until }: Hold): string {
  const end = until === undefined ? '' : ` until ${isoSeconds(until)}`;
  return `${host} is held by ${by}${end}${reason === undefined ? '' : `: ${reason}`}`;
}

function isoSeconds(time: number): string {
  return new Date(time).toISOString().replace(/\.\d+/, '');
}

function holdOf(input: unknown, since: number): Hold {
  const fields = isRecord(input) ? input : {};
  return {
    by: byOf(fields),
    ...defined({ reason: textOf(fields.reason) }),
    since,
    ...defined({ until: timeOf(fields.until) }),
  };
}

function byOf(input: unknown): string {
  return textOf(isRecord(input) ? input.by : undefined) ?? NOBODY_NAMED;
}

function withQuiet(control: HostControl, input: unknown): HostControl {
  if (!isRecord(input) || input.hold !== control.holds) return control;
  const worker = textOf(input.worker);
  if (worker === undefined || control.quiet.includes(worker) || control.quiet.length >= MOST_WORKERS) return control;
  return { ...control, quiet: [...control.quiet, worker] };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value.slice(0, LONGEST_TEXT) : undefined;
}

/** The last time that a Date can hold, in milliseconds. */
const LAST_TIME = 8.64e15;

/** Milliseconds of Unix time, from the number or from ISO 8601 as a person writes it. */
function timeOf(value: unknown): number | undefined {
  const time = typeof value === 'string' ? Date.parse(value) : value;
  return typeof time === 'number' && time >= 0 && time <= LAST_TIME ? time : undefined;
}
