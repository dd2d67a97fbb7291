import { parseArgs } from 'node:util';
import { startSimulator } from '../simulator/simulator.ts';
import { GuestPortRequest } from '../workers/demo/port-requests.ts';
import { startStack } from '../workers/demo/stack.ts';
import { compare, httpCalls, wire } from '../workers/demo/wire.ts';
import { createLogger, installTemporalLogger } from '../workers/logging.ts';
import { wireHistorically } from './historic-sequence.ts';

const VLAN = 1001;
const CALLS_OF_HISTORIC_PORT = 9;

type Run = {
  ports: number;
  historic: { measuredPorts: number; calls: number; seconds: number };
  ours: { calls: number; seconds: number };
  ratio: number;
};

/**
 * `npm run bench -- storm`: wire VLAN ports, one of each guest, on one host: by the historic agent's calls and by this project's workflows,
 * on simulators with the same latency. The historic sequence is linear; it is run on `--historic-ports` and scaled.
 */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      ports: { type: 'string', default: '1,10,100' },
      latency: { type: 'string', default: '500' },
      'historic-ports': { type: 'string', default: '5' },
      json: { type: 'boolean', default: false },
    },
  });
  if (positionals.join() !== 'storm') {
    throw new Error('usage: npm run bench -- storm [--ports 1,10,100] [--latency MS] [--historic-ports N] [--json]');
  }
  installTemporalLogger(createLogger('error'));
  const latencyMs = whole('--latency', values.latency, 0);
  const historicPorts = whole('--historic-ports', values['historic-ports'], 1);
  const runs: Run[] = [];
  for (const text of values.ports.split(','))
    runs.push(await storm(whole('--ports', text, 1), latencyMs, historicPorts));
  const lines = runs.map(
    ({ ports, historic, ours, ratio }) =>
      `${ports} ports: historic ${historic.seconds} s (measured on ${historic.measuredPorts}), ours ${ours.seconds} s with ${ours.calls} calls: ${ratio} times as fast`,
  );
  process.stdout.write(`${values.json ? JSON.stringify({ latencyMs, runs }) : lines.join('\n')}\n`);
}

async function storm(ports: number, latencyMs: number, historicPorts: number): Promise<Run> {
  const measuredPorts = Math.min(ports, historicPorts);
  const simulator = await startSimulator({ hosts: 1, guests: measuredPorts, latencyMs });
  const rows = Array.from({ length: measuredPorts }, (_, index) => guest(index));
  const measured = await wireHistorically(simulator.url, rows, VLAN).finally(() => simulator.close());
  const historicSeconds = (measured / measuredPorts) * ports;
  const ours = await stormOfOurs(ports, latencyMs);
  return {
    ports,
    historic: { measuredPorts, calls: CALLS_OF_HISTORIC_PORT * ports, seconds: round(historicSeconds) },
    ours: { calls: ours.calls, seconds: round(ours.seconds) },
    ratio: round(historicSeconds / ours.seconds),
  };
}

async function stormOfOurs(ports: number, latencyMs: number): Promise<{ calls: number; seconds: number }> {
  const stack = await startStack({ hosts: 1, guestsPerHost: ports, latencyMs, say: () => undefined });
  try {
    const network = { type: 'vlan', segmentationId: VLAN };
    const requests = Array.from({ length: ports }, (_, index) => {
      const { portId, userid } = guest(index);
      return GuestPortRequest.parse({ host: 'zvm1', userid, portId, vswitch: 'VSW1', network });
    });
    const started = performance.now();
    const guests = await wire(stack.client, requests, () => undefined);
    const seconds = (performance.now() - started) / 1_000;
    const calls = await httpCalls(stack.simulator.url);
    const mismatches = await compare(stack.simulator.url, requests, stack.hosts);
    const failed = guests.filter((each) => each.failure !== undefined).length;
    if (failed > 0 || mismatches.length > 0)
      throw new Error(`${failed} guests failed, ${mismatches.length} mismatches`);
    return { calls, seconds };
  } finally {
    await stack.stop();
  }
}

function guest(index: number): { portId: string; node: string; userid: string; macId: string } {
  const number = String(index + 1).padStart(4, '0');
  const macId = (index + 1).toString(16).padStart(6, '0').toUpperCase();
  return { portId: `00000000-0000-4000-8000-00000000${number}`, node: `lnx1${number}`, userid: `LNX1${number}`, macId };
}

function whole(option: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least)
    throw new Error(`${option} ${text}: must be a whole number from ${least}`);
  return value;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
