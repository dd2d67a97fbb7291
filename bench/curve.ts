import type { BenchOptions } from './options.ts';
import { machineLoad } from './processes.ts';
import { boundOf } from './storm.ts';
import { rounded, type StormOptions, wireStorm } from './wiring.ts';

/** One storm of a cost curve: what depends on the machine's load stands beside it. */
export type CurvePoint = {
  hosts: number;
  /** Of all hosts. */
  ports: number;
  calls: number;
  sequentialCalls: number;
  eventsOfPort: number;
  timedOutTasks: number;
  workerPeakMb: number;
  workerCpuMsOfPort: number;
  temporalCpuMsOfPort: number | undefined;
  seconds: number;
  timesTheBound: number;
  load: { before: number; after: number };
};

/** The cost of storms of each size on one host, and of as many ports on each of several hosts, one storm after another. */
export async function costCurve(
  { sizes, hosts, portsOfHost, ...options }: StormOptions & Pick<BenchOptions, 'sizes' | 'hosts' | 'portsOfHost'>,
  say: (line: string) => void,
): Promise<CurvePoint[]> {
  const storms = [
    ...sizes.map((ports) => ({ ports, hosts: 1 })),
    ...hosts.map((count) => ({ ports: portsOfHost, hosts: count })),
  ];
  const points: CurvePoint[] = [];
  for (const { ports, hosts: count } of storms) {
    say(`${ports} ports on each of ${count} hosts`);
    const point = await pointOf(ports, count, options, say);
    // A later storm may fail.
    say(rowOf(point));
    points.push(point);
  }
  return points;
}

async function pointOf(
  ports: number,
  hosts: number,
  options: StormOptions,
  say: (line: string) => void,
): Promise<CurvePoint> {
  const before = machineLoad().load;
  const { calls, sequentialCalls, seconds, cpu, workerMb, histories } = await wireStorm(ports, options, say, hosts);
  const { guests, operation } = histories;
  const all = ports * hosts;
  const ofPort = (cpuSeconds: number) => rounded((cpuSeconds * 1_000) / all);
  return {
    ...{ hosts, ports: all, calls, sequentialCalls, seconds },
    eventsOfPort: rounded((guests.events + operation.events) / all),
    timedOutTasks: guests.timedOutTasks + operation.timedOutTasks,
    workerPeakMb: workerMb.peak,
    workerCpuMsOfPort: ofPort(cpu.worker.seconds),
    temporalCpuMsOfPort: cpu.temporal && ofPort(cpu.temporal.seconds),
    // Each host has a DirMaint of its own.
    timesTheBound: rounded(seconds / boundOf(Math.ceil(ports / options.nicsPerGuest), options.times).seconds),
    load: { before, after: machineLoad().load },
  };
}

/** The points as a table in Markdown. */
export function curveTable(points: readonly CurvePoint[]): string[] {
  return [
    '| hosts | ports | calls | in sequence | events a port | tasks timed out | worker MB | worker ms a port | Temporal ms a port | s | × bound | load |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...points.map(rowOf),
  ];
}

function rowOf(point: CurvePoint): string {
  const { hosts, ports, calls, sequentialCalls, eventsOfPort, timedOutTasks, workerPeakMb, load } = point;
  const { workerCpuMsOfPort, temporalCpuMsOfPort, seconds, timesTheBound } = point;
  const cells = [
    ...[hosts, ports, calls, sequentialCalls, eventsOfPort, timedOutTasks, workerPeakMb],
    ...[workerCpuMsOfPort, temporalCpuMsOfPort ?? '–', seconds, timesTheBound, `${load.before} to ${load.after}`],
  ];
  return `| ${cells.join(' | ')} |`;
}
