import { GuestPortRequest } from '../client/port-file.ts';
import { runOf, startOperation } from '../client/start-operation.ts';
import { compare } from '../demo/wire.ts';
import { MOST_PORTS as MOST_PORTS_OF_OPERATION } from '../domain/operations/host-operations.ts';
import { DEFAULT_OPTIONS } from '../domain/operations/requests.ts';
import { HostName } from '../domain/text/identifiers.ts';
import { guestName } from '../simulator/zvm/guest-name.ts';
import { wiringProgress } from '../workflows/wire-ports.ts';
import { callsTo, coveredMs, type DirectoryLane, directoryChanges, laneOf, sequentialCalls } from './calls.ts';
import type { Place } from './cpu-profile.ts';
import type { HistoricPort } from './historic-sequence.ts';
import { countGuestEvents, countOperationEvents, type HistoryCounts, summed } from './histories.ts';
import type { BenchOptions } from './options.ts';
import { type BenchStack, type CpuByProcess, startBenchStack } from './stack.ts';

export const VLAN = 1001;
const FIRST_ZHCP = 'zhcp1';
const PROGRESS_MS = 5_000;
const FIRST_VDEV = 0x1000;
const DEVICES = 3;
/** A VSWITCH of the simulator has as many ports: the bench does not measure its limit. */
export const MOST_PORTS = 10_000;

export type OurStorm = {
  calls: number;
  sequentialCalls: number;
  seconds: number;
  /** The share of the time without a call to the management node. */
  temporalShare: number;
  /** The directory of the first host. */
  directory: DirectoryLane;
  cpu: CpuByProcess;
  /** The worker's memory before the storm, and the most that it has had. */
  workerMb: { before: number; peak: number };
  histories: { guests: HistoryCounts; operation: HistoryCounts };
  /** The worker's own time by place, when it is profiled. */
  profile: Place[];
};

export type StormOptions = Omit<BenchOptions, 'what' | 'sizes' | 'json' | 'hosts' | 'portsOfHost'>;

/** Wire so many ports on each host by one `wirePorts` for it, all hosts at once. Throws an Error when a port is wrong. */
export async function wireStorm(
  ports: number,
  options: StormOptions,
  say: (line: string) => void,
  hosts = 1,
): Promise<OurStorm> {
  const guests = Math.ceil(ports / options.nicsPerGuest);
  const stack = await startBenchStack(options, guests + 1, { maxPorts: MOST_PORTS }, hosts);
  try {
    return await stormOn(stack, ports, options, say);
  } finally {
    await stack.stop();
  }
}

async function stormOn(
  stack: BenchStack,
  ports: number,
  { nicsPerGuest, times }: StormOptions,
  say: (line: string) => void,
): Promise<OurStorm> {
  const requests = stack.hosts.map((_, host) => requestsOf(host + 1, ports, nicsPerGuest));
  // The first workflow of a worker loads its code; a worker runs for months.
  await Promise.all(stack.hosts.map((_, host) => warmUp(stack, host + 1, ports, nicsPerGuest)));
  const { url } = stack.simulator;
  const [before, changedBefore] = [await callsTo(url), await directoryChanges(url, FIRST_ZHCP)];
  await stack.cpu();
  const { nowMb } = await stack.workerMemory();
  const [started, since] = [performance.now(), new Date()];
  const wirings = await Promise.all(requests.flatMap(inOperations).map((each) => wirePorts(stack, each)));
  const results = await Promise.all(
    wirings.map((wiring) =>
      withProgress(
        () => wiring.result(),
        async () => {
          const { total, wired } = await stack.client.withDeadline(Date.now() + PROGRESS_MS, () =>
            wiring.query(wiringProgress),
          );
          say(`${wired} of ${total} ports wired`);
        },
      ),
    ),
  );
  const ms = performance.now() - started;
  const cpu = await stack.cpu();
  const made = (await callsTo(url)).slice(before.length);
  const changes = (await directoryChanges(url, FIRST_ZHCP)).slice(changedBefore.length);
  const left = results.reduce((sum, { wired }) => sum - wired, ports * requests.length);
  const mismatches = await compare(url, requests.flat(), stack.hosts, true);
  if (left > 0 || mismatches.length > 0)
    throw new Error(
      `${left} ports not wired, ${mismatches.length} mismatches: ${mismatches[0] ?? results[0]?.ports[0]?.reason ?? ''}`,
    );
  const { peakMb } = await stack.workerMemory();
  // A host has its guests once, however many operations were on them.
  const [guests, operations] = await Promise.all([
    Promise.all(stack.hosts.map((_, host) => countGuestEvents(stack.client, hostName(host + 1), since))),
    Promise.all(wirings.map(({ workflowId }) => countOperationEvents(stack.client, workflowId))),
  ]);
  return {
    calls: made.length,
    sequentialCalls: sequentialCalls(made),
    seconds: rounded(ms / 1_000),
    temporalShare: rounded(1 - Math.min(1, coveredMs(made) / ms)),
    directory: laneOf(changes, times.directoryMs, { from: since.getTime(), to: since.getTime() + ms }),
    ...{ cpu, workerMb: { before: nowMb, peak: peakMb } },
    histories: { guests: summed(guests), operation: summed(operations) },
    profile: await stack.endWorker(),
  };
}

/** The requests of a storm on a host, the first host being 1. */
export function requestsOf(host: number, ports: number, nicsPerGuest: number): GuestPortRequest[] {
  return Array.from({ length: ports }, (_, index) => requestOf(host, portOf(index, nicsPerGuest, host)));
}

async function warmUp(stack: BenchStack, host: number, ports: number, nicsPerGuest: number): Promise<void> {
  const afterAll = Math.ceil(ports / nicsPerGuest) * nicsPerGuest;
  await (await wirePorts(stack, [requestOf(host, portOf(afterAll, nicsPerGuest, host))])).result();
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

/** The requests of a host in as many operations as these need. */
function inOperations(requests: readonly GuestPortRequest[]): GuestPortRequest[][] {
  const operations: GuestPortRequest[][] = [];
  for (let at = 0; at < requests.length; at += MOST_PORTS_OF_OPERATION)
    operations.push(requests.slice(at, at + MOST_PORTS_OF_OPERATION));
  return operations;
}

/** Start one `wirePorts` with the requests, which are of one host. */
export async function wirePorts({ client }: Pick<BenchStack, 'client'>, requests: readonly GuestPortRequest[]) {
  const [{ host } = { host: hostName(1) }] = requests;
  const ports = requests.map(({ host: _host, ...port }) => port);
  const input = { host, ports, live: false, ...DEFAULT_OPTIONS };
  return runOf(client, 'wirePorts', await startOperation(client, { type: 'wirePorts', input }));
}

function hostName(host: number): HostName {
  return HostName.parse(`zvm${host}`);
}

function requestOf(host: number, { portId, userid }: HistoricPort): GuestPortRequest {
  const network = { type: 'vlan', segmentationId: VLAN };
  return GuestPortRequest.parse({ host: hostName(host), userid, portId, vswitch: 'VSW1', network });
}

/** A port of a guest that the simulator has. */
export function portOf(index: number, nicsPerGuest: number, host = 1): HistoricPort {
  const port = String(host * 1_000_000 + index + 1).padStart(12, '0');
  const macId = (index + 1).toString(16).padStart(6, '0').toUpperCase();
  const vdev = (FIRST_VDEV + DEVICES * (index % nicsPerGuest)).toString(16);
  const userid = guestName(host, Math.floor(index / nicsPerGuest) + 1);
  return { portId: `00000000-0000-4000-8000-${port}`, node: userid.toLowerCase(), userid, macId, vdev };
}

/** A figure to print, to a thousandth. */
export function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
