import type { NeutronConfiguration } from '../../configuration/neutron.ts';
import { parseTransportUrl } from '../../neutron/transport-url.ts';
import { runWorkers } from '../../runtime/host/run-workers.ts';
import { runNeutronAgents } from '../../runtime/neutron/agents.ts';
import { neutronConnection } from '../../runtime/neutron/connection.ts';
import { createLogger } from '../../runtime/process/logging.ts';
import { startStack } from '../stack.ts';
import type { NeutronApi } from './neutron-api.ts';
import { startOpenstack } from './neutron-server.ts';

/** The processes of the demonstration on this machine: Neutron, the agent, Temporal, a worker and a simulated z/VM system. */
export type NeutronStack = {
  api: NeutronApi;
  host: string;
  zhcpNode: string;
  simulatorUrl: string;
  uiUrl: string | undefined;
  stop(): Promise<void>;
};

const RECONCILE_SECONDS = 30;
const SWEEP_SECONDS = 3_600;

/** Start the stack; `stop` stops its parts in reverse order. */
export async function startNeutronStack(options: { guests: number; say(line: string): void }): Promise<NeutronStack> {
  const { say, guests } = options;
  const undo: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const openstack = await startOpenstack({
      say,
      macPrefix: '02:00:00',
      vlanNetworks: ['physnet1', 'physnet2', 'physport'],
    });
    undo.push(() => openstack.stop());
    const stack = await startStack({ hosts: 1, guestsPerHost: guests, say, withoutWorkers: true });
    undo.push(() => stack.stop());
    const [host] = stack.hosts;
    if (host === undefined) throw new Error('no embedded host');
    const logger = createLogger('warn');
    const neutron = agentConfiguration(openstack.rabbit.transportUrl);
    const way = neutronConnection(neutron, logger);
    way.start();
    undo.push(() => way.close());
    const times = { intervalSeconds: RECONCILE_SECONDS, sweepSeconds: SWEEP_SECONDS };
    const workers = await runWorkers(stack.hosts, stack.target, logger, times, way);
    undo.push(() => workers.stop());
    const agents = runNeutronAgents(stack.hosts, neutron, stack.client, logger);
    undo.push(() => agents.stop());
    await agents.ready;
    const { api } = openstack;
    return {
      api,
      host: host.host,
      zhcpNode: host.zhcpNode,
      simulatorUrl: stack.simulator.url,
      uiUrl: stack.uiUrl,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The agent's configuration, as from neutron.conf with its defaults. */
export function agentConfiguration(transportUrl: string, reportIntervalSeconds = 30): NeutronConfiguration {
  return {
    bus: {
      transport: parseTransportUrl(transportUrl),
      exchange: 'neutron',
      flags: { durable: false, autoDelete: false, durableFanout: false, quorumQueues: false },
      heartbeatSeconds: 60,
      tls: { verify: true },
      rpcTimeoutSeconds: 60,
      reportIntervalSeconds,
    },
  };
}
