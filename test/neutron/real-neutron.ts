import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'amqplib';
import { pino } from 'pino';
import { inject } from 'vitest';
import { z } from 'zod';
import { connectClient, localTarget } from '../../client/temporal-connection.ts';
import type { HostConfiguration } from '../../configuration/load.ts';
import type { NeutronConfiguration } from '../../configuration/neutron.ts';
import { embeddedHosts, feilongHost } from '../../demo/embedded-hosts.ts';
import { type Feilong, startFeilong } from '../../demo/feilong/server.ts';
import { type Openstack, startOpenstack } from '../../demo/openstack/neutron-server.ts';
import { missingPackages } from '../../demo/openstack/packages.ts';
import type { Rabbit } from '../../demo/openstack/rabbitmq.ts';
import { decodeMessage, uncompressed } from '../../neutron/envelope.ts';
import type { ExchangeFlags } from '../../neutron/exchanges.ts';
import { TOPICS } from '../../neutron/notifications.ts';
import { parseTransportUrl } from '../../neutron/transport-url.ts';
import { runWorkers } from '../../runtime/host/run-workers.ts';
import { type RunningAgents, runNeutronAgents } from '../../runtime/neutron/agents.ts';
import { neutronConnection } from '../../runtime/neutron/connection.ts';
import { startSimulator } from '../../simulator/simulator.ts';
import type { ReconcileHostResult } from '../../workflows/reconciliation-result.ts';
import { bundledWorkflows } from '../bundled-workflows.ts';
import { createEnvironmentOn, type Environment } from '../workflows/environment.ts';

/** A stock neutron-server, a simulated z/VM system, its worker, and the agent between them. */
export type Cloud = {
  openstack: Openstack;
  feilong: Feilong | undefined;
  environment: Environment;
  /** Further z/VM systems behind the same management node, each with a worker and an agent. */
  others: Environment[];
  host: string;
  agents(): RunningAgents;
  /** While `withoutTemporal` returns true, the agent cannot reach Temporal. */
  startAgent(withoutTemporal?: () => boolean): Promise<void>;
  /** The last reconciliation's state for the next. */
  last(): Last | undefined;
  remember(result: Last): void;
  /** Empty the agent's queue, as if the agent had been away for longer than messages live. */
  dropMessages(): Promise<void>;
  /** Statuses of Neutron's ports observed from now on. */
  watchStatuses(): Promise<{ seen(): string[]; close(): Promise<void> }>;
  stopAgent(): Promise<void>;
  /** The status of a port once it is the expected one, or its status when the time is over. */
  status(portId: string, wanted: string, timeoutMs?: number): Promise<string>;
  close(): Promise<void>;
};

/** The pause between two looks at a port, which are work for a busy neutron-server. */
const ASK_MS = 250;
/** The time that a loaded machine may take. */
const LONGEST_WAIT_MS = 90_000;

type Last = {
  checkpoint: string;
  failures: ReconcileHostResult['failures'];
  unreported?: ReconcileHostResult['unreported'];
};

/** True where a Neutron server can run: it is installed or may be. */
export const neutronIsHere =
  missingPackages().length === 0 || (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get'));
if (!neutronIsHere) process.stderr.write('SKIPPED: no neutron-server here, and it may not be installed\n');

export const silent = pino({ level: process.env.TEST_LOG ?? 'silent' }, pino.destination(2));

/** The flags of the server's options in `[oslo_messaging_rabbit]`. */
function flagsOf(broker: Readonly<Record<string, string>>): ExchangeFlags {
  const isOn = (name: string) => broker[name] === 'true';
  return {
    durable: isOn('amqp_durable_queues') || isOn('rabbit_quorum_queue'),
    autoDelete: isOn('amqp_auto_delete'),
    durableFanout: isOn('rabbit_transient_quorum_queue'),
    quorumQueues: isOn('rabbit_quorum_queue') || isOn('rabbit_transient_quorum_queue'),
  };
}

function busConfiguration(transportUrl: string, flags: ExchangeFlags): NeutronConfiguration {
  return {
    bus: {
      transport: parseTransportUrl(transportUrl),
      exchange: 'neutron',
      flags,
      heartbeatSeconds: 60,
      tls: { verify: true },
      rpcTimeoutSeconds: 60,
      reportIntervalSeconds: 2,
    },
  };
}

export async function createCloud(
  options: {
    hosts?: number;
    guests?: number;
    agentDownSeconds?: number;
    configured?: Partial<HostConfiguration>;
    /** The first host is managed by Feilong's own server. */
    feilong?: boolean;
    rest?: boolean;
    securityGroups?: boolean;
    /** Plugins and extension drivers of the server for QoS policies. */
    qos?: boolean;
    /** Options of `[oslo_messaging_rabbit]`, for the server and the agent. */
    broker?: Readonly<Record<string, string>>;
  } = {},
): Promise<Cloud> {
  const simulator = await startSimulator({ hosts: options.hosts ?? 1, guests: options.guests ?? 10, release: '6.3' });
  const openstack = await startOpenstack({
    say: () => {},
    macPrefix: '02:00:00',
    vlanNetworks: ['physnet1', 'physnet2', 'physport'],
    securityGroups: options.securityGroups === true,
    ...(options.qos === true ? { servicePlugins: ['qos'], extensionDrivers: ['qos'] } : {}),
    ...(options.broker === undefined ? {} : { broker: options.broker }),
    ...(options.agentDownSeconds === undefined ? {} : { agentDownSeconds: options.agentDownSeconds }),
  });
  const [embedded] = embeddedHosts(simulator.url, 1);
  const feilong =
    options.feilong === true
      ? await startFeilong({ simulatorUrl: simulator.url, zhcpNode: 'zhcp1', say: () => {}, auth: false })
      : undefined;
  // Nova sends no token.
  const { host: _host, ...byFeilong } =
    feilong === undefined || embedded === undefined ? { host: '' } : feilongHost(embedded, { url: feilong.url });
  const environment = await createEnvironmentOn(simulator, 1, { ...byFeilong, ...options.configured }, false);
  const others: Environment[] = [];
  for (let number = 2; number <= (options.hosts ?? 1); number += 1)
    others.push(await createEnvironmentOn(simulator, number, {}, false));
  const hosts = [environment, ...others].map((each) => each.configuration);
  const target = localTarget(inject('temporalAddress'), inject('temporalNamespace'));
  const configuration = busConfiguration(openstack.rabbit.transportUrl, flagsOf(options.broker ?? {}));
  if (options.rest === true)
    configuration.rest = { url: openstack.api.url, auth: { strategy: 'noauth' }, timeoutMs: 30_000 };
  const way = neutronConnection(configuration, silent);
  way.start();
  const workers = await runWorkers(hosts, target, silent, undefined, way, { bundle: await bundledWorkflows() });
  const { client, close } = await connectClient(target);
  let agents: RunningAgents | undefined;
  let last: Last | undefined;
  const startAgent = async (withoutTemporal = () => false) => {
    const through = new Proxy(client, {
      get(whole, part) {
        if (withoutTemporal()) throw new Error('Temporal is away');
        return Reflect.get(whole, part);
      },
    });
    agents = runNeutronAgents(hosts, configuration, through, silent);
    await agents.ready;
  };
  const stopAgent = async () => {
    await agents?.stop();
    agents = undefined;
  };
  await startAgent();
  return {
    openstack,
    feilong,
    environment,
    others,
    host: environment.host,
    last: () => last,
    remember: ({ checkpoint, failures, unreported }) => {
      last = { checkpoint, failures, ...(unreported === undefined ? {} : { unreported }) };
    },
    dropMessages: async () => {
      const model = await connect(amqpUrl(openstack.rabbit));
      const channel = await model.createChannel();
      await channel.purgeQueue(`neutron-zvm-agent.${environment.host}`);
      await model.close();
    },
    watchStatuses: () => watchStatuses(amqpUrl(openstack.rabbit)),
    agents: () => {
      if (agents === undefined) throw new Error('no agent runs');
      return agents;
    },
    startAgent,
    stopAgent,
    async status(portId, wanted, timeoutMs = LONGEST_WAIT_MS) {
      const deadline = Date.now() + timeoutMs;
      for (;;) {
        const { status } = await openstack.api.port(portId);
        if (status === wanted || Date.now() > deadline) return status;
        await sleep(ASK_MS);
      }
    },
    async close() {
      await stopAgent();
      await workers.stop();
      await way.close();
      await close();
      for (const each of [environment, ...others]) await each.close();
      await openstack.stop();
      await feilong?.stop();
      await simulator.close();
    },
  };
}

/** The address of a broker for amqplib. */
export function amqpUrl({ transportUrl }: Rabbit): string {
  return transportUrl.replace(/^rabbit/, 'amqp').replace(/\/\/$/, '/');
}

async function watchStatuses(url: string): Promise<{ seen(): string[]; close(): Promise<void> }> {
  const model = await connect(url);
  const channel = await model.createChannel();
  const { queue } = await channel.assertQueue('', { exclusive: true });
  // Each release pushes ports in its own object version.
  for (const topic of TOPICS.filter((each) => each.includes('-Port-')))
    await channel.bindQueue(queue, `${topic}_fanout`, '');
  const statuses: string[] = [];
  const Resource = z.object({ 'versioned_object.data': z.object({ status: z.string().nullish() }) });
  await channel.consume(
    queue,
    (message) => {
      const args =
        message === null ? undefined : decodeMessage(uncompressed(message.content, message.properties.headers))?.args;
      const resources = z.object({ resource_list: z.array(Resource) }).safeParse(args).data?.resource_list ?? [];
      for (const resource of resources) statuses.push(resource['versioned_object.data'].status ?? '');
    },
    { noAck: true },
  );
  return { seen: () => statuses.filter((status) => status !== ''), close: () => model.close() };
}

/** Wait until a condition holds; true when it does in time. */
export async function becomes(isSo: () => Promise<boolean> | boolean, timeoutMs = LONGEST_WAIT_MS): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    if (await isSo()) return true;
    if (Date.now() > deadline) return false;
    await sleep(100);
  }
}
