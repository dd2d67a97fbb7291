import { startSimulator } from '../simulator/simulator.ts';
import { wireHistorically } from './historic-sequence.ts';
import type { SmapiTimes } from './options.ts';
import { machineLoad } from './processes.ts';
import { type OurStorm, portOf, rounded, type StormOptions, VLAN, wireStorm } from './wiring.ts';

const CALLS_OF_HISTORIC_PORT = 9;

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
  const ours = await wireStorm(ports, options, say);
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
export function boundOf(guests: number, { smapiMs, smapiParallelism, directoryMs, directoryParallelism }: SmapiTimes) {
  const grants = (guests * smapiMs) / smapiParallelism / 1_000;
  const directory = (guests * directoryMs) / directoryParallelism / 1_000;
  return directory >= grants
    ? {
        seconds: directory,
        of: `DirMaint: ${guests} transactions of ${directoryMs} ms, ${directoryParallelism} at a time`,
      }
    : { seconds: grants, of: `SMAPI: ${guests} grants of ${smapiMs} ms, ${smapiParallelism} at a time` };
}
