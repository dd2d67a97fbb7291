import { createReadStream } from 'node:fs';
import { openPortFile, readPortFile } from '../client/port-file.ts';
import { runProgram, type Values, wholeNumber } from '../command-line/program.ts';
import { defined } from '../domain/defined.ts';
import { createLogger, installTemporalRuntime } from '../runtime/process/logging.ts';
import { releasesOf } from '../simulator/zvm/release.ts';
import { SERVER_VARIABLES } from '../temporal-config/dev-server/temporal-binary.ts';
import { examplePortRequests } from './example-ports.ts';
import { startStack } from './stack.ts';
import { compare, httpCalls, wire } from './wire.ts';

const HOSTS = 2;

const OPTIONS = {
  json: { type: 'boolean', default: false, help: 'print the result as one JSON object' },
  ports: { type: 'string', default: '20', value: 'N', help: 'the number of ports' },
  input: { type: 'string', value: 'FILE', help: 'the ports, as zvmnet import takes them (docs/examples)' },
  release: { type: 'string', value: 'RELEASE', help: 'the release of the simulated z/VM systems, such as 7.4' },
} as const;

async function main(values: Values<typeof OPTIONS>): Promise<void> {
  const say = (line: string) => process.stderr.write(`${line}\n`);
  const wanted = wholeNumber('--ports', values.ports, 1);
  const releases = values.release === undefined ? undefined : releasesOf(values.release);
  const guestsPerHost = Math.max(10, Math.ceil(wanted / HOSTS / 2));
  installTemporalRuntime(createLogger('warn'));
  const stack = await startStack({ hosts: HOSTS, guestsPerHost, say, ...defined({ releases }) });
  try {
    const requests =
      values.input === undefined
        ? examplePortRequests(wanted, stack.hosts, guestsPerHost)
        : await readPortFile(await openPortFile(createReadStream(values.input, 'utf8')), {
            vswitchOf: (name, physicalNetwork) =>
              stack.hosts
                .find(({ host }) => host === name)
                ?.physicalNetworks.find((network) => network.name === physicalNetwork)?.vswitch,
          });
    const started = performance.now();
    const guests = await wire(stack.client, requests, (guest) => {
      if (guest.failure !== undefined) say(`${guest.userid} on ${guest.host}: ${guest.failure}`);
      else if (!values.json) say(`${guest.userid} on ${guest.host}: ${guest.ports} port(s) wired`);
    });
    const seconds = Math.round(performance.now() - started) / 1_000;
    const xcatCalls = await httpCalls(stack.simulator.url);
    const mismatches = await compare(stack.simulator.url, requests, stack.hosts);
    const count = (failed: boolean) =>
      guests.filter((guest) => (guest.failure !== undefined) === failed).reduce((sum, guest) => sum + guest.ports, 0);
    const result = {
      ports: requests.length,
      wired: count(false),
      failed: count(true),
      seconds,
      xcatCalls,
      mismatches,
    };
    process.stdout.write(
      values.json
        ? `${JSON.stringify(result)}\n`
        : `${result.wired} of ${result.ports} ports wired in ${seconds} s with ${xcatCalls} xCAT calls; ${mismatches.length} mismatches\n${mismatches.join('\n')}`,
    );
    process.exitCode = result.failed === 0 && mismatches.length === 0 ? 0 : 1;
  } finally {
    await stack.stop();
  }
}

runProgram(
  {
    name: 'demo',
    does: "Wires ports once on embedded defaults, compares z/VM's state with the requests, and ends.",
    options: OPTIONS,
    environment: SERVER_VARIABLES,
    exit: { 1: 'failed, or a port is not on z/VM as requested' },
    example: '--ports 100 --json',
  },
  main,
);
