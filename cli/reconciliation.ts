import { failureText } from '../domain/drift/repair-subject.ts';
import type { ResultOf } from '../domain/operations/results.ts';
import { colour, type Output } from './output.ts';

type Reconciliation = ResultOf<'reconciliation'>;

/** Print the result of a reconciliation. */
export function showReconciliation(output: Output, result: Reconciliation): void {
  output.print(`${result.host}: ${countsOf(result)}`);
  for (const line of result.drifts) output.print(`  ${result.dryRun ? '○ would ' : `${colour('red', '≠')} `}${line}`);
  for (const failure of result.failures)
    output.print(`  ${colour('red', '✘')} ${failureText(failure)} (tried ${failure.attempts} times)`);
  for (const line of result.findings) output.print(`  ${colour('red', '?')} unreadable: ${line}`);
  for (const line of result.foreignLines) output.print(`  ${colour('dim', '?')} ${line}`);
  if (result.drifts.length === 0 && result.failures.length === 0) output.print(colour('green', '  in order'));
}

function countsOf({ examined, drifted, repaired, failed, foreign, skipped, waiting, reIpled }: Reconciliation): string {
  const counts = { examined, drifted, repaired, failed, foreign, skipped, waiting };
  const words = Object.entries(counts).filter(([name, count]) => name === 'examined' || count > 0);
  return `${words.map(([name, count]) => `${count} ${name}`).join(', ')}${reIpled ? '; z/VM was re-IPLed' : ''}`;
}
