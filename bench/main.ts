import { parseArgs } from 'node:util';
import { createLogger, installTemporalLogger } from '../runtime/process/logging.ts';
import { type ReconcileRun, reconcileBench } from './reconcile.ts';
import { type SmapiTimes, type StormRun, storm } from './storm.ts';

// A SMAPI call takes milliseconds to tens of milliseconds. SMAPI has ten workers by default, DirMaint is one server.
const TIMES: SmapiTimes = { smapiMs: 20, directoryMs: 20, smapiParallelism: 10, directoryParallelism: 1 };
const USAGE =
  'npm run bench -- storm [--ports 1,100,1000] [--latency MS] [--historic-ports N] [--json], or reconcile [--ports 1000,5000,10000] [--latency MS] [--json]';

/** `npm run bench -- storm` and `reconcile`: the historic agent's calls beside this project's workflows. */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      ports: { type: 'string' },
      latency: { type: 'string', default: '500' },
      'historic-ports': { type: 'string', default: '20' },
      json: { type: 'boolean', default: false },
    },
  });
  const [what] = positionals;
  if (positionals.length !== 1 || (what !== 'storm' && what !== 'reconcile')) throw new Error(`usage: ${USAGE}`);
  const defaults = what === 'storm' ? '1,100,1000' : '1000,5000,10000';
  installTemporalLogger(createLogger('error'));
  const latencyMs = whole('--latency', values.latency, 0);
  const historicPorts = whole('--historic-ports', values['historic-ports'], 1);
  const sizes = (values.ports ?? defaults).split(',').map((text) => whole('--ports', text, 1));
  if (what === 'reconcile') return reconcile(sizes, latencyMs, values.json);
  const runs: StormRun[] = [];
  for (const ports of sizes) runs.push(await storm(ports, latencyMs, historicPorts, TIMES));
  const text = values.json
    ? JSON.stringify({ latencyMs, ...TIMES, historicPorts, historicScaled: true, runs })
    : [`latency ${latencyMs} ms a call, SMAPI ${JSON.stringify(TIMES)}`, ...runs.map(lineOf)].join('\n');
  process.stdout.write(`${text}\n`);
}

async function reconcile(sizes: readonly number[], latencyMs: number, json: boolean): Promise<void> {
  const runs: ReconcileRun[] = [];
  for (const ports of sizes) runs.push(await reconcileBench(ports, latencyMs, TIMES));
  const text = json ? JSON.stringify({ latencyMs, ...TIMES, runs }) : runs.map(reconcileLine).join('\n');
  process.stdout.write(`${text}\n`);
}

function reconcileLine({ ports, historic, ...runs }: ReconcileRun): string {
  const told = Object.entries(runs).map(
    ([name, { calls, seconds, events }]) => `${name} ${calls} calls, ${seconds} s, ${events} history events`,
  );
  return `${ports} ports: ${told.join('; ')}; historic re-IPL ${historic.reipl.calls} calls, ${historic.reipl.seconds} s`;
}

function lineOf({ ports, historic, ours, smapiBoundSeconds, ratio }: StormRun): string {
  const share = Math.round(ours.temporalShare * 100);
  return (
    `${ports} ports: historic ${historic.seconds} s with ${historic.calls} calls (scaled from ${historic.measuredPorts} ports); ` +
    `ours ${ours.seconds} s with ${ours.calls} calls, ${ours.sequentialCalls} of them in sequence, ${share} % of the time in Temporal; ` +
    `SMAPI's bound ${smapiBoundSeconds} s; ${ratio} times as fast`
  );
}

function whole(option: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least)
    throw new Error(`${option} ${text}: must be a whole number from ${least}`);
  return value;
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
