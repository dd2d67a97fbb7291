import { parseArgs } from 'node:util';
import { missingPrograms, simulate } from './search.ts';
import { chooseTraces, parseTrace, type Trace } from './trace.ts';

const USAGE = 'npm run --silent model:traces -- [--seeds 100] [--first 1] [--troubles 2] [--most 20]';
/** A trace holds no lag of Temporal's list, so its requests are in the order of acceptance. */
const LIST = { LAG: 0, BOUND: 0 };

/** `npm run --silent model:traces`: print seeded runs of the queue's model as a JSON list of moves of the environment (README.md, Traces). */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '100' },
      first: { type: 'string', default: '1' },
      troubles: { type: 'string', default: '2' },
      most: { type: 'string', default: '1000000' },
    },
  });
  const [seeds = 0, first = 1, troubles = 2, most = 0] = [values.seeds, values.first, values.troubles, values.most].map(
    Number,
  );
  if (![seeds, first, troubles, most].every((value) => Number.isSafeInteger(value))) throw new Error(`usage: ${USAGE}`);
  const missing = await missingPrograms();
  if (missing.length > 0) throw new Error(`${missing.join(' and ')} are missing`);
  process.stdout.write(`${JSON.stringify(chooseTraces(await traces(first, seeds, troubles), most), null, 1)}\n`);
}

/** The distinct traces of so many seeds. In every second one the troubles wait until the guest run is busy. */
async function traces(first: number, seeds: number, troubles: number): Promise<Trace[]> {
  const different = new Map<string, Trace>();
  for (let seed = first; seed < first + seeds; seed += 1) {
    const trace = parseTrace(seed, await simulate(seed, { ...LIST, TROUBLES: troubles, LATE: seed % 2 }));
    const key = JSON.stringify([trace.ports, trace.moves]);
    if (!different.has(key)) different.set(key, trace);
  }
  return [...different.values()];
}

await main();
