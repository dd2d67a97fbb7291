import { runProgram, type Values } from '../command-line/program.ts';
import type { Place } from './cpu-profile.ts';
import { type BenchOptions, benchOptions, USAGE } from './options.ts';
import { machineLoad } from './processes.ts';
import { type ReconcileRun, reconcileBench } from './reconcile.ts';
import type { CpuByProcess } from './stack.ts';
import { type OurStorm, type StormRun, storm } from './storm.ts';

/** `npm run bench -- storm` and `reconcile`: the historic agent's calls beside this project's workflows. */
async function main(values: Values<typeof USAGE.options>, what: string): Promise<void> {
  const options = benchOptions(values, what);
  const say = (line: string) => process.stderr.write(`${line}\n`);
  const { latencyMs, times, nicsPerGuest, busy, json, sizes } = options;
  const told = { latencyMs, ...times, nicsPerGuest, busy, machine: machineLoad() };
  say(`${sentenceOf(told.machine)}; ${latencyMs} ms a call, SMAPI ${JSON.stringify(times)}, ${busy} busy processes`);
  const runs = options.what === 'storm' ? await storms(options, say) : await reconciliations(sizes, options, say);
  process.stdout.write(json ? `${JSON.stringify({ ...told, runs: runs.map(({ run }) => run) })}\n` : linesOf(runs));
}

async function storms(options: BenchOptions, say: (line: string) => void) {
  const runs: { run: StormRun; lines: string[] }[] = [];
  for (const ports of options.sizes) {
    const run = await storm(ports, options, say);
    runs.push({ run, lines: stormLines(run) });
  }
  return runs;
}

async function reconciliations(sizes: readonly number[], options: BenchOptions, say: (line: string) => void) {
  const runs: { run: ReconcileRun; lines: string[] }[] = [];
  for (const ports of sizes) {
    const run = await reconcileBench(ports, options, say);
    runs.push({ run, lines: reconcileLines(run) });
  }
  return runs;
}

function linesOf(runs: readonly { lines: string[] }[]): string {
  return `${runs.flatMap(({ lines }) => lines).join('\n')}\n`;
}

function sentenceOf({ cores, load }: ReturnType<typeof machineLoad>): string {
  return `${cores} cores, load ${load}`;
}

function reconcileLines({ ports, guests, machine, historic, profile, ...runs }: ReconcileRun): string[] {
  const told = Object.entries(runs).flatMap(([name, run]) => [
    `  ${name}: ${run.calls} calls, ${run.sequentialCalls} of them in sequence, ${run.seconds} s; ${run.repaired} guests repaired; ${run.events} history events of ${run.historyBytes} bytes; worker ${run.workerPeakMb} MB at most`,
    ...cpuLines(run).map((line) => `  ${line}`),
  ]);
  return [
    `${ports} ports of ${guests} guests (load ${machine.before.load} before, ${machine.after.load} after); historic re-IPL ${historic.reipl.calls} calls, ${historic.reipl.seconds} s`,
    ...told,
    ...profileLines(profile),
  ];
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

function profileLines(profile: readonly Place[]): string[] {
  return profile.map(({ place, seconds }) => `  worker's JavaScript: ${seconds} s in ${place}`);
}

function cpuLines({ cpu }: { cpu: CpuByProcess }): string[] {
  return Object.entries(cpu).map(([name, { seconds, threads }]) => {
    const dearest = Object.entries(threads)
      .sort(([, one], [, other]) => other - one)
      .slice(0, 4);
    return `  CPU of ${name}: ${seconds} s (${dearest.map(([thread, of]) => `${thread} ${of} s`).join(', ')})`;
  });
}

function historyLines({ histories }: OurStorm, ports: number): string[] {
  return Object.entries(histories).map(([name, { timedOutTasks, ...counts }]) => {
    const each = Object.entries(counts).map(([kind, count]) => `${(count / ports).toFixed(2)} ${kind}`);
    return `  ${name}, per port: ${each.join(', ')}; ${timedOutTasks} workflow tasks timed out`;
  });
}

runProgram(USAGE, main);
