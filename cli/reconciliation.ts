import type { ResultOf } from '../domain/operations/results.ts';
import { colour, type Output } from './output.ts';

type Reconciliation = ResultOf<'reconciliation'>;

/** Print the result of a reconciliation. */
export function showReconciliation(output: Output, result: Reconciliation): void {
  output.print(`${result.host}: ${countsOf(result)}`);
  for (const line of result.drifts) output.print(`  ${result.dryRun ? '○ would ' : `${colour('red', '≠')} `}${line}`);
  for (const { userid, reason, attempts } of result.failures)
    output.print(`  ${colour('red', '✘')} ${userid}: ${reason} (tried ${attempts} times)`);
  for (const line of result.findings) output.print(`  ${colour('red', '?')} unreadable: ${line}`);
  for (const line of result.foreignLines) output.print(`  ${colour('dim', '?')} ${line}`);
  if (result.drifts.length === 0 && result.failures.length === 0) output.print(colour('green', '  in order'));
}

function countsOf({ examined, drifted, repaired, failed, foreign, skipped, waiting, reIpled }: Reconciliation): string {
  const counts = { examined, drifted, repaired, failed, foreign, skipped, waiting };
  const words = Object.entries(counts).filter(([name, count]) => name === 'examined' || count > 0);
  return `${words.map(([name, count]) => `${count} ${name}`).join(', ')}${reIpled ? '; z/VM was re-IPLed' : ''}`;
}
