import { type Usage, type Values, wholeNumber } from '../command-line/program.ts';
import { SERVER_VARIABLES } from '../temporal-config/dev-server/temporal-binary.ts';

/** The times and the parallelism of the simulated z/VM's functions, the same for both sides. */
export type SmapiTimes = {
  smapiMs: number;
  directoryMs: number;
  smapiParallelism: number;
  directoryParallelism: number;
};

/** The conditions of a benchmark. */
export type BenchOptions = {
  what: keyof typeof WHAT;
  sizes: number[];
  /** The least time of a call to the management node. */
  latencyMs: number;
  times: SmapiTimes;
  nicsPerGuest: number;
  /** The historic sequence is measured on so many ports, and scaled. */
  historicPorts: number;
  /** Larger hosts have no re-IPL. */
  mostRepaired: number;
  /** Processes beside it that use all CPU they get. */
  busy: number;
  /** Profile the worker's CPU. */
  profile: boolean;
  json: boolean;
};

// A SMAPI call takes milliseconds to tens of milliseconds. SMAPI has ten workers by default, DirMaint is one server.
const PARALLELISM = { smapiParallelism: 10, directoryParallelism: 1 };
/** The benchmarks, with the numbers of ports that each takes by default. */
const WHAT = {
  storm: '1,100,1000',
  reconcile: '1000,5000,10000',
  curve: '1,10,100,1000,10000,50000',
  history: '10000',
};
const OPTIONS = {
  ports: {
    type: 'string',
    value: 'N,…',
    help: `the numbers of ports; for storm ${WHAT.storm}, for reconcile ${WHAT.reconcile}, for curve ${WHAT.curve}, for history ${WHAT.history}`,
  },
  latency: { type: 'string', default: '500', value: 'MS', help: 'the least time of a call to xCAT' },
  'smapi-ms': { type: 'string', default: '20', value: 'MS', help: 'the time of a SMAPI function' },
  'directory-ms': { type: 'string', default: '20', value: 'MS', help: 'the time of a change by DirMaint' },
  'nics-per-guest': { type: 'string', default: '1', value: 'N', help: 'storm: the NICs of each guest' },
  'historic-ports': {
    type: 'string',
    default: '20',
    value: 'N',
    help: 'storm: the most ports that the historic calls are measured with',
  },
  'most-repaired': {
    type: 'string',
    default: '10000',
    value: 'N',
    help: 'reconcile, curve: the most ports that are repaired after a re-IPL',
  },
  busy: { type: 'string', default: '0', value: 'N', help: 'processes beside it that use all CPU they get' },
  profile: { type: 'boolean', default: false, help: "profile the worker's CPU" },
  json: { type: 'boolean', default: false, help: 'print one JSON object' },
} as const;

/** The command line of `npm run bench`. */
export const USAGE = {
  name: 'bench',
  does: "Measures the historic agent's calls beside this project's workflows.",
  argument: {
    name: Object.keys(WHAT).join('|'),
    values: Object.keys(WHAT),
    help: 'many ports at once; a host without drift, with drift, after a re-IPL; the same as a table of sizes; the bytes that reconciliation leaves in 90 days',
  },
  options: OPTIONS,
  environment: SERVER_VARIABLES,
  example: 'storm --ports 1,100 --latency 500',
} as const satisfies Usage<typeof OPTIONS>;

/** The conditions that a command line asks for. Throws a UsageError that names the wrong option. */
export function benchOptions(values: Values<typeof OPTIONS>, argument: string): BenchOptions {
  const what = isBenchmark(argument) ? argument : 'storm';
  const sizes = values.ports ?? WHAT[what];
  return {
    what,
    sizes: sizes.split(',').map((text) => wholeNumber('--ports', text, 1)),
    latencyMs: wholeNumber('--latency', values.latency, 0),
    times: {
      smapiMs: wholeNumber('--smapi-ms', values['smapi-ms'], 0),
      directoryMs: wholeNumber('--directory-ms', values['directory-ms'], 0),
      ...PARALLELISM,
    },
    nicsPerGuest: wholeNumber('--nics-per-guest', values['nics-per-guest'], 1),
    historicPorts: wholeNumber('--historic-ports', values['historic-ports'], 1),
    mostRepaired: wholeNumber('--most-repaired', values['most-repaired'], 0),
    busy: wholeNumber('--busy', values.busy, 0),
    profile: values.profile,
    json: values.json,
  };
}

function isBenchmark(name: string): name is keyof typeof WHAT {
  return name in WHAT;
}
