import { defined } from '../domain/defined.ts';
import { writeActivities } from './activity-proxies.ts';
import { isHeld } from './failures.ts';
import type { RequestOutcome } from './guest-queue-messages.ts';
import { showProgress } from './progress.ts';
import { isRequestFailure, type NotYet, type RequestWork, type WorkContext } from './request-work.ts';
import { outcomeOfFailure, retriedUntilDeadline, targetOf } from './retried-request.ts';

/**
 * Bring the ports of a guest into the record of the shadow backend. Each try reads both records first, so one that a dead worker has left is
 * continued; a record that is half made says nothing wrong, and needs no rollback.
 */
export async function migrateGuest(work: RequestWork, context: WorkContext): Promise<RequestOutcome | NotYet> {
  const { host, userid } = context;
  const { dryRun, asks, onlyIf, batch } = work.request;
  const subject = `${userid} on ${host}`;
  showProgress({ subject, state: dryRun ? 'is compared' : 'is brought to the other record' });
  try {
    const asked = { ...targetOf(work, context), dryRun, ...defined({ asks, onlyIf, batch }) };
    const { plan, wait, ...migration } = await retriedUntilDeadline(
      work,
      context,
      `bring the record of ${userid} over`,
      (summary) => writeActivities(summary, batch).migrateGuest(asked),
    );
    const { outcome, steps, left } = migration;
    showProgress({ subject, state: outcome, lists: { [outcome === 'planned' ? 'planned' : 'done']: steps, left } });
    const found = { portIds: [], vswitches: [], vlans: [] };
    const nothing = { changed: false, ports: [], refused: [], liveVdevs: [], found };
    const result = { ...nothing, steps: [...steps], migration, ...defined({ plan }) };
    if (dryRun) return { kind: 'done', result: { ...result, ...defined({ wait }) } };
    if (wait !== undefined) return { kind: 'awaits', wait, result: { ...result, effect: 'changes' } };
    return { kind: 'done', result: { ...result, changed: steps.length > 0 } };
  } catch (error) {
    // Anything else is a defect of this program.
    if (!isRequestFailure(error)) throw error;
    if (isHeld(error)) return { kind: 'held', failure: error };
    return outcomeOfFailure(error, context, 'migrate', 'left');
  }
}
