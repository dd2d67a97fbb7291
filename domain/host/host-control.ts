import { defined } from '../defined.ts';

/** A hold of a host. Nothing is written to its z/VM meanwhile. Times are milliseconds of Unix time. */
export type Hold = {
  by: string;
  reason?: string;
  since: number;
  /** The hold ends by itself then. */
  until?: number;
};

/** An operation that goes on although Temporal's database was restored: its Workflow ID, and the first run of its chain. */
export type GoingOn = { workflowId: string; firstRunId: string };

/** Temporal's database was restored: it knows nothing of what was done since its dump, and holds the host until an operator has decided. */
export type Restore = Hold & { goesOn: GoingOn[] };

/** The operators' word on a host. */
export type HostControl = {
  hold?: Hold;
  restore?: Restore;
  /** When an operator decided the last restore: what a worker remembers from before is settled. */
  settledAt?: number;
  /** An operator lets reconciliation repair a host that was new here. */
  confirmed?: { by: string; at: number };
  /** How often the host was held: each hold has a number of its own. */
  holds: number;
  /** Workers that have told that no write of theirs is under way, by their identities, since the hold of the number `holds`. */
  quiet: string[];
};

/** The names of the words, which are those of the signals that carry them. */
export const CONTROL_WORDS = ['hold', 'release', 'confirm', 'quiet', 'restored', 'goOn', 'finish'] as const;
export type ControlWord = { name: (typeof CONTROL_WORDS)[number]; input: unknown; at: number };

/** The control of a host of which nobody has said anything. */
export const NO_CONTROL: HostControl = { holds: 0, quiet: [] };

const LONGEST_TEXT = 500;
const MOST_WORKERS = 100;
/** More operations are let go on by the end of the restore. */
const MOST_GOING_ON = 1_000;
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
    case 'restored':
      // Several workers may notice the same restore.
      if (control.restore !== undefined) return control;
      return { ...control, restore: { ...holdOf(input, at), goesOn: [] }, holds: control.holds + 1, quiet: [] };
    case 'goOn':
      return withGoingOn(control, input);
    case 'finish': {
      const { restore: _decided, ...decided } = control;
      return { ...decided, settledAt: at, quiet: [] };
    }
    case 'confirm':
      return { ...control, confirmed: { by: byOf(input), at } };
    case 'quiet':
      return withQuiet(control, input);
  }
}

/** The control as a run hands it to its next; what cannot be read of it is left out, but a hold stays. */
export function controlFrom(value: unknown): HostControl {
  if (!isRecord(value)) return NO_CONTROL;
  const { hold, holds, quiet, confirmed, restore } = value;
  const confirmedAt = isRecord(confirmed) ? timeOf(confirmed.at) : undefined;
  return {
    ...(confirmedAt === undefined ? {} : { confirmed: { by: byOf(confirmed), at: confirmedAt } }),
    ...(restore === undefined ? {} : { restore: restoreFrom(restore) }),
    ...defined({ settledAt: timeOf(value.settledAt) }),
    ...(hold === undefined ? {} : { hold: holdOf(hold, isRecord(hold) ? (timeOf(hold.since) ?? 0) : 0) }),
    holds: typeof holds === 'number' ? holds : 0,
    quiet: Array.isArray(quiet) ? quiet.filter((worker) => typeof worker === 'string') : [],
  };
}

/** The hold that lasts at a time; undefined of a host that is not held then. */
export function holdAt({ hold, restore }: HostControl, time: number): Hold | undefined {
  return hold !== undefined && (hold.until === undefined || hold.until > time) ? hold : restore;
}

/** Work for an operation: its Workflow ID and that of the run at work, and the id of its request to a guest, which begins with a run's id. */
export type WorkFor = { workflowIds: readonly string[]; requestId?: string };

/** The hold that stops this work at a time. After a restore an operator lets operations go on, one by one. */
export function holdOfWork(
  control: HostControl,
  time: number,
  { workflowIds, requestId = '' }: WorkFor,
): Hold | undefined {
  const hold = holdAt(control, time);
  if (hold === undefined || hold !== control.restore) return hold;
  const isAllowed = control.restore.goesOn.some(
    ({ workflowId, firstRunId }) => workflowIds.includes(workflowId) || requestId.startsWith(`${firstRunId}/`),
  );
  return isAllowed ? undefined : hold;
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

function restoreFrom(value: unknown): Restore {
  const fields = isRecord(value) ? value : {};
  const goesOn = Array.isArray(fields.goesOn) ? fields.goesOn.flatMap((each) => goingOnOf(each) ?? []) : [];
  return { ...holdOf(fields, timeOf(fields.since) ?? 0), goesOn };
}

function goingOnOf(value: unknown): GoingOn | undefined {
  if (!isRecord(value)) return undefined;
  const [workflowId, firstRunId] = [textOf(value.workflowId), textOf(value.firstRunId)];
  return workflowId === undefined || firstRunId === undefined ? undefined : { workflowId, firstRunId };
}

function withGoingOn(control: HostControl, input: unknown): HostControl {
  const operation = goingOnOf(input);
  const { restore } = control;
  if (restore === undefined || operation === undefined || restore.goesOn.length >= MOST_GOING_ON) return control;
  return { ...control, restore: { ...restore, goesOn: [...restore.goesOn, operation] } };
}

/** The person who has said a word, and the reason. */
export function saidBy(input: unknown): Pick<Hold, 'by' | 'reason'> {
  return { by: byOf(input), ...defined({ reason: textOf(isRecord(input) ? input.reason : undefined) }) };
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
