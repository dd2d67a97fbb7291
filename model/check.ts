import { runProgram } from '../command-line/program.ts';
import { CONFIGURATIONS, type Configuration } from './configurations.ts';
import { missingPrograms, search } from './search.ts';

async function main({ long }: { long: boolean }): Promise<void> {
  const missing = await missingPrograms();
  if (missing.length > 0)
    throw new Error(`${missing.join(' and ')} are missing: on Debian, apt-get install spin gcc libc6-dev`);
  let wrong = 0;
  for (const configuration of CONFIGURATIONS.filter(({ isLong }) => long || isLong !== true)) {
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

runProgram(
  {
    name: 'model',
    does: "Searches all states of the queue's models, and prints whether each search gave the expected result.",
    options: { long: { type: 'boolean', default: false, help: 'also the models that take minutes' } },
    exit: { 0: 'all as expected', 1: 'failed, or not as expected' },
    example: '--long',
  },
  main,
);
