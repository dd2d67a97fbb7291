import { executeChild, setCurrentDetails, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import type { InputOf } from '../domain/operations/operations.ts';
import { ZVM_DRIFTED, ZVM_OUTCOME } from '../temporal-config/search-attributes.ts';
import { reasonOf } from './failures.ts';
import { acceptRequest } from './operation.ts';
import type { reconcileHost } from './reconcile-host.ts';
import type { ReconcileHostResult } from './reconciliation-result.ts';
import { asChild } from './run-visibility.ts';

type HostSummary = Omit<ReconcileHostResult, 'checkpoint' | 'foreignLines' | 'unreported'>;

/** The sums over all hosts, and each host's own result; `unreached` hosts could not be reconciled. */
export type ReconcileFleetResult = Pick<
  ReconcileHostResult,
  'examined' | 'inOrder' | 'drifted' | 'repaired' | 'failed' | 'foreign' | 'skipped'
> & { hosts: HostSummary[]; unreached: { host: string; reason: string }[] };

const COUNTS = ['examined', 'inOrder', 'drifted', 'repaired', 'failed', 'foreign', 'skipped'] as const;

/** Reconcile hosts in parallel, each on its own task queue, and sum up. A host that fails does not stop the others. */
export async function reconcileFleet(input: InputOf<'reconcileFleet'>): Promise<ReconcileFleetResult> {
  const { hosts, dryRun, giveUpAfterMinutes } = await acceptRequest('reconcileFleet', input);
  const unreached: ReconcileFleetResult['unreached'] = [];
  const results = await Promise.all(
    hosts.map(async (host): Promise<HostSummary[]> => {
      try {
        const {
          checkpoint: _checkpoint,
          foreignLines: _lines,
          unreported: _unreported,
          ...summary
        } = await executeChild<typeof reconcileHost>('reconcileHost', {
          workflowId: `reconcile/${host}/${workflowInfo().runId}`,
          taskQueue: `zvm-${host}`,
          args: [{ host, dryRun }],
          staticSummary: `reconcile ${host}`,
          workflowRunTimeout: Math.ceil(giveUpAfterMinutes * 60_000),
          ...asChild({ host }),
        });
        return [summary];
      } catch (error) {
        unreached.push({ host, reason: reasonOf(error) });
        return [];
      }
    }),
  );
  const summaries = results.flat();
  const sum = (name: (typeof COUNTS)[number]) => summaries.reduce((total, summary) => total + summary[name], 0);
  const sums = Object.fromEntries(COUNTS.map((name) => [name, sum(name)])) as Record<(typeof COUNTS)[number], number>;
  const bad = unreached.length > 0 || sums.failed > 0;
  upsertSearchAttributes([
    { key: ZVM_OUTCOME, value: bad ? 'failed' : dryRun ? 'planned' : sums.drifted === 0 ? 'unchanged' : 'changed' },
    { key: ZVM_DRIFTED, value: sums.drifted },
  ]);
  const lines = summaries.map(
    (each) => `- **${each.host}**: ${COUNTS.map((name) => `${name} ${each[name]}`).join(', ')}`,
  );
  setCurrentDetails([...lines, ...unreached.map(({ host, reason }) => `- **${host}**: ${reason}`)].join('\n'));
  return { ...sums, hosts: summaries, unreached };
}
