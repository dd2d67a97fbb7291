import { type Client, ScheduleNotFoundError, ScheduleOverlapPolicy } from '@temporalio/client';
import type { MetricMeter } from '@temporalio/common';
import type { Logger } from 'pino';
import { tellOfNeutron } from '../../client/neutron-news.ts';
import { reconcileRequest } from '../../client/reconcile-now.ts';
import { startOperation } from '../../client/start-operation.ts';
import type { HostConfiguration } from '../../configuration/load.ts';
import type { NeutronConfiguration } from '../../configuration/neutron.ts';
import { defined } from '../../domain/defined.ts';
import { L2Agent } from '../../neutron/agent.ts';
import { reconcileScheduleId } from '../../temporal-config/names.ts';
import { backendOf, renewBackend } from '../host/host-backend.ts';
import type { Health } from '../process/health.ts';
import { type AgentMetrics, agentMetrics } from '../telemetry/agent-metrics.ts';
import { type NeutronBus, neutronConnection } from './connection.ts';
import { ZvmWatch } from './zvm-watch.ts';

/** The time limit for Temporal's answers. After it messages stay in the agent's queue and are forwarded later. */
const TEMPORAL_MS = 10_000;

/** Running agents. `ready` resolves when all have reported, and rejects when the broker refuses them permanently. */
export type RunningAgents = {
  ready: Promise<void>;
  /** Use the new user, password and certificates of a host's xCAT. */
  renew(host: HostConfiguration): void;
  health: Health;
  stop(): Promise<void>;
};

/** Run the L2 agent of each host on one connection to the broker. Throws an Error when no transport_url is configured. */
export function runNeutronAgents(
  hosts: readonly HostConfiguration[],
  neutron: NeutronConfiguration,
  client: Client,
  logger: Logger,
  meter?: MetricMeter,
): RunningAgents {
  const neutronAccess = neutronConnection(neutron, logger);
  const { bus } = neutronAccess;
  if (bus === undefined || neutron.bus === undefined)
    throw new Error("transport_url is missing: give the URL of Neutron's message broker, as in neutron.conf");
  const options = { neutron: neutron.bus, client, logger, metrics: meter && agentMetrics(meter) };
  const running = hosts.map((host) => agentOf(host, bus, options));
  neutronAccess.start();
  for (const { watch } of running) watch.start();
  const ready = Promise.all([bus.connection.ready(), ...running.map(({ agent }) => agent.start())]).then(
    () => undefined,
  );
  ready.catch(() => undefined);
  return {
    ready,
    health: {
      broken: () => undefined,
      unready: () => running.map(({ host, unready }) => unready() && `${host}: ${unready()}`).find((each) => each),
    },
    renew(configuration) {
      for (const { backend } of running.filter(({ host }) => host === configuration.host))
        renewBackend(backend, configuration, logger);
    },
    async stop() {
      for (const { agent } of running) agent.stop();
      await Promise.all(running.map(({ watch }) => watch.stop()));
      await neutronAccess.close();
      for (const { agent, backend } of running) {
        await agent.idle();
        await backend.close();
      }
    },
  };
}

/** Trigger the Schedule, whose run gets the last run's result; without a Schedule start a separate run. */
async function reconcileNow(client: Client, host: string): Promise<void> {
  try {
    await client.schedule.getHandle(reconcileScheduleId(host)).trigger(ScheduleOverlapPolicy.BUFFER_ONE);
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
    const origin = { by: 'neutron', via: 'neutron' } as const;
    await startOperation(client, reconcileRequest(host, false), { workflowId: `reconcile/${host}/neutron`, origin });
  }
}

type Options = {
  neutron: NonNullable<NeutronConfiguration['bus']>;
  client: Client;
  logger: Logger;
  metrics: AgentMetrics | undefined;
};

/** The agent of a host, which reports while z/VM answers, and the agent's backend. */
function agentOf(host: HostConfiguration, bus: NeutronBus, { neutron, client, logger, metrics }: Options) {
  const { flags, reportIntervalSeconds } = neutron;
  const reportIntervalMs = Math.round(reportIntervalSeconds * 1_000);
  const soon = <Result>(call: () => Promise<Result>) => client.withDeadline(Date.now() + TEMPORAL_MS, call);
  const forwarded = async (kind: 'news' | 'resync', call: () => Promise<void>) => {
    try {
      await soon(call);
      metrics?.forwarded(host.host, kind, true);
    } catch (error) {
      metrics?.forwarded(host.host, kind, false);
      throw error;
    }
  };
  const backend = backendOf(host, logger);
  const watch = new ZvmWatch({
    host: host.host,
    probe: (signal) => backend.probe(signal),
    intervalMs: reportIntervalMs,
    logger,
    onReachable: () => agent.zvmReachable(),
  });
  const untaken = new Set<string>([host.host]);
  const agent = new L2Agent(bus.connection, bus.api, {
    host: host.host,
    ...defined({ dhcpHost: host.dhcpHost }),
    bridgeMappings: Object.fromEntries(host.physicalNetworks.map(({ name, vswitch }) => [name, vswitch])),
    reportIntervalMs,
    isReachable() {
      const isReachable = watch.isReachable();
      metrics?.reachable(host.host, isReachable);
      return isReachable;
    },
    flags,
    log: {
      info: logger.info.bind(logger),
      warn: logger.warn.bind(logger),
      error: logger.error.bind(logger),
    },
    onNews: (news) => forwarded('news', () => tellOfNeutron(client, host.host, news)),
    onResync: () => forwarded('resync', () => reconcileNow(client, host.host)),
    onReported(name, isTaken) {
      if (isTaken) untaken.delete(name);
      else untaken.add(name);
      metrics?.reported(name, isTaken);
    },
  });
  const unready = () => {
    if (!watch.isReachable()) return 'z/VM does not answer';
    return untaken.size === 0 ? undefined : 'neutron-server has not taken the last report';
  };
  return { host: host.host, agent, watch, backend, unready };
}
