import { parseArgs } from 'node:util';
import { CONFIGURATIONS, type Configuration } from './configurations.ts';
import { missingPrograms, search } from './search.ts';

/** `npm run model`: search all states of the models, and print whether each search gave the expected result. */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { long: { type: 'boolean', default: false } } });
  const missing = await missingPrograms();
  if (missing.length > 0)
    throw new Error(`${missing.join(' and ')} are missing: on Debian, apt-get install spin gcc libc6-dev`);
  let wrong = 0;
  for (const configuration of CONFIGURATIONS.filter(({ isLong }) => values.long || isLong !== true)) {
    const { line, isRight } = await checked(configuration);
    process.stdout.write(`${line}\n`);
    if (!isRight) wrong += 1;
  }
  process.stdout.write(wrong === 0 ? 'all as expected\n' : `${wrong} not as expected\n`);
  process.exitCode = wrong === 0 ? 0 : 1;
}

async function checked(configuration: Configuration): Promise<{ line: string; isRight: boolean }> {
  const began = performance.now();
  const { found, states } = await search(configuration);
  const seconds = ((performance.now() - began) / 1_000).toFixed(1);
  const isRight = found === configuration.finds;
  const what = found === 'none' ? 'all invariants hold' : found === 'incomplete' ? 'incomplete' : `violates ${found}`;
  const expected = isRight ? '' : `, expected ${configuration.finds}`;
  return {
    line: `${isRight ? 'ok' : 'WRONG'}  ${configuration.name}: ${what}${expected} (${states} states, ${seconds} s)`,
    isRight,
  };
}

await main();
