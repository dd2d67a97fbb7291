import { runProgram, type Values, wholeNumber } from '../command-line/program.ts';
import { createLogger, installTemporalLogger } from '../runtime/process/logging.ts';
import { SERVER_VARIABLES } from '../temporal-config/dev-server/temporal-binary.ts';
import { type ReconcileRun, reconcileBench } from './reconcile.ts';
import { type SmapiTimes, type StormRun, storm } from './storm.ts';

// A SMAPI call takes milliseconds to tens of milliseconds. SMAPI has ten workers by default, DirMaint is one server.
const TIMES: SmapiTimes = { smapiMs: 20, directoryMs: 20, smapiParallelism: 10, directoryParallelism: 1 };
const OPTIONS = {
  ports: {
    type: 'string',
    value: 'N,…',
    help: 'the numbers of ports; for storm 1,100,1000, for reconcile 1000,5000,10000',
  },
  latency: { type: 'string', default: '500', value: 'MS', help: 'the time of a call to xCAT' },
  'historic-ports': {
    type: 'string',
    default: '20',
    value: 'N',
    help: 'storm: the most ports that the historic calls are measured with',
  },
  json: { type: 'boolean', default: false, help: 'print one JSON object' },
} as const;

async function main(values: Values<typeof OPTIONS>, what: string): Promise<void> {
  const defaults = what === 'storm' ? '1,100,1000' : '1000,5000,10000';
  installTemporalLogger(createLogger('error'));
  const latencyMs = wholeNumber('--latency', values.latency, 0);
  const historicPorts = wholeNumber('--historic-ports', values['historic-ports'], 1);
  const sizes = (values.ports ?? defaults).split(',').map((text) => wholeNumber('--ports', text, 1));
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

runProgram(
  {
    name: 'bench',
    does: "Measures the historic agent's calls beside this project's workflows.",
    argument: {
      name: 'storm|reconcile',
      values: ['storm', 'reconcile'],
      help: 'many ports at once; or a host without drift, with drift, after a re-IPL',
    },
    options: OPTIONS,
    environment: SERVER_VARIABLES,
    example: 'storm --ports 1,100 --latency 500',
  },
  main,
);
