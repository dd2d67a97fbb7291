import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { runProgram, type Values, wholeNumber } from '../command-line/program.ts';
import { PortRequest } from '../domain/operations/requests.ts';
import { Mac } from '../domain/port/mac.ts';
import { HostName, SegmentationId, Userid, VswitchName } from '../domain/text/identifiers.ts';
import { createLogger, installTemporalRuntime } from '../runtime/process/logging.ts';
import { guestName } from '../simulator/zvm/guest-name.ts';
import { SERVER_VARIABLES } from '../temporal-config/dev-server/temporal-binary.ts';
import { mismatchesOf, SimulatorState } from './check.ts';
import type { ApiPort } from './openstack/neutron-api.ts';
import { type NeutronStack, startNeutronStack } from './openstack/stack.ts';

const SEGMENTATION_IDS = [1001, 1002, 1003];
const LONGEST_MS = 300_000;

/** The output of `--json`. */
type Report = { ports: number; active: number; seconds: number; mismatches: string[] };

const OPTIONS = {
  ports: { type: 'string', default: '20', value: 'N', help: 'the number of ports, at most 2000' },
  json: { type: 'boolean', default: false, help: 'print the result as one JSON object' },
  stay: { type: 'boolean', default: false, help: 'run until Ctrl-C' },
} as const;

async function main(values: Values<typeof OPTIONS>): Promise<void> {
  const count = wholeNumber('--ports', values.ports, 1, 2_000);
  const out = values.json ? process.stderr : process.stdout;
  const say = (line: string) => out.write(`${line}\n`);
  installTemporalRuntime(createLogger('warn'));
  const stack = await startNeutronStack({ guests: count, say });
  const ended = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  try {
    const { api, host } = stack;
    say(
      `Neutron's agents: ${(await api.agents()).map((agent) => `${agent.binary} on ${agent.host}, alive: ${agent.alive}`).join('; ')}`,
    );
    const networks = new Map<string, number>();
    for (const segmentationId of SEGMENTATION_IDS)
      networks.set(await api.createNetwork({ physicalNetwork: 'physnet1', segmentationId }), segmentationId);
    const ids = [...networks.keys()];
    const started = Date.now();
    say(`Creating ${count} ports on ${ids.length} VLAN networks by Neutron's API …`);
    const ports = await api.createPorts(
      Array.from({ length: count }, (_, index) => ({
        networkId: ids[index % ids.length] ?? '',
        host,
        deviceId: guestName(1, index + 1),
      })),
    );
    const active = await untilActive(ports, () => api.portsOf(host), say);
    const seconds = Math.round((Date.now() - started) / 100) / 10;
    const mismatches = await compare(ports, networks, stack);
    const report: Report = { ports: count, active, seconds, mismatches };
    if (values.json) process.stdout.write(`${JSON.stringify(report)}\n`);
    else say(`${active} of ${count} ports are ACTIVE after ${seconds} s.`);
    say(mismatches.length === 0 ? 'z/VM has all ports as in Neutron.' : mismatches.join('\n'));
    if (active < count || mismatches.length > 0) process.exitCode = 1;
    if (!values.stay) return;
    say(
      `Neutron       ${api.url}/v2.0/ports (no token needed)\nTemporal UI   ${stack.uiUrl ?? 'that of your own Temporal server'}\nCtrl-C ends all processes.`,
    );
    await ended;
  } finally {
    await stack.stop();
  }
}

async function untilActive(
  ports: readonly ApiPort[],
  read: () => Promise<ApiPort[]>,
  say: (line: string) => void,
): Promise<number> {
  const ids = new Set(ports.map((port) => port.id));
  const deadline = Date.now() + LONGEST_MS;
  let shown = -1;
  for (;;) {
    const active = (await read()).filter((port) => ids.has(port.id) && port.status === 'ACTIVE').length;
    if (active !== shown) say(`  ${active} of ${ids.size} ACTIVE`);
    shown = active;
    if (active === ids.size || Date.now() > deadline) return active;
    await sleep(500);
  }
}

async function compare(
  ports: readonly ApiPort[],
  networks: ReadonlyMap<string, number>,
  { host: name, zhcpNode, simulatorUrl }: NeutronStack,
): Promise<string[]> {
  const host = HostName.parse(name);
  const state = SimulatorState.parse(await (await fetch(`${simulatorUrl}/simulator/state`)).json());
  return ports.flatMap((port) => {
    const request = PortRequest.parse({
      portId: port.id,
      vswitch: VswitchName.parse('VSW1'),
      network: { type: 'vlan', segmentationId: SegmentationId.parse(networks.get(port.network_id)) },
      mac: Mac.parse(port.mac_address),
    });
    return mismatchesOf({ ...request, host, userid: Userid.parse(port.device_id) }, zhcpNode, state);
  });
}

runProgram(
  {
    name: 'demo:neutron',
    does: "Runs a stock neutron-server, creates ports by Neutron's API, and wires them on a simulated z/VM until all are ACTIVE.",
    options: OPTIONS,
    environment: {
      NEUTRON_VENV: "a Python virtual environment with another release of Neutron than Debian's",
      ...SERVER_VARIABLES,
    },
    exit: { 1: 'failed, or a port is not ACTIVE or not on z/VM as in Neutron' },
    example: '--ports 50 --stay',
  },
  main,
);
