import { parseArgs } from 'node:util';

/** The times and the parallelism of the simulated z/VM's functions, the same for both sides. */
export type SmapiTimes = {
  smapiMs: number;
  directoryMs: number;
  smapiParallelism: number;
  directoryParallelism: number;
};

/** The conditions of a benchmark. */
export type BenchOptions = {
  what: 'storm' | 'reconcile';
  sizes: number[];
  /** The least time of a call to the management node. */
  latencyMs: number;
  times: SmapiTimes;
  nicsPerGuest: number;
  /** The historic sequence is measured on so many ports, and scaled. */
  historicPorts: number;
  /** Processes beside it that use all CPU they get. */
  busy: number;
  /** Profile the worker's CPU. */
  profile: boolean;
  json: boolean;
};

const USAGE = `npm run bench -- storm [--ports 1,100,1000] [--nics-per-guest N] [--historic-ports N] [--profile] …
  or npm run bench -- reconcile [--ports 1000,5000,10000] …
  with [--latency MS] [--smapi-ms MS] [--directory-ms MS] [--busy N] [--json]`;

/** The options of a command line. Throws an Error that says what is wrong with it. */
export function benchOptions(args: readonly string[]): BenchOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      ports: { type: 'string' },
      latency: { type: 'string', default: '500' },
      // A SMAPI call takes milliseconds to tens of milliseconds. SMAPI has ten workers by default, DirMaint is one server.
      'smapi-ms': { type: 'string', default: '20' },
      'directory-ms': { type: 'string', default: '20' },
      'nics-per-guest': { type: 'string', default: '1' },
      'historic-ports': { type: 'string', default: '20' },
      busy: { type: 'string', default: '0' },
      profile: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  const [what] = positionals;
  if (positionals.length !== 1 || (what !== 'storm' && what !== 'reconcile')) throw new Error(`usage: ${USAGE}`);
  const sizes = values.ports ?? (what === 'storm' ? '1,100,1000' : '1000,5000,10000');
  return {
    what,
    sizes: sizes.split(',').map((text) => whole('--ports', text, 1)),
    latencyMs: whole('--latency', values.latency, 0),
    times: {
      smapiMs: whole('--smapi-ms', values['smapi-ms'], 0),
      directoryMs: whole('--directory-ms', values['directory-ms'], 0),
      smapiParallelism: 10,
      directoryParallelism: 1,
    },
    nicsPerGuest: whole('--nics-per-guest', values['nics-per-guest'], 1),
    historicPorts: whole('--historic-ports', values['historic-ports'], 1),
    busy: whole('--busy', values.busy, 0),
    profile: values.profile,
    json: values.json,
  };
}

function whole(option: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least)
    throw new Error(`${option} ${text}: must be a whole number from ${least}`);
  return value;
}
