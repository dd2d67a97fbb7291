import { z } from 'zod';
import { GuestPortRequest } from '../client/port-file.ts';
import { startWirePorts } from '../client/start-operation.ts';
import { type Stack, startStack } from '../demo/stack.ts';
import { compare } from '../demo/wire.ts';
import { startSimulator } from '../simulator/simulator.ts';
import { type HistoricPort, wireHistorically } from './historic-sequence.ts';

const HOST = 'zvm1';
const VLAN = 1001;
const CALLS_OF_HISTORIC_PORT = 9;

/** The times and the parallelism of the simulated z/VM's functions, the same for both sides. */
export type SmapiTimes = {
  smapiMs: number;
  directoryMs: number;
  smapiParallelism: number;
  directoryParallelism: number;
};

export type StormRun = {
  ports: number;
  historic: { measuredPorts: number; calls: number; seconds: number };
  ours: { calls: number; sequentialCalls: number; seconds: number; temporalShare: number };
  smapiBoundSeconds: number;
  ratio: number;
};

/**
 * Wire VLAN ports at rest, one for each guest, on one host: by the historic agent's calls and by `wirePorts`, on simulators with the same latency and
 * the same SMAPI. The historic sequence is linear, so it runs on `historicPorts` and is scaled. Throws an Error when a port is wrong.
 */
export async function storm(
  ports: number,
  latencyMs: number,
  historicPorts: number,
  times: SmapiTimes,
): Promise<StormRun> {
  const measuredPorts = Math.min(ports, historicPorts);
  const simulator = await startSimulator({ hosts: 1, guests: measuredPorts, latencyMs, ...times });
  const rows = Array.from({ length: measuredPorts }, (_, index) => portOf(index));
  const measured = await wireHistorically(simulator.url, rows, VLAN).finally(() => simulator.close());
  const historicSeconds = (measured / measuredPorts) * ports;
  const ours = await stormOfOurs(ports, latencyMs, times);
  return {
    ports,
    historic: { measuredPorts, calls: CALLS_OF_HISTORIC_PORT * ports, seconds: rounded(historicSeconds) },
    ours,
    smapiBoundSeconds: rounded(boundSeconds(ports, times)),
    ratio: rounded(historicSeconds / ours.seconds),
  };
}

/** The lower bound of any client, in seconds: a grant and a NICDEF for each port, as many at once as SMAPI and DirMaint take. */
function boundSeconds(ports: number, times: SmapiTimes): number {
  const grants = (ports * times.smapiMs) / times.smapiParallelism;
  const nicdefs = (ports * times.directoryMs) / times.directoryParallelism;
  return Math.max(grants, nicdefs) / 1_000;
}

async function stormOfOurs(ports: number, latencyMs: number, times: SmapiTimes): Promise<StormRun['ours']> {
  const stack = await startStack({ hosts: 1, guestsPerHost: ports + 1, latencyMs, smapi: times, say: () => undefined });
  try {
    const network = { type: 'vlan', segmentationId: VLAN };
    const { host: _host, ...warmUp } = requestOf(ports, network);
    const requests = Array.from({ length: ports }, (_, index) => requestOf(index, network));
    // The first workflow of a worker loads the code and is not measured, since a worker runs for months.
    await (await startWirePorts(stack.client, { host: HOST, ports: [warmUp] })).result();
    const before = await calls(stack);
    const started = performance.now();
    const wiring = await startWirePorts(stack.client, {
      host: HOST,
      ports: requests.map(({ host: _host, ...port }) => port),
    });
    const result = await wiring.result();
    const ms = performance.now() - started;
    const made = (await calls(stack)).slice(before.length);
    const mismatches = await compare(stack.simulator.url, requests, stack.hosts, true);
    if (result.wired !== ports || mismatches.length > 0)
      throw new Error(
        `${ports - result.wired} ports not wired, ${mismatches.length} mismatches: ${mismatches[0] ?? ''}`,
      );
    return {
      calls: made.length,
      sequentialCalls: sequentialCalls(made),
      seconds: rounded(ms / 1_000),
      temporalShare: rounded(1 - Math.min(1, coveredMs(made) / ms)),
    };
  } finally {
    await stack.stop();
  }
}

function requestOf(index: number, network: object): GuestPortRequest {
  const { portId, userid } = portOf(index);
  return GuestPortRequest.parse({ host: HOST, userid, portId, vswitch: 'VSW1', network });
}

const HttpEvent = z.object({ type: z.literal('http'), time: z.string(), ms: z.number() });

async function calls({ simulator }: Stack): Promise<Interval[]> {
  const answer = await fetch(new URL('/simulator/events?since=0', simulator.url));
  return z
    .array(z.unknown())
    .parse(await answer.json())
    .flatMap((event) => HttpEvent.safeParse(event).data ?? [])
    .map(({ time, ms }) => ({ from: Date.parse(time) - ms, to: Date.parse(time) }));
}

function portOf(index: number): HistoricPort {
  const number = String(index + 1).padStart(4, '0');
  const macId = (index + 1).toString(16).padStart(6, '0').toUpperCase();
  return { portId: `00000000-0000-4000-8000-00000000${number}`, node: `lnx1${number}`, userid: `LNX1${number}`, macId };
}

function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}

/** The time of a call, in milliseconds of one clock. */
export type Interval = { from: number; to: number };

/** The number of calls in sequence: the largest set of calls without overlap. */
export function sequentialCalls(intervals: readonly Interval[]): number {
  let count = 0;
  let end = Number.NEGATIVE_INFINITY;
  for (const { from, to } of [...intervals].sort((one, other) => one.to - other.to)) {
    if (from < end) continue;
    count += 1;
    end = to;
  }
  return count;
}

/** The time in milliseconds with at least one call in progress. */
export function coveredMs(intervals: readonly Interval[]): number {
  let covered = 0;
  let end = Number.NEGATIVE_INFINITY;
  for (const { from, to } of [...intervals].sort((one, other) => one.from - other.from)) {
    covered += Math.max(0, to - Math.max(from, end));
    end = Math.max(end, to);
  }
  return covered;
}
