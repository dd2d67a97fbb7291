import { createReadStream } from 'node:fs';
import { parseArgs } from 'node:util';
import { openPortFile, readPortFile } from '../client/port-file.ts';
import { defined } from '../domain/defined.ts';
import { createLogger, installTemporalLogger } from '../runtime/process/logging.ts';
import { endWithFailure } from '../runtime/process/program.ts';
import { releasesOf } from '../simulator/zvm/release.ts';
import { examplePortRequests } from './example-ports.ts';
import { startStack } from './stack.ts';
import { compare, httpCalls, wire } from './wire.ts';

const HOSTS = 2;
const DEFAULT_PORTS = '20';

/** `npm run demo`: wire ports once on embedded defaults, compare z/VM's state with the requests, and exit; with 1 on any difference. */
async function main(): Promise<boolean> {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      ports: { type: 'string', default: DEFAULT_PORTS },
      input: { type: 'string' },
      release: { type: 'string' },
    },
  });
  const say = (line: string) => process.stderr.write(`${line}\n`);
  const wanted = Number(values.ports);
  if (!Number.isInteger(wanted) || wanted < 1)
    throw new Error(`--ports ${values.ports}: must be a whole number from 1`);
  const releases = values.release === undefined ? undefined : releasesOf(values.release);
  const guestsPerHost = Math.max(10, Math.ceil(wanted / HOSTS / 2));
  installTemporalLogger(createLogger('warn'));
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
    return result.failed === 0 && mismatches.length === 0;
  } finally {
    await stack.stop();
  }
}

main().then((right) => {
  process.exitCode = right ? 0 : 1;
}, endWithFailure);
