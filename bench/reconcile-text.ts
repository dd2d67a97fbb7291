import type { KeptHistory } from './kept-history.ts';
import { cpuLines, profileLines } from './process-text.ts';
import type { ReconcileRun } from './reconcile.ts';

/** The figures of a reconciled host, line by line. */
export function reconcileLines({
  ports,
  guests,
  machine,
  historic,
  firstWork,
  profile,
  ...runs
}: ReconcileRun): string[] {
  const told = Object.entries(runs).flatMap(([name, run]) => [
    `  ${name}: ${run.calls} calls, ${run.sequentialCalls} of them in sequence, ${run.seconds} s; ${run.repaired} guests repaired; ${run.events} history events of ${run.historyBytes} bytes; worker ${run.workerPeakMb} MB at most`,
    ...cpuLines(run).map((line) => `  ${line}`),
  ]);
  const { reipl } = historic;
  return [
    `${ports} ports of ${guests} guests (load ${machine.before.load} before, ${machine.after.load} after)`,
    ...(reipl === undefined ? [] : [`  historic re-IPL: ${reipl.calls} calls, ${reipl.seconds} s`]),
    ...told,
    `  a worker's start: first call after ${firstWork.toFirstCall} s, first grant after ${firstWork.toFirstGrant} s; ${firstWork.workerCpuSeconds} s of CPU until all is repaired`,
    ...profileLines(profile),
  ];
}

/** The figures of hosts of several sizes side by side, as a table in Markdown. */
export function reconcileTable(runs: readonly ReconcileRun[]): string[] {
  const rows = runs.map(({ ports, guests, idle, drift1pct, reipl, firstWork, machine }) => [
    `${ports} / ${guests}`,
    `${idle.calls} / ${idle.sequentialCalls}`,
    `${idle.events} / ${kilobytes(idle.historyBytes)}`,
    `${idle.seconds} s`,
    `${idle.cpu.worker.seconds} s`,
    `${drift1pct.calls} / ${drift1pct.seconds} s`,
    ...(reipl === undefined
      ? ['–', '–', '–']
      : [
          `${reipl.calls} / ${reipl.sequentialCalls}`,
          `${reipl.seconds} s`,
          `${reipl.cpu.worker.seconds} / ${reipl.cpu.temporal?.seconds ?? '–'} s`,
        ]),
    `${firstWork.toFirstCall} / ${firstWork.toFirstGrant} s`,
    `${(reipl ?? drift1pct).workerPeakMb} MB`,
    `${machine.before.load} / ${machine.after.load}`,
  ]);
  return [HEAD, HEAD.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
}

const HEAD = [
  ...['ports / guests', 'idle: calls / in sequence', 'events / KB', 'time', "worker's CPU", '1 % drift: calls / time'],
  ...['re-IPL: calls / in sequence', 'time', 'CPU of worker / server', "worker's start: first call / grant"],
  ...['worker at most', 'load before / after'],
];

function kilobytes(bytes: number): number {
  return Math.round(bytes / 100) / 10;
}

/** The bytes that the reconciliation of a host leaves, line by line. */
export function keptHistoryLines(kept: KeptHistory): string[] {
  const { ports, megabytes, ofSchedule, withoutDeletion, ...sizes } = kept;
  return [
    `${ports} ports, a run each half minute, 1 % drift a day: ${megabytes} MB in 90 days; ${withoutDeletion} MB if nothing were deleted, ${ofSchedule} MB of them the Schedule's own`,
    ...Object.entries(sizes).map(([name, bytes]) => `  ${name}: ${bytes} bytes`),
  ];
}
