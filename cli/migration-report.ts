import { serverName } from '../domain/host/host.ts';
import type { ResultOf } from '../domain/operations/results.ts';
import { colour, type Output } from './output.ts';

type Migration = ResultOf<'migration'>;
type Outcome = Migration['guests'][number]['outcome'];

const MARKS: Readonly<Record<Outcome, string>> = {
  unchanged: '·',
  planned: '○',
  migrated: colour('green', '✔'),
  incomplete: colour('yellow', '!'),
  failed: colour('red', '✘'),
};

/** Print a migration: each guest that has something to tell, and the counts. */
export function showMigration(output: Output, { host, from, to, guests }: Migration): void {
  for (const { userid, outcome, steps, left } of guests.toSorted((one, other) =>
    one.userid < other.userid ? -1 : 1,
  )) {
    if (outcome === 'unchanged') continue;
    output.print(`  ${MARKS[outcome]} ${userid}: ${outcome}${steps.length === 0 ? '' : `: ${steps.join('; ')}`}`);
    for (const reason of left) output.print(`      not brought: ${reason}`);
  }
  const counts = [...Map.groupBy(guests, ({ outcome }) => outcome)].map(
    ([outcome, those]) => `${those.length} ${outcome}`,
  );
  const what = `${host}, from ${serverName(from)} to ${serverName(to)}`;
  output.print(`${what}: ${guests.length} guests${counts.length === 0 ? '' : `: ${counts.join(', ')}`}`);
}
