import { type Client, ScheduleNotFoundError, ScheduleOverlapPolicy } from '@temporalio/client';
import type { Logger } from 'pino';
import { startReconcileHost, tellOfNeutron } from '../../client/start-operation.ts';
import type { HostConfiguration } from '../../configuration/configuration.ts';
import type { NeutronConfiguration } from '../../configuration/neutron.ts';
import { L2Agent } from '../../neutron/agent.ts';
import { reconcileScheduleId } from '../../temporal-config/workflow-ids.ts';
import { backendOf, renewBackend } from '../host/host-backend.ts';
import { ZvmWatch } from '../host/zvm-watch.ts';
import { type NeutronBus, neutronConnection } from './neutron-connection.ts';

/** A Temporal that does not answer by then is away: what was heard stays in the queue, and is handed on later. */
const TEMPORAL_MS = 10_000;

/** Agents that are running. `ready` when all have reported; fails when the broker refuses them for good. */
export type RunningAgents = {
  ready: Promise<void>;
  /** Take user, password and certificates of a host's xCAT as the configuration has them now. */
  renew(host: HostConfiguration): void;
  stop(): Promise<void>;
};

/** Run the L2 agent of each host on one connection to the broker. Throws an Error when no transport_url is configured. */
export function runNeutronAgents(
  hosts: readonly HostConfiguration[],
  neutron: NeutronConfiguration,
  client: Client,
  logger: Logger,
): RunningAgents {
  const way = neutronConnection(neutron, logger);
  const { bus } = way;
  if (bus === undefined || neutron.bus === undefined)
    throw new Error("the agent needs the broker's address: give transport_url, as in neutron.conf");
  const options = { neutron: neutron.bus, client, logger };
  const running = hosts.map((host) => agentOf(host, bus, options));
  way.start();
  for (const { watch } of running) watch.start();
  const ready = Promise.all([bus.connection.ready(), ...running.map(({ agent }) => agent.start())]).then(
    () => undefined,
  );
  ready.catch(() => undefined);
  return {
    ready,
    renew(configuration) {
      for (const { backend } of running.filter(({ host }) => host === configuration.host))
        renewBackend(backend, configuration, logger);
    },
    async stop() {
      for (const { agent } of running) agent.stop();
      await Promise.all(running.map(({ watch }) => watch.stop()));
      await way.close();
      for (const { agent, backend } of running) {
        await agent.idle();
        await backend.close();
      }
    },
  };
}

/** One more run of the Schedule, so that it knows what the runs before it knew; a run of its own where there is no Schedule. */
async function reconcileNow(client: Client, host: string): Promise<void> {
  try {
    await client.schedule.getHandle(reconcileScheduleId(host)).trigger(ScheduleOverlapPolicy.BUFFER_ONE);
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
    await startReconcileHost(client, { host }, 'neutron');
  }
}

type Options = { neutron: NonNullable<NeutronConfiguration['bus']>; client: Client; logger: Logger };

/** A host's agent, which reports while z/VM answers, and its way to z/VM. */
function agentOf(host: HostConfiguration, bus: NeutronBus, { neutron, client, logger }: Options) {
  const { flags, reportIntervalSeconds } = neutron;
  const reportIntervalMs = Math.round(reportIntervalSeconds * 1_000);
  const soon = <Result>(call: () => Promise<Result>) => client.withDeadline(Date.now() + TEMPORAL_MS, call);
  const backend = backendOf(host, logger);
  const watch = new ZvmWatch({
    host: host.host,
    ask: (signal) => backend.probe(signal),
    intervalMs: reportIntervalMs,
    logger,
    onReachable: () => agent.zvmIsBack(),
  });
  const agent = new L2Agent(bus.connection, bus.api, {
    host: host.host,
    ...(host.dhcpHost === undefined ? {} : { dhcpHost: host.dhcpHost }),
    bridgeMappings: Object.fromEntries(host.physicalNetworks.map(({ name, vswitch }) => [name, vswitch])),
    reportIntervalMs,
    isReachable: () => watch.isReachable(),
    flags,
    log: {
      info: logger.info.bind(logger),
      warn: logger.warn.bind(logger),
      error: logger.error.bind(logger),
    },
    onNews: (news) => soon(() => tellOfNeutron(client, host.host, news)),
    onDoubt: () => soon(() => reconcileNow(client, host.host)),
  });
  return { host: host.host, agent, watch, backend };
}
