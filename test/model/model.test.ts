import { expect, test } from 'vitest';
import { CONFIGURATIONS } from '../../model/configurations.ts';
import { missingPrograms, search, simulate } from '../../model/search.ts';
import { parseTrace } from '../../model/trace.ts';

const LIMIT_MS = 600_000;

const missing = await missingPrograms();
const skipped = missing.length > 0;
if (skipped)
  process.stderr.write(`SKIPPED, since ${missing.join(' and ')} cannot be found: the model of the guest queue\n`);
const why = skipped ? ` (SKIPPED: ${missing.join(' and ')} cannot be found)` : '';

const short = CONFIGURATIONS.filter(({ isLong }) => isLong !== true);

test.skipIf(skipped).each(short.map((each) => [each.name, each.finds, each] as const))(
  `SPIN looks at each state of %s: %s${why}`,
  async (_name, finds, configuration) => {
    expect((await search(configuration)).found).toBe(finds);
  },
  LIMIT_MS,
);

test.skipIf(skipped)(`a seeded simulation of the model comes to its end, and each operation too${why}`, async () => {
  for (let seed = 1; seed <= 10; seed += 1) {
    const trace = parseTrace(seed, await simulate(seed, { LAG: 0, BOUND: 0, TROUBLES: 2, LATE: seed % 2 }));
    expect(trace.ports.toSorted()).not.toEqual([0, 0, 0]);
    expect(trace.outcomes).not.toContain('none');
    expect(trace.carriedOut).toEqual(trace.carriedOut.toSorted());
  }
});
