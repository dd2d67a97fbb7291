import { randomInt } from 'node:crypto';
import { z } from 'zod';
import { runProgram, UsageError } from '../command-line/program.ts';
import { SERVER_VARIABLES } from '../temporal-config/dev-server/temporal-binary.ts';
import { FAULTS } from './faults.ts';
import { BACKENDS } from './places.ts';
import { isRight, lineOf, type Report } from './report.ts';
import { run } from './run.ts';

const MOST_OPERATIONS = 100_000;
const LONGEST_MINUTES = 600;

const count = z.coerce.number().int().positive();
const Options = z.object({
  seed: z.coerce.number().int().nonnegative().optional(),
  minutes: z.coerce.number().positive().max(LONGEST_MINUTES).optional(),
  operations: count.optional(),
  guests: count.max(400).default(8),
  rate: z.coerce.number().positive().max(100).default(2),
  open: count.default(64),
  latency: z.coerce.number().nonnegative().default(10),
  backend: z.enum(BACKENDS).default('xcat'),
  'settle-minutes': z.coerce.number().positive().default(10),
  faults: z
    .string()
    .default(FAULTS.join(','))
    .transform((text) => (text === 'none' ? [] : text.split(',')))
    .pipe(z.array(z.enum(FAULTS))),
  json: z.boolean().default(false),
  serial: z.boolean().default(false),
  keep: z.boolean().default(false),
});

async function main(values: unknown): Promise<void> {
  const options = checked(values);
  const { seed = randomInt(1_000_000), guests, rate, latency, faults, keep, json } = options;
  // With only a number of operations given, the run lasts as long as they take.
  const { operations = MOST_OPERATIONS, minutes = options.operations === undefined ? 2 : LONGEST_MINUTES } = options;
  const begun = performance.now();
  const say = (line: string) => {
    const seconds = ((performance.now() - begun) / 1_000).toFixed(1).padStart(6);
    process.stderr.write(`${seconds} s  ${line}\n`);
  };
  say(`seed ${seed}`);
  const cancelled = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => cancelled.abort());
  const report = await run(
    {
      ...{ seed, minutes, operations, guests, rate, faults, say },
      latencyMs: latency,
      serial: options.serial,
      backend: options.backend,
      mostOpen: options.open,
      settleMinutes: options['settle-minutes'],
      keepFolder: keep,
    },
    cancelled.signal,
  );
  for (const { workflowId, message } of report.failures) process.stderr.write(`failed: ${message} [${workflowId}]\n`);
  for (const finding of report.findings) process.stderr.write(`${lineOf(finding)}\n`);
  process.stdout.write(`${json ? JSON.stringify(report) : summary(report)}\n`);
  if (!isRight(report)) process.exitCode = 1;
}

function checked(values: unknown): z.output<typeof Options> {
  const parsed = Options.safeParse(values);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map((issue) => `--${issue.path.join('.')}: ${issue.message}`);
  throw new UsageError(issues.join('; '));
}

function summary({ findings: _findings, failures: _failures, ...numbers }: Report): string {
  return Object.entries(numbers)
    .map(([name, value]) => `${name.padEnd(18)} ${typeof value === 'object' ? JSON.stringify(value) : value}`)
    .join('\n');
}

const number = (help: string) => ({ type: 'string', value: 'N', help }) as const;
const flag = (help: string) => ({ type: 'boolean', help }) as const;

runProgram(
  {
    name: 'chaos',
    does: 'Runs mixed operations under kills and faults, and judges them by their order.',
    options: {
      seed: number('the seed of all random choices; printed when it is not given'),
      minutes: number('the time of operations and faults; 2 by default'),
      operations: number('the number of operations, in place of a time'),
      guests: number('the number of guests; 8 by default'),
      rate: number('operations a second; 2 by default'),
      open: number('the most operations that are open at once; 64 by default'),
      latency: { type: 'string', value: 'MS', help: 'the time of a call to xCAT; 10 by default' },
      backend: { type: 'string', value: 'NAME', help: `${BACKENDS.join(' or ')}; xcat by default` },
      'settle-minutes': number('the longest time after the last fault until all is quiet; 10 by default'),
      faults: { type: 'string', value: 'NAME,…', help: `none, or of ${FAULTS.join(', ')}; all by default` },
      json: flag('print the report as one JSON object'),
      serial: flag('one operation after the other'),
      keep: flag('keep the folder of the run'),
    },
    environment: { 'NETWORKING_ZVM_CACHE, XDG_CACHE_HOME': SERVER_VARIABLES['NETWORKING_ZVM_CACHE, XDG_CACHE_HOME'] },
    exit: { 0: 'no findings', 1: 'failed, or findings' },
    example: '--seed 7 --minutes 5 --json',
  },
  // A pending request must not keep the program alive.
  (values) => main(values).then(() => process.exit()),
);
