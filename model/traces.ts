import { runProgram, type Values, wholeNumber } from '../command-line/program.ts';
import { missingPrograms, simulate } from './search.ts';
import { chooseTraces, parseTrace, type Trace } from './trace.ts';

/** A trace holds no lag of Temporal's list, so its requests are in the order of acceptance. */
const LIST = { LAG: 0, BOUND: 0 };

const OPTIONS = {
  seeds: { type: 'string', default: '100', value: 'N', help: 'the number of runs of the model' },
  first: { type: 'string', default: '1', value: 'N', help: 'the first seed' },
  troubles: { type: 'string', default: '2', value: 'N', help: 'the most troubles of a run' },
  most: { type: 'string', default: '1000000', value: 'N', help: 'the most traces' },
} as const;

async function main(values: Values<typeof OPTIONS>): Promise<void> {
  const number = (name: keyof typeof OPTIONS) => wholeNumber(`--${name}`, values[name], 0);
  const [seeds, first, troubles, most] = [number('seeds'), number('first'), number('troubles'), number('most')];
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

runProgram(
  {
    name: 'model:traces',
    does: "Prints seeded runs of the queue's model as a JSON list of moves of the environment (model/README.md).",
    options: OPTIONS,
    example: '--seeds 100 --most 20',
  },
  main,
);
