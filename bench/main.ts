import { runProgram, type Values } from '../command-line/program.ts';
import { costCurve, curveTable } from './curve.ts';
import { keptHistory } from './kept-history.ts';
import { latencyLines, singlePorts } from './latency.ts';
import { type BenchOptions, benchOptions, USAGE } from './options.ts';
import { cpuLines, profileLines } from './process-text.ts';
import { machineLoad } from './processes.ts';
import { reconcileBench } from './reconcile.ts';
import { keptHistoryLines, reconcileLines, reconcileTable } from './reconcile-text.ts';
import { type StormRun, storm } from './storm.ts';
import type { OurStorm } from './wiring.ts';

type Say = (line: string) => void;
/** The results as data and as lines to read. */
type Measured<Run extends object = object> = { runs: readonly Run[]; lines: string[] };

const MEASURES: Record<BenchOptions['what'], (options: BenchOptions, say: Say) => Promise<Measured>> = {
  storm: (options, say) => inTurn(options, (ports) => storm(ports, options, say), stormLines),
  reconcile: async (options, say) => {
    const { runs, lines } = await inTurn(options, (ports) => reconcileBench(ports, options, say), reconcileLines);
    return { runs, lines: [...lines, ...reconcileTable(runs)] };
  },
  history: (options, say) => inTurn(options, (ports) => keptHistory(ports, options, say), keptHistoryLines),
  latency: (options, say) => inTurn(options, (ports) => singlePorts(ports, options, say), latencyLines),
  curve: async (options, say) => {
    const runs = await costCurve(options, say);
    return { runs, lines: curveTable(runs) };
  },
};

/** `npm run bench`: what this project's workflows cost, beside the historic agent's calls. */
async function main(values: Values<typeof USAGE.options>, what: string): Promise<void> {
  const options = benchOptions(values, what);
  const say = (line: string) => process.stderr.write(`${line}\n`);
  const { latencyMs, times, nicsPerGuest, busy, json } = options;
  const told = { latencyMs, ...times, nicsPerGuest, busy, machine: machineLoad() };
  say(`${sentenceOf(told.machine)}; ${latencyMs} ms a call, SMAPI ${JSON.stringify(times)}, ${busy} busy processes`);
  const { runs, lines } = await MEASURES[options.what](options, say);
  process.stdout.write(`${json ? JSON.stringify({ ...told, runs }) : lines.join('\n')}\n`);
}

async function inTurn<Run extends object>(
  { sizes }: BenchOptions,
  measure: (ports: number) => Promise<Run>,
  linesOf: (run: Run) => string[],
): Promise<Measured<Run>> {
  const runs: Run[] = [];
  for (const ports of sizes) runs.push(await measure(ports));
  return { runs, lines: runs.flatMap(linesOf) };
}

function sentenceOf({ cores, load }: ReturnType<typeof machineLoad>): string {
  return `${cores} cores, load ${load}`;
}

function stormLines(run: StormRun): string[] {
  const { ports, guests, historic, ours, machine } = run;
  const { directory } = ours;
  const share = Math.round(ours.temporalShare * 100);
  return [
    `${ports} ports of ${guests} guests (load ${machine.before.load} before, ${machine.after.load} after)`,
    `  historic: ${historic.seconds} s with ${historic.calls} calls (scaled from ${historic.measuredPorts} ports)`,
    `  ours: ${ours.seconds} s with ${ours.calls} calls, ${ours.sequentialCalls} of them in sequence; no call in ${share} % of the time; ${run.ratio} times as fast`,
    `  bound: ${run.boundSeconds} s (${run.bound}); ours takes ${run.timesTheBound} times as long`,
    `  DirMaint: ${directory.changes} changes, the first after ${directory.beforeMs} ms, ${directory.idleMs} ms idle between them, ${directory.afterMs} ms after the last`,
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
