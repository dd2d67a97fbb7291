import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { type Feilong, startFeilong } from '../demo/feilong/server.ts';
import { freePorts } from '../temporal-config/dev-server/free-ports.ts';
import { findTemporalServer } from '../temporal-config/dev-server/temporal-binary.ts';
import { NAMESPACE } from '../temporal-config/names.ts';
import { type Backend, HOST, PORT_BASED, PROBE_VSWITCH, ZHCP_NODE } from './places.ts';
import { firstLine, Service, until } from './processes.ts';
import { Control } from './simulator.ts';
import { RestartableTemporal } from './temporal.ts';

/** All processes of a run on free ports of loopback. */
export type Stack = {
  temporal: RestartableTemporal;
  control: Control;
  workers: Service[];
  gateways: { service: Service; url: string }[];
  /** The environment with the address of this Temporal. */
  env: NodeJS.ProcessEnv;
  /** Feilong's own server, in a run over it. */
  feilong: Feilong | undefined;
  /** The folder of the processes' logs. */
  folder: string;
  /** End all processes by their ids. */
  stop(): Promise<void>;
};

type Options = { guests: number; latencyMs: number; keepFolder: boolean; backend: Backend; say(line: string): void };

const Ready = z.object({ url: z.string(), control: z.string() });
const Host = z.object({ workers: z.number() });
const READY_MS = 120_000;
const WORKERS = 2;
const GATEWAYS = 2;

/** Start all processes and wait until they answer; when one does not, end the others. */
export async function startStack(options: Options): Promise<Stack> {
  const undo: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    return { ...(await bringUp(options, undo)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function bringUp(options: Options, undo: (() => Promise<void>)[]): Promise<Omit<Stack, 'stop'>> {
  const { say } = options;
  const folder = await mkdtemp(join(tmpdir(), 'networking-zvm-chaos-'));
  if (!options.keepFolder) undo.push(() => rm(folder, { recursive: true, force: true }));
  const env = ownEnvironment();
  const found = await findTemporalServer({ say, env });
  if (found.kind === 'external') throw new Error(`the server at ${found.address} is not to be killed`);
  const temporal = await RestartableTemporal.start(found.path, join(folder, 'temporal.db'), say);
  undo.push(() => temporal.end('SIGTERM'));
  const simulator = await startSimulator(options, folder, undo);
  const feilong =
    options.backend === 'feilong'
      ? await startFeilong({ simulatorUrl: simulator.url, zhcpNode: ZHCP_NODE, say })
      : undefined;
  if (feilong !== undefined) undo.push(() => feilong.stop());
  const configuration = join(folder, 'zvm.ini');
  await writeFile(configuration, configurationFor(feilong === undefined ? byXcat(simulator.url) : byFeilong(feilong)));
  const there = { ...env, TEMPORAL_ADDRESS: temporal.address, TEMPORAL_NAMESPACE: NAMESPACE };
  const service = (name: string, file: string, args: string[]) => {
    const logFile = join(folder, `${name}.log`);
    const made = new Service({ name, file, args: ['--config-file', configuration, ...args], env: there, logFile });
    undo.push(() => made.end('SIGKILL'));
    made.start();
    return made;
  };
  const workers = numbered(WORKERS).map((number) => service(`worker-${number}`, 'workers/worker.ts', []));
  const gateways = (await freePorts(GATEWAYS)).map((port, index) => ({
    service: service(`gateway-${index + 1}`, 'workers/gateway.ts', ['--port', String(port)]),
    url: `http://127.0.0.1:${port}`,
  }));
  for (const { service: gateway, url } of gateways)
    if (!(await until(async () => (await fetch(`${url}/readyz`)).ok, READY_MS)))
      throw new Error(`${gateway.name} does not answer`);
  const workersPoll = async () =>
    Host.parse(await (await fetch(`${gateways[0]?.url}/v1/hosts/${HOST}`)).json()).workers;
  if (!(await until(async () => (await workersPoll()) >= WORKERS, READY_MS)))
    throw new Error('the workers do not start');
  return { temporal, control: new Control(simulator.control), workers, gateways, env: there, feilong, folder };
}

async function startSimulator(
  { guests, latencyMs }: Options,
  folder: string,
  undo: (() => Promise<void>)[],
): Promise<z.infer<typeof Ready>> {
  const args = [
    '--hosts',
    '1',
    '--guests',
    String(guests),
    '--latency',
    `uniform:0:${2 * latencyMs}`,
    '--release',
    '6.3',
  ];
  const logFile = join(folder, 'simulator.log');
  const simulator = new Service({ name: 'simulator', file: 'simulator/main.ts', args, logFile });
  undo.push(() => simulator.end('SIGKILL'));
  const output = simulator.start();
  if (output === null) throw new Error('the simulator runs already');
  return Ready.parse(JSON.parse(await firstLine(output)));
}

function numbered(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

/** The environment without the machine's own Temporal configuration. */
function ownEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(TEMPORAL|ZVM|ZVMNET)_/.test(name)));
}

// Reconciliation runs only on request: the Schedule would hide drift from the checker.
function configurationFor(server: string): string {
  return `[DEFAULT]
log_level = warn
${server}
[ml2_type_flat]
flat_networks = flat
`;
}

function byXcat(url: string): string {
  return `[AGENT]
zvm_host = ${HOST}
xcat_zhcp_nodename = ${ZHCP_NODE}
zvm_xcat_server = ${url}
zvm_xcat_username = admin
zvm_xcat_password = admin
polling_interval = 86400
reconcile_mode = repair
vswitch_mappings = flat:${PROBE_VSWITCH},one:VSW1,two:VSW2,three:${PORT_BASED}
[ml2_type_vlan]
network_vlan_ranges = one:1:4094,two:1:4094,three:1:4094
[three]
port_selection = portbased`;
}

function byFeilong({ url, tokenFile }: Feilong): string {
  return `base_mac = 02:00:00:00:00:00
[AGENT]
zvm_host = ${HOST}
cloud_connector_url = ${url}
zvm_feilong_token_file = ${tokenFile}
polling_interval = 86400
vswitch_mappings = flat:${PROBE_VSWITCH},one:VSW1,two:VSW2
[ml2_type_vlan]
network_vlan_ranges = one:1:4094,two:1:4094`;
}
