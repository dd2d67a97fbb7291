import type { FullOperation } from '../api.ts';

/** The part of an operation's result that people are shown. */
export type ShownResult = {
  /** Steps that were carried out, or would be; lines of drift of a reconciliation; outcomes of many ports; steps of a migration's guests. */
  steps: readonly string[];
  /** The name of a plan, by which it can be carried out. */
  plan: string | undefined;
  /** A NIC that is live would be off the network for a moment. */
  interrupts: boolean;
  /** Parts that have failed or were refused. */
  failures: readonly string[];
  /** Sentences about things that stay, and are left to an administrator. */
  warnings: readonly string[];
};

const MOST_LINES = 200;

/** The result of an operation, as far as it has one: a result is whatever its worker's version knows. */
export function shownResult({ result }: Pick<FullOperation, 'result'>): ShownResult {
  const { steps, drifts, ports, guests, leaves, plan, effect, failures, changed, dryRun } = fieldsOf(result);
  // Where nothing is to be done, the one step is a sentence that says so.
  const isIdle = effect === 'none' || (changed === false && dryRun !== true);
  const outcomes = listOf(ports)
    .map(fieldsOf)
    .filter(({ outcome }) => typeof outcome === 'string');
  const lines = [...(isIdle ? [] : textsOf(steps)), ...textsOf(drifts), ...outcomes.filter(isDone).map(lineOf)];
  const failed = listOf(failures).map(fieldsOf);
  const migrated = listOf(guests).map(fieldsOf);
  return {
    steps: shortened([...lines, ...migrated.flatMap((guest) => linesOfGuest(guest, 'steps'))]),
    plan: typeof plan === 'string' ? plan : undefined,
    interrupts: effect === 'interrupts',
    warnings: shortened(listOf(leaves).map(fieldsOf).map(stayOf)),
    failures: shortened([
      ...outcomes.filter((port) => !isDone(port)).map(lineOf),
      ...migrated.flatMap((guest) => linesOfGuest(guest, 'left')),
      ...failed.map(({ reason }) => String(reason ?? 'a part has failed, without a reason')),
    ]),
  };
}

function isDone({ outcome }: Record<string, unknown>): boolean {
  return outcome !== 'refused' && outcome !== 'failed';
}

function stayOf({ userid, vdev, standsIn, name }: Record<string, unknown>): string {
  return `NICDEF ${vdev} stays in ${standsIn} ${name}, and gives ${userid} the NIC again at its next logon: an administrator removes it there.`;
}

/** Lines about a guest of a migration. */
function linesOfGuest({ userid, ...guest }: Record<string, unknown>, list: 'steps' | 'left'): string[] {
  return textsOf(guest[list]).map((line) => `${userid}: ${line}`);
}

function lineOf({ portId, userid, outcome, vdev, reason }: Record<string, unknown>): string {
  const nic = typeof vdev === 'string' ? `, NIC ${vdev}` : '';
  const why = typeof reason === 'string' ? `: ${reason}` : '';
  return `${userid}${nic}, port ${portId}: ${outcome}${why}`;
}

function shortened(lines: string[]): string[] {
  if (lines.length <= MOST_LINES) return lines;
  return [...lines.slice(0, MOST_LINES), `and ${lines.length - MOST_LINES} more`];
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function textsOf(value: unknown): string[] {
  return listOf(value).filter((text) => typeof text === 'string');
}
