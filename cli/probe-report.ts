import type { ResultOf } from '../domain/operations/results.ts';
import { colour, type Output } from './output.ts';

/** Print the questions of a dry run, or the report of a probe. */
export function showProbe(output: Output, { dryRun, steps, report }: ResultOf<'probe'>): void {
  if (report === undefined) {
    for (const step of steps) output.print(`  ${dryRun ? '○' : '·'} ${step}`);
    if (dryRun) output.print('Plan only, nothing was asked.');
    return;
  }
  const { userid, vswitch, level, answers, notAsked, surprise } = report;
  output.print(`z/VM ${level}, asked on ${userid} and VSWITCH ${vswitch}; everything is as it was before.`);
  for (const { asks, says } of answers) output.print(`  ${colour('green', '✔')} ${asks}\n      ${says}`);
  for (const { asks, why } of notAsked) output.print(`  ○ ${asks}\n      not asked: ${why}`);
  if (surprise === undefined) return;
  output.print(colour('red', `  ✘ ${surprise.asks}\n      a surprise, which ended the probe: ${surprise.saw}`));
  output.print('  Please report it with the level of z/VM: no answer that this program knows explains it.');
}
