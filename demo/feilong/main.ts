import { once } from 'node:events';
import { runProgram, type Values, wholeNumber } from '../../command-line/program.ts';
import { createLogger, installTemporalRuntime } from '../../runtime/process/logging.ts';
import { SERVER_VARIABLES } from '../../temporal-config/dev-server/temporal-binary.ts';
import { examplePortRequests } from '../example-ports.ts';
import { wire } from '../wire.ts';
import { canRunFeilong } from './environment.ts';
import { differences, startFeilongStack } from './stack.ts';

const OPTIONS = {
  ports: { type: 'string', default: '20', value: 'N', help: 'the number of ports, at most 1000' },
  json: { type: 'boolean', default: false, help: 'print the result as one JSON object' },
  stay: { type: 'boolean', default: false, help: 'run until Ctrl-C' },
} as const;

/** The output of `--json`; `calls` are HTTP calls to Feilong. */
type Report = { ports: number; wired: number; failed: number; seconds: number; mismatches: string[]; calls: number };

async function main(values: Values<typeof OPTIONS>): Promise<void> {
  const count = wholeNumber('--ports', values.ports, 1, 1_000);
  const out = values.json ? process.stderr : process.stdout;
  const say = (line: string) => out.write(`${line}\n`);
  if (!canRunFeilong()) {
    process.stderr.write('SKIPPED: no Feilong server here, and no Python 3 with venv to install it\n');
    process.stdout.write(values.json ? `${JSON.stringify({ skipped: true })}\n` : '');
    return;
  }
  installTemporalRuntime(createLogger('warn'));
  const guests = Math.max(10, Math.ceil(count / 2));
  const stack = await startFeilongStack({ guests, say });
  const ended = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  try {
    const requests = examplePortRequests(count, [stack.host], guests);
    const before = await stack.feilong.calls();
    const started = performance.now();
    const wired = await wire(stack.client, requests, ({ userid, ports, failure }) =>
      say(failure === undefined ? `${userid}: ${ports} port(s) wired` : `${userid}: ${failure}`),
    );
    const seconds = Math.round(performance.now() - started) / 1_000;
    const calls = (await stack.feilong.calls()) - before;
    const mismatches = await differences(stack, requests);
    const failed = wired.flatMap(({ failure, ports }) => (failure === undefined ? [] : ports)).reduce(sum, 0);
    const report: Report = { ports: count, wired: count - failed, failed, seconds, mismatches, calls };
    if (values.json) process.stdout.write(`${JSON.stringify(report)}\n`);
    else say(`${report.wired} of ${count} ports wired in ${seconds} s with ${calls} calls of Feilong`);
    say(mismatches.length === 0 ? 'z/VM has all ports as they were asked for.' : mismatches.join('\n'));
    if (failed > 0 || mismatches.length > 0) process.exitCode = 1;
    if (!values.stay) return;
    const { feilong, uiUrl } = stack;
    say(`Feilong       ${feilong.url}, the administrator's token in ${feilong.tokenFile}`);
    say(`Temporal UI   ${uiUrl ?? 'that of your own Temporal server'}\nCtrl-C ends all processes.`);
    await ended;
  } finally {
    await stack.stop();
  }
}

function sum(one: number, other: number): number {
  return one + other;
}

runProgram(
  {
    name: 'demo:feilong',
    does: "Runs Feilong's own server over a simulated z/VM, and wires ports through it.",
    options: OPTIONS,
    environment: SERVER_VARIABLES,
    exit: { 1: 'failed, or a port is not on z/VM as requested' },
    example: '--ports 50 --json',
  },
  main,
);
