import { type Client, ScheduleNotFoundError, ScheduleOverlapPolicy } from '@temporalio/client';
import type { Logger } from 'pino';
import { startReconcileHost, tellOfNeutron } from '../client/start-operation.ts';
import type { HostConfiguration } from '../configuration/configuration.ts';
import type { NeutronConfiguration } from '../configuration/neutron.ts';
import { L2Agent } from '../neutron/agent.ts';
import { neutronConnection } from './neutron-connection.ts';
import { reconcileScheduleId } from './reconcile-schedule.ts';

/** Agents that are running. `ready` when all have reported; fails when the broker refuses them for good. */
export type RunningAgents = { ready: Promise<void>; stop(): Promise<void> };

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
  const { reportIntervalSeconds, flags } = neutron.bus;
  const agents = hosts.map(
    (host) =>
      new L2Agent(bus.connection, bus.api, {
        host: host.host,
        ...(host.dhcpHost === undefined ? {} : { dhcpHost: host.dhcpHost }),
        bridgeMappings: Object.fromEntries(host.physicalNetworks.map(({ name, vswitch }) => [name, vswitch])),
        reportIntervalMs: reportIntervalSeconds * 1_000,
        flags,
        log: {
          info: logger.info.bind(logger),
          warn: logger.warn.bind(logger),
          error: logger.error.bind(logger),
        },
        onNews: async (news) => {
          await tellOfNeutron(client, host.host, news);
        },
        onDoubt: () => reconcileNow(client, host.host),
      }),
  );
  way.start();
  const ready = Promise.all([bus.connection.ready(), ...agents.map((agent) => agent.start())]).then(() => undefined);
  ready.catch(() => undefined);
  return {
    ready,
    async stop() {
      for (const agent of agents) agent.stop();
      await way.close();
      for (const agent of agents) await agent.idle();
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
