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
  what: (typeof MODES)[number];
  sizes: number[];
  /** A cost curve's numbers of hosts, and the ports of each host there. */
  hosts: number[];
  portsOfHost: number;
  /** The hosts are shared out to so many worker processes. */
  workers: number;
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

const MODES = ['storm', 'reconcile', 'latency', 'curve', 'history'] as const;
const SIZES: Readonly<Record<BenchOptions['what'], string>> = {
  storm: '1,100,1000',
  reconcile: '1000,5000,10000',
  latency: '1000',
  curve: '1,10,100,300,1000,2000,5000',
  history: '10000',
};

// A SMAPI call takes milliseconds to tens of milliseconds. SMAPI has ten workers by default, DirMaint is one server.
const PARALLELISM = { smapiParallelism: 10, directoryParallelism: 1 };
const OPTIONS = {
  ports: {
    type: 'string',
    value: 'N,…',
    help: `the numbers of ports; ${MODES.map((mode) => `for ${mode} ${SIZES[mode]}`).join(', ')}`,
  },
  hosts: { type: 'string', default: '1,2,5,10,20', value: 'N,…', help: 'curve: the numbers of hosts' },
  'ports-per-host': { type: 'string', default: '100', value: 'N', help: 'curve: the ports of each of several hosts' },
  workers: { type: 'string', default: '1', value: 'N', help: 'curve: the worker processes, which share the hosts' },
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
    help: 'reconcile: the most ports that are repaired after a re-IPL',
  },
  busy: { type: 'string', default: '0', value: 'N', help: 'processes beside it that use all CPU they get' },
  profile: { type: 'boolean', default: false, help: "storm: profile the worker's CPU" },
  json: { type: 'boolean', default: false, help: 'print one JSON object' },
} as const;

/** The command line of `npm run bench`. */
export const USAGE = {
  name: 'bench',
  does: "Measures the historic agent's calls beside this project's workflows.",
  argument: {
    name: MODES.join('|'),
    values: MODES,
    help: 'many ports at once; a host without drift, with drift, after a re-IPL; one port at a time alone and beside a storm; storms of growing size on one host and on several; the bytes that reconciliation leaves in 90 days',
  },
  options: OPTIONS,
  environment: SERVER_VARIABLES,
  example: 'storm --ports 1,100 --latency 500',
} as const satisfies Usage<typeof OPTIONS>;

/** The conditions that a command line asks for. Throws a UsageError that names the wrong option. */
export function benchOptions(values: Values<typeof OPTIONS>, argument: string): BenchOptions {
  const what = MODES.find((mode) => mode === argument) ?? 'storm';
  const numbers = (option: string, text: string) => text.split(',').map((each) => wholeNumber(option, each, 1));
  return {
    what,
    sizes: numbers('--ports', values.ports ?? SIZES[what]),
    hosts: numbers('--hosts', values.hosts),
    portsOfHost: wholeNumber('--ports-per-host', values['ports-per-host'], 1),
    workers: wholeNumber('--workers', values.workers, 1),
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
