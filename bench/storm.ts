import { GuestPortRequest } from '../client/port-file.ts';
import { runOf, startOperation } from '../client/start-operation.ts';
import { compare } from '../demo/wire.ts';
import { DEFAULT_OPTIONS } from '../domain/operations/requests.ts';
import { HostName } from '../domain/text/identifiers.ts';
import { startSimulator } from '../simulator/simulator.ts';
import { wiringProgress } from '../workflows/wire-ports.ts';
import { callsTo, coveredMs, sequentialCalls } from './calls.ts';
import type { Place } from './cpu-profile.ts';
import { type HistoricPort, wireHistorically } from './historic-sequence.ts';
import { countEvents, type HistoryCounts } from './histories.ts';
import type { BenchOptions, SmapiTimes } from './options.ts';
import { machineLoad } from './processes.ts';
import { type BenchStack, type CpuByProcess, startBenchStack } from './stack.ts';

const HOST = 'zvm1';
const VLAN = 1001;
const CALLS_OF_HISTORIC_PORT = 9;
const PROGRESS_MS = 5_000;
const FIRST_VDEV = 0x1000;
const DEVICES = 3;

export type StormRun = {
  ports: number;
  guests: number;
  /** At the beginning and at the end. */
  machine: { before: ReturnType<typeof machineLoad>; after: ReturnType<typeof machineLoad> };
  historic: { measuredPorts: number; calls: number; seconds: number };
  ours: OurStorm;
  /** The least time of any client, and what it is made of. */
  boundSeconds: number;
  bound: string;
  timesTheBound: number;
  ratio: number;
};

export type OurStorm = {
  calls: number;
  sequentialCalls: number;
  seconds: number;
  /** The share of the time without a call to the management node. */
  temporalShare: number;
  cpu: CpuByProcess;
  /** The worker's memory before the storm, and the most that it has had. */
  workerMb: { before: number; peak: number };
  histories: { guests: HistoryCounts; operation: HistoryCounts };
  /** The worker's own time by place, when it is profiled. */
  profile: Place[];
};

type StormOptions = Omit<BenchOptions, 'what' | 'sizes' | 'json'>;

/**
 * Wire VLAN ports at rest on one host: by the historic agent's calls and by `wirePorts`, on simulators with the same latency and the same SMAPI.
 * The historic sequence is linear, so it runs on `historicPorts` and is scaled. Throws an Error when a port is wrong.
 */
export async function storm(ports: number, options: StormOptions, say: (line: string) => void): Promise<StormRun> {
  const { historicPorts, latencyMs, times, nicsPerGuest } = options;
  const before = machineLoad();
  const measuredPorts = Math.min(ports, historicPorts);
  say(`${ports} ports: historic sequence on ${measuredPorts} of them`);
  const simulator = await startSimulator({ hosts: 1, guests: measuredPorts, latencyMs, ...times, release: '6.3' });
  const rows = Array.from({ length: measuredPorts }, (_, index) => portOf(index, nicsPerGuest));
  const measured = await wireHistorically(simulator.url, rows, VLAN).finally(() => simulator.close());
  const historicSeconds = (measured / measuredPorts) * ports;
  const ours = await stormOfOurs(ports, options, say);
  const guests = Math.ceil(ports / nicsPerGuest);
  const bound = boundOf(guests, times);
  return {
    ...{ ports, guests, machine: { before, after: machineLoad() } },
    historic: { measuredPorts, calls: CALLS_OF_HISTORIC_PORT * ports, seconds: rounded(historicSeconds) },
    ours,
    boundSeconds: rounded(bound.seconds),
    bound: bound.of,
    timesTheBound: rounded(ours.seconds / bound.seconds),
    ratio: rounded(historicSeconds / ours.seconds),
  };
}

/** The least time of any client: one grant and one directory transaction for each guest, as many at once as SMAPI and DirMaint take. */
function boundOf(guests: number, { smapiMs, smapiParallelism, directoryMs, directoryParallelism }: SmapiTimes) {
  const grants = (guests * smapiMs) / smapiParallelism / 1_000;
  const directory = (guests * directoryMs) / directoryParallelism / 1_000;
  return directory >= grants
    ? {
        seconds: directory,
        of: `DirMaint: ${guests} transactions of ${directoryMs} ms, ${directoryParallelism} at a time`,
      }
    : { seconds: grants, of: `SMAPI: ${guests} grants of ${smapiMs} ms, ${smapiParallelism} at a time` };
}

/** The same by `wirePorts` alone. */
export async function stormOfOurs(
  ports: number,
  options: StormOptions,
  say: (line: string) => void,
): Promise<OurStorm> {
  const { nicsPerGuest } = options;
  const guests = Math.ceil(ports / nicsPerGuest);
  const stack = await startBenchStack(options, guests + 1);
  try {
    const requests = Array.from({ length: ports }, (_, index) => requestOf(portOf(index, nicsPerGuest)));
    // The first workflow of a worker loads its code; a worker runs for months.
    await (await wirePorts(stack, [requestOf(portOf(guests * nicsPerGuest, nicsPerGuest))])).result();
    const before = await callsTo(stack.simulator.url);
    await stack.cpu();
    const { nowMb } = await stack.workerMemory();
    const [started, since] = [performance.now(), new Date()];
    const wiring = await wirePorts(stack, requests);
    const result = await withProgress(
      () => wiring.result(),
      async () => {
        const { total, wired } = await stack.client.withDeadline(Date.now() + PROGRESS_MS, () =>
          wiring.query(wiringProgress),
        );
        say(`${wired} of ${total} ports wired`);
      },
    );
    const ms = performance.now() - started;
    const cpu = await stack.cpu();
    const made = (await callsTo(stack.simulator.url)).slice(before.length);
    const mismatches = await compare(stack.simulator.url, requests, stack.hosts, true);
    if (result.wired !== ports || mismatches.length > 0)
      throw new Error(
        `${ports - result.wired} ports not wired, ${mismatches.length} mismatches: ${mismatches[0] ?? result.ports[0]?.reason ?? ''}`,
      );
    const { peakMb } = await stack.workerMemory();
    return {
      calls: made.length,
      sequentialCalls: sequentialCalls(made),
      seconds: rounded(ms / 1_000),
      temporalShare: rounded(1 - Math.min(1, coveredMs(made) / ms)),
      ...{ cpu, workerMb: { before: nowMb, peak: peakMb } },
      histories: await countEvents(stack.client, HOST, since, wiring.workflowId),
      profile: await stack.endWorker(),
    };
  } finally {
    await stack.stop();
  }
}

/** The result of a wait, with its progress from time to time. */
async function withProgress<Result>(wait: () => Promise<Result>, show: () => Promise<void>): Promise<Result> {
  let shown: Promise<void> | undefined;
  const shows = setInterval(() => {
    // A starved worker may not answer: the wait goes on.
    shown ??= show().then(
      () => {
        shown = undefined;
      },
      () => {
        shown = undefined;
      },
    );
  }, PROGRESS_MS);
  try {
    return await wait();
  } finally {
    clearInterval(shows);
    await shown;
  }
}

async function wirePorts({ client }: BenchStack, requests: readonly GuestPortRequest[]) {
  const [{ host } = { host: HostName.parse(HOST) }] = requests;
  const ports = requests.map(({ host: _host, ...port }) => port);
  const input = { host, ports, live: false, ...DEFAULT_OPTIONS };
  return runOf(client, 'wirePorts', await startOperation(client, { type: 'wirePorts', input }));
}

function requestOf({ portId, userid }: HistoricPort): GuestPortRequest {
  const network = { type: 'vlan', segmentationId: VLAN };
  return GuestPortRequest.parse({ host: HOST, userid, portId, vswitch: 'VSW1', network });
}

function portOf(index: number, nicsPerGuest: number): HistoricPort {
  const port = String(index + 1).padStart(12, '0');
  const guest = String(Math.floor(index / nicsPerGuest) + 1).padStart(4, '0');
  const macId = (index + 1).toString(16).padStart(6, '0').toUpperCase();
  const vdev = (FIRST_VDEV + DEVICES * (index % nicsPerGuest)).toString(16);
  return { portId: `00000000-0000-4000-8000-${port}`, node: `lnx1${guest}`, userid: `LNX1${guest}`, macId, vdev };
}

function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
