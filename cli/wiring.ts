import type { ImportCounts, ImportedPort } from '../client/import-ports.ts';
import { colour, type Output } from './output.ts';

const MOST_SHOWN = 50;

/** Ports by outcome, and the reason for each port that is not wired. */
export function showWiring(output: Output, ports: readonly ImportedPort[], dryRun: boolean): void {
  const bad = ports.filter(({ outcome }) => outcome === 'refused' || outcome === 'failed');
  if (bad.length > 0)
    output.table(
      ['PORT', 'GUEST', 'HOST', 'OUTCOME', 'WHY'],
      bad
        .slice(0, MOST_SHOWN)
        .map(({ portId, userid, host, outcome, reason = '' }) => [
          portId,
          userid,
          host,
          colour('red', outcome),
          reason,
        ]),
      '',
      { less: ['HOST'] },
    );
  if (bad.length > MOST_SHOWN) output.print(`… and ${bad.length - MOST_SHOWN} more; --json lists all`);
  const { wired, unchanged, refused, failed } = countsOf(ports);
  output.print(
    `${wired} ${dryRun ? 'would be wired' : 'wired'}, ${unchanged} wired before, ${refused} refused, ${failed} failed`,
  );
  if (dryRun) output.print('Plan only, nothing was changed.');
}

export function countsOf(ports: readonly ImportedPort[]): ImportCounts {
  const count = (outcome: ImportedPort['outcome']) => ports.filter((port) => port.outcome === outcome).length;
  return { wired: count('wired'), unchanged: count('unchanged'), refused: count('refused'), failed: count('failed') };
}
