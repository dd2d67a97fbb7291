import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { FAULTS } from './faults.ts';
import { isRight, lineOf, type Report } from './report.ts';
import { run } from './run.ts';

const USAGE = `npm run chaos -- [--seed N] [--minutes M] [--operations N] [--json] [--guests N] [--rate N] [--open N]
  [--latency MS] [--settle-minutes M] [--faults ${FAULTS.join(',')}|none] [--serial] [--keep]`;

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

/** `npm run chaos`: run mixed operations under disturbances and judge them. Exits with 0 only without findings. */
async function main(): Promise<void> {
  const options = givenOptions();
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

function givenOptions(): z.output<typeof Options> {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const { values } = parseArgs({
    options: {
      ...{ seed: text, minutes: text, operations: text, guests: text, rate: text, open: text, latency: text },
      ...{ 'settle-minutes': text, faults: text, json: flag, serial: flag, keep: flag },
    },
  });
  const parsed = Options.safeParse(values);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map((issue) => `--${issue.path.join('.')}: ${issue.message}`);
  throw new Error(`${issues.join('; ')}\nusage: ${USAGE}`);
}

function summary({ findings: _findings, failures: _failures, ...numbers }: Report): string {
  return Object.entries(numbers)
    .map(([name, value]) => `${name.padEnd(18)} ${typeof value === 'object' ? JSON.stringify(value) : value}`)
    .join('\n');
}

// A pending request must not keep the program alive.
main().then(
  () => process.exit(),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
