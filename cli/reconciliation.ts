import { z } from 'zod';
import { colour, type Output } from './output.ts';

/** What a reconciliation answers, as far as people are told. */
export const Reconciliation = z.object({
  dryRun: z.boolean(),
  examined: z.number(),
  inOrder: z.number(),
  drifted: z.number(),
  repaired: z.number(),
  failed: z.number(),
  foreign: z.number(),
  skipped: z.number(),
  waiting: z.number(),
  reIpled: z.boolean(),
  drifts: z.array(z.string()),
  failures: z.array(z.object({ userid: z.string(), reason: z.string(), attempts: z.number() })),
  foreignLines: z.array(z.string()),
  findings: z.array(z.string()).default([]),
});
export type Reconciliation = z.infer<typeof Reconciliation>;

/** What a reconciliation found and did. */
export function showReconciliation(output: Output, host: string, result: Reconciliation): void {
  output.print(`${host}: ${countsOf(result)}`);
  for (const line of result.drifts) output.print(`  ${result.dryRun ? '○ would: ' : `${colour('red', '≠')} `}${line}`);
  for (const { userid, reason, attempts } of result.failures)
    output.print(`  ${colour('red', '✘')} ${userid}: ${reason} (tried ${attempts} times)`);
  for (const line of result.findings) output.print(`  ${colour('red', '?')} not understood: ${line}`);
  for (const line of result.foreignLines) output.print(`  ${colour('dim', '?')} ${line}`);
  if (result.drifts.length === 0 && result.failures.length === 0) output.print(colour('green', '  in order'));
}

function countsOf({ examined, drifted, repaired, failed, foreign, skipped, waiting, reIpled }: Reconciliation): string {
  const counts = { examined, drifted, repaired, failed, foreign, skipped, waiting };
  const words = Object.entries(counts).filter(([name, count]) => name === 'examined' || count > 0);
  return `${words.map(([name, count]) => `${count} ${name}`).join(', ')}${reIpled ? '; z/VM was started anew' : ''}`;
}
