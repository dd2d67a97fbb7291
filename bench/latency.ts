import { runOf, startOperation } from '../client/start-operation.ts';
import { DEFAULT_OPTIONS } from '../domain/operations/requests.ts';
import { machineLoad } from './processes.ts';
import { type BenchStack, startBenchStack } from './stack.ts';
import { MOST_PORTS, requestsOf, rounded, type StormOptions, wirePorts } from './wiring.ts';

/** Milliseconds from the start of `createPort` to its result. */
export type Latency = { samples: number; p50: number; p99: number };

/** One port at a time, alone and beside a storm. */
export type LatencyRun = {
  ports: number;
  alone: Latency;
  besideStorm: Latency;
  /** How many times as long it takes beside the storm. */
  times: { p50: number; p99: number };
  machine: { before: ReturnType<typeof machineLoad>; after: ReturnType<typeof machineLoad> };
};

const SAMPLES_ALONE = 20;
const MOST_SAMPLES = 400;

/** Create single ports of guests of their own, one after another: first alone, then until a storm of `ports` ends. */
export async function singlePorts(
  ports: number,
  options: StormOptions,
  say: (line: string) => void,
): Promise<LatencyRun> {
  const before = machineLoad();
  const stack = await startBenchStack(options, ports + MOST_SAMPLES, { maxPorts: MOST_PORTS });
  try {
    // Guests behind those of the storm.
    const lone = requestsOf(1, ports + MOST_SAMPLES, 1).slice(ports);
    const next = async () => {
      const request = lone.shift();
      if (request === undefined) throw new RangeError(`more than ${MOST_SAMPLES} samples`);
      return timeOf(stack, request);
    };
    await next();
    const alone: number[] = [];
    while (alone.length < SAMPLES_ALONE) alone.push(await next());
    say(`alone: ${JSON.stringify(latencyOf(alone))}`);
    const wiring = await wirePorts(stack, requestsOf(1, ports, options.nicsPerGuest));
    let isOver = false;
    const storm = wiring.result().finally(() => {
      isOver = true;
    });
    const beside: number[] = [];
    while (!isOver && lone.length > 0) beside.push(await next());
    await storm;
    const found = { alone: latencyOf(alone), besideStorm: latencyOf(beside) };
    const { p50, p99 } = found.besideStorm;
    const times = { p50: rounded(p50 / found.alone.p50), p99: rounded(p99 / found.alone.p99) };
    return { ports, ...found, times, machine: { before, after: machineLoad() } };
  } finally {
    await stack.stop();
  }
}

async function timeOf({ client }: Pick<BenchStack, 'client'>, request: ReturnType<typeof requestsOf>[number]) {
  const started = performance.now();
  const input = { ...request, ...DEFAULT_OPTIONS };
  await runOf(client, 'createPort', await startOperation(client, { type: 'createPort', input })).result();
  return performance.now() - started;
}

/** The median and the 99th percentile of some times. */
export function latencyOf(milliseconds: readonly number[]): Latency {
  const sorted = milliseconds.toSorted((one, other) => one - other);
  const at = (share: number) => Math.round(sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0);
  return { samples: sorted.length, p50: at(0.5), p99: at(0.99) };
}

/** A run as lines to read. */
export function latencyLines({ ports, alone, besideStorm, times, machine }: LatencyRun): string[] {
  return [
    `one port at a time, alone and beside a storm of ${ports} (load ${machine.before.load} before, ${machine.after.load} after)`,
    `  alone: p50 ${alone.p50} ms, p99 ${alone.p99} ms of ${alone.samples}`,
    `  beside the storm: p50 ${besideStorm.p50} ms, p99 ${besideStorm.p99} ms of ${besideStorm.samples}; ${times.p50} and ${times.p99} times as long`,
  ];
}
