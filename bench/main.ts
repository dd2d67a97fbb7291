import { runProgram, type Values } from '../command-line/program.ts';
import { keptHistory } from './kept-history.ts';
import { type BenchOptions, benchOptions, USAGE } from './options.ts';
import { cpuLines, profileLines } from './process-text.ts';
import { machineLoad } from './processes.ts';
import { reconcileBench } from './reconcile.ts';
import { curveTable, keptHistoryLines, reconcileLines } from './reconcile-text.ts';
import { type OurStorm, type StormRun, storm } from './storm.ts';

type Say = (line: string) => void;
type Runs = { runs: unknown[]; lines: string[] };

/** `npm run bench`: the historic agent's calls beside this project's workflows. */
async function main(values: Values<typeof USAGE.options>, argument: string): Promise<void> {
  const options = benchOptions(values, argument);
  const say = (line: string) => process.stderr.write(`${line}\n`);
  const { what, latencyMs, times, nicsPerGuest, busy, json } = options;
  const told = { latencyMs, ...times, nicsPerGuest, busy, machine: machineLoad() };
  say(`${sentenceOf(told.machine)}; ${latencyMs} ms a call, SMAPI ${JSON.stringify(times)}, ${busy} busy processes`);
  const { runs, lines } = await BENCHMARKS[what](options, say);
  process.stdout.write(json ? `${JSON.stringify({ ...told, runs })}\n` : `${lines.join('\n')}\n`);
}

const BENCHMARKS: Record<BenchOptions['what'], (options: BenchOptions, say: Say) => Promise<Runs>> = {
  storm: (options, say) => eachSize(options, say, storm, (runs) => runs.flatMap(stormLines)),
  reconcile: (options, say) => eachSize(options, say, reconcileBench, (runs) => runs.flatMap(reconcileLines)),
  curve: (options, say) => eachSize(options, say, reconcileBench, curveTable),
  history: (options, say) => eachSize(options, say, keptHistory, (runs) => runs.flatMap(keptHistoryLines)),
};

async function eachSize<Run>(
  options: BenchOptions,
  say: Say,
  measure: (ports: number, options: BenchOptions, say: Say) => Promise<Run>,
  linesOf: (runs: Run[]) => string[],
): Promise<Runs> {
  const runs: Run[] = [];
  for (const ports of options.sizes) runs.push(await measure(ports, options, say));
  return { runs, lines: linesOf(runs) };
}

function sentenceOf({ cores, load }: ReturnType<typeof machineLoad>): string {
  return `${cores} cores, load ${load}`;
}

function stormLines(run: StormRun): string[] {
  const { ports, guests, historic, ours, machine } = run;
  const share = Math.round(ours.temporalShare * 100);
  return [
    `${ports} ports of ${guests} guests (load ${machine.before.load} before, ${machine.after.load} after)`,
    `  historic: ${historic.seconds} s with ${historic.calls} calls (scaled from ${historic.measuredPorts} ports)`,
    `  ours: ${ours.seconds} s with ${ours.calls} calls, ${ours.sequentialCalls} of them in sequence; no call in ${share} % of the time; ${run.ratio} times as fast`,
    `  bound: ${run.boundSeconds} s (${run.bound}); ours takes ${run.timesTheBound} times as long`,
    `  worker: ${ours.workerMb.before} MB before, ${ours.workerMb.peak} MB at most`,
    ...cpuLines(ours),
    ...historyLines(ours, ports),
    ...profileLines(ours.profile),
  ];
}

function historyLines({ histories }: OurStorm, ports: number): string[] {
  return Object.entries(histories).map(([name, { timedOutTasks, ...counts }]) => {
    const each = Object.entries(counts).map(([kind, count]) => `${(count / ports).toFixed(2)} ${kind}`);
    return `  ${name}, per port: ${each.join(', ')}; ${timedOutTasks} workflow tasks timed out`;
  });
}

runProgram(USAGE, main);
