import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { configuredTarget, connectClient, localTarget, type TemporalTarget } from '../client/temporal-connection.ts';
import type { HostConfiguration } from '../configuration/load.ts';
import { defined } from '../domain/defined.ts';
import { gatewayHostOf, type RunningGateway, serveGateway } from '../runtime/gateway/server.ts';
import { runWorkers } from '../runtime/host/run-workers.ts';
import { createLogger } from '../runtime/process/logging.ts';
import { prepareExternal } from '../runtime/process/temporal-connection.ts';
import { type Simulator, type SimulatorOptions, startSimulator } from '../simulator/simulator.ts';
import type { Release } from '../simulator/zvm/release.ts';
import { PATIENCE, type Patience } from '../temporal-config/dev-server/answer-watch.ts';
import { findTemporalServer } from '../temporal-config/dev-server/temporal-binary.ts';
import { startTemporalServer } from '../temporal-config/dev-server/temporal-server.ts';
import { embeddedHosts } from './embedded-hosts.ts';

/** All processes on embedded defaults: Temporal, a simulated management node, and a worker for each of its z/VM systems. */
export type Stack = {
  client: Client;
  target: TemporalTarget;
  /** Absent when an existing Temporal server is used; so is the process of the server, which changes when it hangs and is restarted. */
  uiUrl: string | undefined;
  temporalPid: (() => number) | undefined;
  simulator: Simulator;
  hosts: HostConfiguration[];
  /** Absent unless a port for it is given. */
  gateway: RunningGateway | undefined;
  stop(): Promise<void>;
};

type Options = {
  hosts: number;
  guestsPerHost: number;
  say(line: string): void;
  /** Told when Temporal had to be restarted, in place of `say`. */
  warn?(line: string): void;
  /** The least time of a call to the simulated management node. */
  latencyMs?: number;
  /** The times of SMAPI and DirMaint there; none by default. */
  smapi?: SimulatorOptions;
  /** The releases of the simulated z/VM systems in turn. */
  releases?: readonly Release[];
  /** True when the caller starts the workers. */
  withoutWorkers?: boolean;
  /** The interval of reconciliation; none by default. */
  reconcileSeconds?: number;
  /** When Temporal counts as hung, and is restarted on its file. */
  patience?: Patience;
  /** The gateway's port; 0 takes a free one, and without it no gateway is started. */
  ports?: { grpc?: number; ui?: number; simulator?: number; gateway?: number };
};

/** Start the stack; `stop` stops its parts in reverse order. */
export async function startStack(options: Options): Promise<Stack> {
  const logger = createLogger('warn');
  const undo: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const temporal = await startTemporal(options, undo);
    const simulator = await startSimulator({
      hosts: options.hosts,
      guests: options.guestsPerHost,
      ...defined({ latencyMs: options.latencyMs }),
      ...options.smapi,
      ...defined({ release: options.releases, port: options.ports?.simulator }),
    });
    undo.push(() => simulator.close());
    options.say(`Simulated xCAT: ready on ${simulator.url}`);
    const hosts = embeddedHosts(simulator.url, options.hosts);
    if (options.withoutWorkers !== true) {
      options.say('Workers: starting, with the workflows bundled first');
      const { reconcileSeconds } = options;
      const times =
        reconcileSeconds === undefined ? undefined : { intervalSeconds: reconcileSeconds, sweepSeconds: 600 };
      const workers = await runWorkers(hosts, temporal.target, logger, times);
      undo.push(() => workers.stop());
    }
    const { client, close } = await connectClient(temporal.target);
    undo.push(close);
    const gateway = await startGateway(options, client, temporal, hosts);
    if (gateway !== undefined) {
      undo.push(() => gateway.close());
      options.say(`HTTP API: ready on ${gateway.url}`);
    }
    return { client, ...temporal, simulator, hosts, gateway, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startGateway(
  { ports }: Options,
  client: Client,
  { target, uiUrl }: { target: TemporalTarget; uiUrl: string | undefined },
  hosts: readonly HostConfiguration[],
): Promise<RunningGateway | undefined> {
  if (ports?.gateway === undefined) return undefined;
  return serveGateway(
    {
      client,
      namespace: target.namespace,
      hosts: hosts.map(gatewayHostOf),
      tokens: undefined,
      ...defined({ uiUrl }),
      log: () => {},
    },
    { host: '127.0.0.1', port: ports.gateway },
  );
}

async function startTemporal(
  { say, warn = say, ports, patience = PATIENCE }: Options,
  undo: (() => Promise<void>)[],
): Promise<Pick<Stack, 'target' | 'uiUrl' | 'temporalPid'>> {
  const found = await findTemporalServer({ say });
  if (found.kind === 'external') {
    const target = configuredTarget();
    await prepareExternal(target);
    return { target, uiUrl: undefined, temporalPid: undefined };
  }
  const folder = await mkdtemp(join(tmpdir(), 'networking-zvm-'));
  // Also when the process ends before the stack is stopped.
  const remove = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', remove);
  undo.push(async () => {
    process.off('exit', remove);
    remove();
  });
  const server = await startTemporalServer({
    binary: found.path,
    databaseFile: join(folder, 'temporal.db'),
    ...defined({ port: ports?.grpc, uiPort: ports?.ui }),
    patience,
    say,
    warn,
  });
  undo.push(() => server.stop());
  const { address, namespace, uiUrl } = server;
  return { target: localTarget(address, namespace), uiUrl, temporalPid: () => server.pid };
}
